"""``braid node``: one node, where the others are somebody else's or on other machines."""

from pathlib import Path
from typing import Annotated

import typer

from cluster.addresses import ListenAddress
from cluster.cli_ceremony import DigestOption
from cluster.cli_options import (
    DirectoryOption,
    JsonOption,
    NewKeysOption,
    RayAddressOption,
    WaitOption,
    listen_address,
)
from cluster.network import DEFAULT_DIRECTORY

node = typer.Typer(help="One node of a network whose others run elsewhere.")

IndexArgument = Annotated[int, typer.Argument(min=0, help="Which validator of the genesis.")]


ListenOption = Annotated[
    ListenAddress | None,
    typer.Option(
        "--listen",
        parser=listen_address,
        metavar="IP:PORT",
        help="Where libp2p listens; default: what network.json says.",
    ),
]
RpcOption = Annotated[
    ListenAddress | None,
    typer.Option(
        "--rpc",
        parser=listen_address,
        metavar="IP:PORT",
        help="Where JSON-RPC listens; default: what network.json says.",
    ),
]


@node.command("join")
def join(
    folder: Annotated[
        Path, typer.Argument(help="Folder with the network's genesis.bin and network.json.")
    ],
    directory: DirectoryOption = DEFAULT_DIRECTORY,
    expected: DigestOption = None,
    as_json: JsonOption = False,
) -> None:
    """Make the directory with your keys ready for a network that has your validator."""
    from cluster.ceremony.commands import node_join as command

    command(folder, directory, expected, as_json)


@node.command("start")
def start(
    index: IndexArgument,
    directory: DirectoryOption = DEFAULT_DIRECTORY,
    address: RayAddressOption = None,
    listen: ListenOption = None,
    rpc: RpcOption = None,
    wait_seconds: WaitOption = 0.0,
    are_keys_new: NewKeysOption = False,
    as_json: JsonOption = False,
) -> None:
    """Start a node: on a Ray of its own on this machine, or with --address on one that runs."""
    from cluster.node_commands import start as command

    command(directory, index, address, listen, rpc, wait_seconds, are_keys_new, as_json)


@node.command("status")
def status(
    index: IndexArgument,
    directory: DirectoryOption = DEFAULT_DIRECTORY,
    address: RayAddressOption = None,
    as_json: JsonOption = False,
) -> None:
    """Show a node's height and view, and why each peer is not connected."""
    from cluster.node_commands import status as command

    command(directory, index, address, as_json)


@node.command("stop")
def stop(
    index: IndexArgument,
    directory: DirectoryOption = DEFAULT_DIRECTORY,
    address: RayAddressOption = None,
    as_json: JsonOption = False,
) -> None:
    """Stop a node; `braid node start` resumes it."""
    from cluster.node_commands import stop as command

    command(directory, index, address, as_json)
