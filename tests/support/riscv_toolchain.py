"""C programs to ELF files with Debian's gcc-riscv64-unknown-elf.

`python -m tests.support.riscv_toolchain` rebuilds the committed ELF files from their sources.
"""

import shutil
import subprocess
import tempfile
from pathlib import Path

PROGRAMS = Path(__file__).parent / "riscv_programs"
COMPILER = "riscv64-unknown-elf-gcc"
COMMON_SOURCES = ("start.S", "memory.c")
FLAGS = (
    "-march=rv32im", "-mabi=ilp32", "-mcmodel=medlow", "-nostdlib", "-ffreestanding", "-static",
    "-fno-tree-loop-distribute-patterns", "-std=c11", "-Wall", "-Wextra", "-Werror",
    "-Wl,--build-id=none", "-Wl,-z,max-page-size=4", "-Wl,--no-warn-rwx-segments",
)  # fmt: skip
DEFAULT_OPTIMISATION = "-Os"


def has_compiler() -> bool:
    """Whether the cross compiler is installed here."""
    return shutil.which(COMPILER) is not None


def source_names() -> list[str]:
    """Names of all programs in C."""
    return sorted(path.stem for path in PROGRAMS.glob("*.c") if path.name not in COMMON_SOURCES)


def compile_program(
    name: str, optimisation: str = DEFAULT_OPTIMISATION, *, has_symbols: bool = False
) -> bytes:
    """ELF file of the program `name`."""
    sources = [str(PROGRAMS / source) for source in (*COMMON_SOURCES, f"{name}.c")]
    with tempfile.TemporaryDirectory() as folder:
        output = Path(folder) / name
        subprocess.run(
            [
                COMPILER,
                *FLAGS,
                optimisation,
                *(() if has_symbols else ("-s",)),
                f"-Wl,-T,{PROGRAMS / 'link.ld'}",
                "-o",
                str(output),
                *sources,
                "-lgcc",
            ],
            check=True,
        )
        return output.read_bytes()


def committed_elf(name: str) -> bytes:
    """The ELF file as it was built last."""
    return (PROGRAMS / f"{name}.elf").read_bytes()


if __name__ == "__main__":
    for program in source_names():
        (PROGRAMS / f"{program}.elf").write_bytes(compile_program(program))
