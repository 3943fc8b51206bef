"""What an operator does with nodes that are there: restarts, copies, and putting them back."""

from pathlib import Path
from typing import Annotated

import typer

from cluster.cli_options import DirectoryOption, JsonOption
from cluster.network import DEFAULT_DIRECTORY

NodeOption = Annotated[int, typer.Option("--node", min=0, help="Which node.")]


def backup(
    node: Annotated[int, typer.Argument(min=0, help="Which node.")],
    folder: Annotated[Path, typer.Option("--to", help="Empty folder on the node's machine.")],
    directory: DirectoryOption = DEFAULT_DIRECTORY,
    with_keys: Annotated[
        bool,
        typer.Option("--with-keys", help="The validator's secret keys too, readable by you only."),
    ] = False,
    as_json: JsonOption = False,
) -> None:
    """Copy a node's ledger and chains, as they are now, while it runs or not."""
    from cluster.backup.commands import backup as command

    command(directory, node, folder, with_keys, as_json)


def restore(
    folder: Annotated[Path, typer.Argument(help="Folder that `braid backup` has written.")],
    node: NodeOption,
    directory: DirectoryOption = DEFAULT_DIRECTORY,
    seed: Annotated[
        Path | None,
        typer.Option(help="The validator's seed, if it is not in the backup or in its place."),
    ] = None,
    is_forced: Annotated[
        bool, typer.Option("--force", help="Put what the node has now aside.")
    ] = False,
    as_json: JsonOption = False,
) -> None:
    """Check a backup and put it back; the node asks the others before it votes again."""
    from cluster.backup.commands import restore as command

    command(directory, node, folder, seed, is_forced, as_json)


def restart(
    directory: DirectoryOption = DEFAULT_DIRECTORY,
    node: Annotated[int | None, typer.Option("--node", min=0, help="This node only.")] = None,
    is_rolling: Annotated[
        bool, typer.Option("--rolling", help="All nodes that run here, one after the other.")
    ] = False,
    is_forced: Annotated[
        bool, typer.Option("--force", help="Even if the ledger stands still meanwhile.")
    ] = False,
    as_json: JsonOption = False,
) -> None:
    """Restart nodes of a running network; the next one only when the last votes and is level."""
    from cluster.restart.commands import restart as command

    if is_rolling == (node is not None):
        raise typer.BadParameter("give either --node or --rolling")
    command(directory, node, is_forced, as_json)
