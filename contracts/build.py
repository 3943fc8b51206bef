"""Compiles the Vyper sources to the artifacts that are committed beside them.

Needs the development dependencies (``vyper``, ``snekmate``), which the running
product does not. Run ``python -m contracts.build`` after a change in
``contracts/src`` or ``contracts/l1/src`` and ``python -m contracts.build --check``
to see whether the artifacts match.
"""

import hashlib
import importlib.util
import json
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

from contracts.compiled import CONTRACT_NAMES, artifact_path
from contracts.l1.compiled import L1_CONTRACT_NAMES, l1_artifact_path

SOURCE_FOLDER: Final = Path(__file__).parent / "src"
L1_SOURCE_FOLDER: Final = Path(__file__).parent / "l1" / "src"
EVM_VERSION: Final = "prague"


def compile_contract(name: str) -> str:
    """Compile one contract.

    Parameters
    ----------
    name
        One of :data:`contracts.compiled.CONTRACT_NAMES` or
        :data:`contracts.l1.compiled.L1_CONTRACT_NAMES`.

    Returns
    -------
    str
        The artifact: a JSON object whose encoding is the same on every machine.

    """
    source = source_path(name)
    return json.dumps({"name": name, **compile_source(source)}, indent=1, sort_keys=True) + "\n"


def compile_source(source: Path) -> dict[str, Any]:
    """Compile one Vyper file, which may import the modules of both source folders and snekmate."""
    # The compiler is a development dependency without type information.
    import vyper  # type: ignore[import-untyped]
    from vyper.compiler import compile_from_file_input  # type: ignore[import-untyped]
    from vyper.compiler.input_bundle import (  # type: ignore[import-untyped]
        FilesystemInputBundle,
    )
    from vyper.compiler.settings import (  # type: ignore[import-untyped]
        OptimizationLevel,
        Settings,
    )

    bundle = FilesystemInputBundle([_snekmate_root(), SOURCE_FOLDER, L1_SOURCE_FOLDER])
    output = compile_from_file_input(
        bundle.load_file(source),
        input_bundle=bundle,
        settings=Settings(optimize=OptimizationLevel.GAS, evm_version=EVM_VERSION),
        output_formats=["abi", "bytecode", "bytecode_runtime", "layout"],
    )
    return {
        "compiler": f"vyper {vyper.__version__}",
        "evm_version": EVM_VERSION,
        "source_sha256": hashlib.sha256(source.read_bytes()).hexdigest(),
        "abi": output["abi"],
        "bytecode": output["bytecode"],
        "runtime_bytecode": output["bytecode_runtime"],
        "has_immutables": bool(output["layout"].get("code_layout")),
        "storage_layout": _slots_by_name(output["layout"].get("storage_layout", {})),
    }


def source_path(name: str) -> Path:
    """Return the Vyper source of a contract; the examples lie in their own folder."""
    folder = L1_SOURCE_FOLDER if name in L1_CONTRACT_NAMES else SOURCE_FOLDER
    (path,) = folder.rglob(f"{name}.vy")
    return path


def main(arguments: list[str]) -> int:
    """Build all artifacts, or compare them with ``--check``; return the exit status."""
    is_check = arguments == ["--check"]
    stale_names = []
    for name, path in _targets():
        built = compile_contract(name)
        if path.is_file() and path.read_text() == built:
            continue
        stale_names.append(name)
        if not is_check:
            path.parent.mkdir(exist_ok=True)
            path.write_text(built)
            sys.stdout.write(f"built {name}\n")
    if is_check and stale_names:
        names = ", ".join(stale_names)
        sys.stderr.write(f"stale artifacts, run python -m contracts.build: {names}\n")
        return 1
    return 0


def _targets() -> Iterator[tuple[str, Path]]:
    """Yield the name and the artifact of every contract that is built here."""
    for name in CONTRACT_NAMES:
        yield name, artifact_path(name)
    for name in L1_CONTRACT_NAMES:
        yield name, l1_artifact_path(name)


def _snekmate_root() -> Path:
    """Return the folder that the compiler must search to find ``snekmate``."""
    specification = importlib.util.find_spec("snekmate")
    if specification is None or not specification.submodule_search_locations:
        raise ModuleNotFoundError("snekmate is not installed; install the dev dependencies")
    return Path(specification.submodule_search_locations[0]).parent


def _slots_by_name(layout: dict[str, object], prefix: str = "") -> dict[str, int]:
    """Flatten the compiler's storage layout to ``{"module.variable": slot}``."""
    slots: dict[str, int] = {}
    for name, entry in layout.items():
        if not isinstance(entry, dict):
            raise TypeError(f"storage layout: expected an object for {name}, got {entry!r}")
        if isinstance(entry.get("slot"), int):
            slots[prefix + name] = entry["slot"]
        else:
            slots.update(_slots_by_name(entry, f"{prefix}{name}."))
    return slots


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
