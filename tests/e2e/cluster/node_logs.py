"""What a network's logs say about a failure."""

import json
from pathlib import Path

MAX_LINES = 40


def troubles_of(directory: Path) -> str:
    """Warnings and errors of all nodes, the latest ones, and the end of Ray's output."""
    lines = []
    for file in sorted(directory.glob("node-*/logs/*.jsonl")):
        where = f"{file.parts[-3]}/{file.stem}"
        for line in file.read_text(errors="replace").splitlines():
            entry = json.loads(line) if line.startswith("{") else {"level": "error", "raw": line}
            if entry.get("level") not in ("debug", "info"):
                lines.append((str(entry.get("timestamp")), where, line))
    ray_log = directory / "ray.log"
    ray_lines = ray_log.read_text(errors="replace").splitlines() if ray_log.exists() else []
    return "\n".join(
        [
            *(f"{where}: {line}" for _, where, line in sorted(lines)[-MAX_LINES:]),
            *(f"ray: {line}" for line in ray_lines[-10:]),
        ]
    )
