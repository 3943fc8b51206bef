"""``braid validators``: the set of validators, and changes of it."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from cluster.addresses import listening_for, parse_listen_address, parse_multiaddress
from cluster.cli_options import DirectoryOption, JsonOption
from cluster.network import DEFAULT_DIRECTORY
from cluster.node_entries import DEFAULT_RPC, NodeEntry

if TYPE_CHECKING:
    from cluster.validators import Wanted

validators = typer.Typer(help="Who orders the ledger: changes of the set, and of keys.")

NodeOption = Annotated[int, typer.Option(min=0, help="Node whose operator you are.")]
AskedNodeOption = Annotated[int, typer.Option(min=0, help="Node that is asked.")]
RemoveOption = Annotated[list[int] | None, typer.Option(min=0, help="Validator to remove.")]
ReplaceOption = Annotated[
    list[str] | None, typer.Option(metavar="INDEX=FILE", help="Validator to replace, by whom.")
]
AddOption = Annotated[list[Path] | None, typer.Option(help="Newcomer file of who is added.")]


@validators.command("status")
def status(
    directory: DirectoryOption = DEFAULT_DIRECTORY,
    node: AskedNodeOption = 0,
    as_json: JsonOption = False,
) -> None:
    """Show the epoch, its validators, and changes that are voted on or decided."""
    from cluster.validators import status as command

    command(directory, node, as_json)


@validators.command("verify")
def verify(
    directory: DirectoryOption = DEFAULT_DIRECTORY,
    node: Annotated[int, typer.Option(min=0, help="Node whose ledger is read.")] = 0,
    as_json: JsonOption = False,
) -> None:
    """Check the chain of certificates from the genesis to the newest set; no node has to run."""
    from cluster.validators import verify as command

    command(directory, node, as_json)


@validators.command("newcomer")
def newcomer(
    out: Annotated[Path, typer.Option(help="Where the file to hand over goes.")],
    directory: DirectoryOption = DEFAULT_DIRECTORY,
    node: Annotated[
        int | None, typer.Option(min=0, help="Node that is to get new keys; they are made here.")
    ] = None,
    seed: Annotated[
        Path | None, typer.Option(help="Seed of keys that exist (`braid keys new`), instead.")
    ] = None,
    name: Annotated[str | None, typer.Option(help="Name of the validator.")] = None,
    address: Annotated[
        str | None, typer.Option(help="Where its libp2p is reached, as host:port.")
    ] = None,
) -> None:
    """Make the file that hands new keys over to whoever proposes a change."""
    from cluster.validators import newcomer_of_node, newcomer_of_seed

    if node is not None and seed is None:
        newcomer_of_node(directory, node, name, address, out)
    elif seed is not None and node is None and name is not None and address is not None:
        newcomer_of_seed(directory, seed, name, address, out)
    else:
        raise typer.BadParameter("give either --node, or --seed with --name and --address")


@validators.command("add-node")
def add_node(
    name: Annotated[str, typer.Argument(help="Name of the validator that it is to be.")],
    address: Annotated[
        str, typer.Option(help="Where peers dial it: /dns4/HOST/tcp/PORT or /ip4/IP/tcp/PORT.")
    ],
    out: Annotated[Path, typer.Option(help="Where the file to hand over goes.")],
    directory: DirectoryOption = DEFAULT_DIRECTORY,
    rpc: Annotated[str, typer.Option(help="IP:PORT of its JSON-RPC.")] = str(DEFAULT_RPC),
    as_json: JsonOption = False,
) -> None:
    """Make keys and a directory for one more node, and the file that hands the keys over."""
    from cluster.validators import add_node as command

    try:
        dialled = parse_multiaddress(address)
        entry = NodeEntry(dialled, listening_for(dialled), parse_listen_address(rpc))
    except ValueError as error:
        raise typer.BadParameter(str(error)) from error
    command(directory, name, entry, out, as_json)


@validators.command("propose-change")
def propose_change(
    directory: DirectoryOption = DEFAULT_DIRECTORY,
    node: NodeOption = 0,
    remove: RemoveOption = None,
    replace: ReplaceOption = None,
    add: AddOption = None,
    notice: Annotated[
        int, typer.Option(min=1, help="Blocks from now to the first one of the new epoch.")
    ] = 1024,
    as_json: JsonOption = False,
) -> None:
    """Put a change of the set to the vote; this is a vote for it, too."""
    from cluster.validators import propose_change as command

    command(directory, node, _wanted(remove, replace, add, notice), as_json)


@validators.command("vote")
def vote(
    change: Annotated[str, typer.Argument(help="Digest of the change, as `status` shows it.")],
    directory: DirectoryOption = DEFAULT_DIRECTORY,
    node: NodeOption = 0,
    as_json: JsonOption = False,
) -> None:
    """Vote for a change of the set that is on the ledger."""
    from cluster.validators import vote as command

    command(directory, node, change, as_json)


@validators.command("l1-calls")
def l1_calls(
    out: Annotated[Path, typer.Option(help="Where the transactions go, as JSON.")],
    directory: DirectoryOption = DEFAULT_DIRECTORY,
    node: AskedNodeOption = 0,
    remove: RemoveOption = None,
    replace: ReplaceOption = None,
    add: AddOption = None,
    registry: Annotated[
        str | None, typer.Option(help="Where the new registry is: adds the owner's two calls.")
    ] = None,
) -> None:
    """Write the transactions with which a new set takes over on L1; nothing is sent."""
    from cluster.validators import l1_calls as command

    command(directory, node, _wanted(remove, replace, add), registry, out)


def _wanted(
    remove: list[int] | None, replace: list[str] | None, add: list[Path] | None, notice: int = 0
) -> "Wanted":
    from cluster.validators import Wanted

    replaced = tuple(_replacement(text) for text in replace or ())
    return Wanted(tuple(remove or ()), replaced, tuple(add or ()), notice)


def _replacement(text: str) -> tuple[int, Path]:
    index, separator, file = text.partition("=")
    if not separator or not index.isascii() or not index.isdigit() or not file:
        raise typer.BadParameter(f"--replace takes INDEX=FILE, got {text!r}")
    return int(index), Path(file)
