"""Options that several commands take."""

from pathlib import Path
from typing import Annotated

import typer

from cluster.addresses import ListenAddress, parse_listen_address

DirectoryOption = Annotated[
    Path, typer.Option("--dir", help="Directory of the network.", envvar="BRAID_DIR")
]
JsonOption = Annotated[bool, typer.Option("--json", help="Print one JSON object on stdout.")]
RayAddressOption = Annotated[
    str | None,
    typer.Option(
        "--address",
        help="Ray that runs already: HOST:PORT of its head, ray://HOST:PORT, or 'auto' for this "
        "machine's.",
    ),
]
NewKeysOption = Annotated[
    bool,
    typer.Option(
        "--new-keys",
        help="First start with a seed that was brought here and has never voted. Never twice: a "
        "node without its journal otherwise asks the others before it votes.",
    ),
]
WaitOption = Annotated[
    float,
    typer.Option(
        "--wait",
        min=0,
        help="With --address: seconds to wait for machines with the resources validator-i.",
    ),
]


def listen_address(text: str) -> ListenAddress:
    """An address of the command line."""
    try:
        return parse_listen_address(text)
    except ValueError as error:
        raise typer.BadParameter(str(error)) from error
