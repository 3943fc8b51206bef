"""A Containerfile, parsed; what is wrong with it; and its steps, run without a container."""

import os
import re
import shlex
import shutil
import subprocess
import sys
from dataclasses import dataclass, field
from pathlib import Path

KNOWN = {"ARG", "CMD", "COPY", "ENV", "FROM", "LABEL", "RUN", "USER", "WORKDIR"}
SECRET_NAME = re.compile(r"key|token|secret|passw|seed|credential", re.IGNORECASE)
FETCHES = re.compile(r"\b(curl|wget|git|apt|apt-get|apk|sudo|https?://)", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Instruction:
    """One instruction; ``words`` are split as a shell would."""

    name: str
    text: str

    @property
    def words(self) -> list[str]:
        return shlex.split(self.text)

    @property
    def operands(self) -> list[str]:
        return [word for word in self.words if not word.startswith("--")]

    @property
    def flags(self) -> dict[str, str]:
        pairs = (word[2:].partition("=") for word in self.words if word.startswith("--"))
        return {name: value for name, _, value in pairs}


@dataclass(slots=True)
class Stage:
    """What stands between one FROM and the next."""

    name: str
    base: str
    instructions: list[Instruction] = field(default_factory=list)

    def having(self, name: str) -> list[Instruction]:
        return [each for each in self.instructions if each.name == name]


@dataclass(slots=True)
class Containerfile:
    """Stages by name, in order."""

    arguments: list[Instruction]
    stages: dict[str, Stage]

    def user_of(self, stage_name: str) -> str | None:
        """The user that a stage's containers run as, inherited if need be."""
        stage = self.stages.get(stage_name)
        if stage is None:
            return None
        users = stage.having("USER")
        return users[-1].text if users else self.user_of(stage.base)


def parse(text: str) -> Containerfile:
    """Parse a Containerfile; ``${NAME}`` in FROM is replaced by the argument's default."""
    arguments: list[Instruction] = []
    stages: dict[str, Stage] = {}
    current: Stage | None = None
    lines = [line for line in text.splitlines() if not line.lstrip().startswith("#")]
    for line in "\n".join(lines).replace("\\\n", " ").splitlines():
        if not line.strip():
            continue
        name, _, rest = line.strip().partition(" ")
        instruction = Instruction(name.upper(), rest.strip())
        if instruction.name == "FROM":
            image, *alias = instruction.operands
            for argument in arguments:
                key, _, default = argument.text.partition("=")
                image = image.replace(f"${{{key}}}", default)
            current = Stage(alias[-1] if alias else str(len(stages)), image)
            stages[current.name] = current
        elif current is None:
            arguments.append(instruction)
        else:
            current.instructions.append(instruction)
    return Containerfile(arguments, stages)


def violations(file: Containerfile, targets: tuple[str, ...]) -> list[str]:
    """What must not be in an image, each as a sentence."""
    found = [f"there is no stage {name}" for name in targets if name not in file.stages]
    for name in targets:
        user = file.user_of(name)
        if user is None or not re.fullmatch(r"[1-9]\d*:[1-9]\d*", user):
            found.append(f"stage {name} runs as {user}, not as a number other than root's")
    for argument in file.arguments:
        found += _secrets(argument)
    for stage in file.stages.values():
        if stage.base not in file.stages:
            found += _floating_image(stage.base)
        for instruction in stage.instructions:
            if instruction.name not in KNOWN:
                found.append(f"{instruction.name} is not used here")
            found += _secrets(instruction)
            found += _copies(instruction, file.stages)
            found += _unpinned(instruction)
    return found


def _floating_image(image: str) -> list[str]:
    if re.search(r"@sha256:[0-9a-f]{64}$", image):
        return []
    _, _, tag = image.rpartition("/")[2].partition(":")
    is_pinned = re.match(r"\d+\.\d+\.\d+", tag) is not None
    return [] if is_pinned else [f"image {image} has no full version"]


def _secrets(instruction: Instruction) -> list[str]:
    if instruction.name not in {"ARG", "ENV", "LABEL"}:
        return []
    names = [word.partition("=")[0] for word in instruction.words]
    return [f"{instruction.name} {name} is a secret" for name in names if SECRET_NAME.search(name)]


def _copies(instruction: Instruction, stages: dict[str, Stage]) -> list[str]:
    if instruction.name != "COPY":
        return []
    source_stage = instruction.flags.get("from")
    if source_stage is not None and source_stage not in stages:
        return [f"COPY takes from {source_stage}, which is no stage"]
    sources = instruction.operands[:-1]
    whole = [each for each in sources if each.rstrip("/") in {"", "."} or "*" in each]
    secret = [each for each in sources if SECRET_NAME.search(each)]
    return [f"COPY {each} takes more than it names" for each in whole] + [
        f"COPY {each} is a secret" for each in secret
    ]


def _unpinned(instruction: Instruction) -> list[str]:
    if instruction.name != "RUN":
        return []
    found = []
    if FETCHES.search(instruction.text):
        found.append(f"RUN fetches what nothing pins: {instruction.text}")
    if " install " in instruction.text and "pip" in instruction.text:
        is_pip = "/pip install" in instruction.text
        pinned = {"requirement"} if is_pip else {"constraint", "no-deps"}
        if not pinned & set(instruction.flags):
            found.append(f"RUN installs without a lock: {instruction.text}")
    return found


def run_steps(file: Containerfile, stage_name: str, context: Path, root: Path) -> None:
    """Run a stage's COPY and RUN with ``/opt`` and the work directory below ``root``."""
    directory = root
    for instruction in file.stages[stage_name].instructions:
        if instruction.name == "WORKDIR":
            directory = root / instruction.text.lstrip("/")
            directory.mkdir(parents=True)
        elif instruction.name == "COPY":
            *sources, target = instruction.operands
            for source in sources:
                _copy(context / source, directory / target, target.endswith("/"))
        elif instruction.name == "RUN":
            command = instruction.text.replace("/opt/", f"{root}/opt/")
            _run(re.sub(r"^python ", f"{sys.executable} ", command), directory)


def _copy(source: Path, target: Path, is_directory: bool) -> None:
    if source.is_dir():
        shutil.copytree(source, target, ignore=shutil.ignore_patterns("__pycache__"))
        return
    if is_directory:
        target /= source.name
    target.parent.mkdir(parents=True, exist_ok=True)
    shutil.copy(source, target)


def _run(command: str, directory: Path) -> None:
    done = subprocess.run(
        ["/bin/sh", "-ec", command],
        cwd=directory,
        env={key: value for key, value in os.environ.items() if not key.startswith("PYTHON")},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, f"{command}\n{done.stdout[-3000:]}{done.stderr[-3000:]}"
