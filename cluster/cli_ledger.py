"""``braid ledger``: a ledger on disk, of a node that runs or not, or in a backup."""

from pathlib import Path
from typing import Annotated

import typer

from cluster.cli_options import DirectoryOption, JsonOption
from cluster.network import DEFAULT_DIRECTORY

ledger = typer.Typer(help="A ledger on disk: a node's, running or not, or a backup's.")

NodeOption = Annotated[int, typer.Option("--node", min=0, help="Node whose disk is read.")]
BackupOption = Annotated[
    Path | None, typer.Option("--backup", help="Read this backup instead of a node's disk.")
]


def parse_range(text: str) -> tuple[int, int]:
    """Heights as ``FROM..TO``, both included."""
    first, separator, last = text.partition("..")
    is_number = first.isascii() and first.isdigit() and last.isascii() and last.isdigit()
    if not separator or not is_number or len(text) > 40:
        raise typer.BadParameter("heights are given as FROM..TO, such as 1..100")
    if not 1 <= int(first) <= int(last):
        raise typer.BadParameter(f"{text} holds no block: the first has height 1")
    return int(first), int(last)


@ledger.command("verify")
def verify(
    directory: DirectoryOption = DEFAULT_DIRECTORY,
    node: NodeOption = 0,
    backup: BackupOption = None,
    as_json: JsonOption = False,
) -> None:
    """Check all blocks, certificates and checkpoints from the genesis to the head."""
    from cluster.history.commands import verify as command

    command(directory, node, backup, as_json)


@ledger.command("inspect")
def inspect(
    height: Annotated[int, typer.Argument(min=1, help="Height of the block.")],
    directory: DirectoryOption = DEFAULT_DIRECTORY,
    node: NodeOption = 0,
    backup: BackupOption = None,
    as_json: JsonOption = False,
) -> None:
    """Show a final block and who made it final."""
    from cluster.history.commands import inspect as command

    command(directory, node, backup, height, as_json)


@ledger.command("export")
def export(
    heights: Annotated[str, typer.Argument(metavar="FROM..TO", help="Heights, both included.")],
    directory: DirectoryOption = DEFAULT_DIRECTORY,
    node: NodeOption = 0,
    backup: BackupOption = None,
    out: Annotated[
        Path | None, typer.Option(help="File that is written whole; default: standard output.")
    ] = None,
    as_json: JsonOption = False,
) -> None:
    """Write final blocks with their certificates, one JSON object a line."""
    from cluster.history.commands import export as command

    command(directory, node, backup, parse_range(heights), out, as_json)
