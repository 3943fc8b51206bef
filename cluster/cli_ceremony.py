"""``braid keys`` and ``braid genesis``: operators make a network together."""

from pathlib import Path
from typing import Annotated

import typer

from cluster.addresses import DialAddress, ListenAddress, parse_multiaddress
from cluster.cli_options import DirectoryOption, JsonOption, listen_address
from cluster.hexadecimal import bytes_of
from cluster.network import DEFAULT_DIRECTORY
from cluster.node_entries import DEFAULT_RPC
from ledger.types import Digest, EvmAddress

keys = typer.Typer(help="An operator's keys; the secret ones stay in one file of this machine.")
genesis = typer.Typer(help="The start of a network, made by its operators together.")


def multiaddress(text: str) -> DialAddress:
    """A multiaddress of the command line."""
    try:
        return parse_multiaddress(text)
    except ValueError as error:
        raise typer.BadParameter(str(error)) from error


def _hexadecimal(text: str, size: int) -> bytes:
    found = bytes_of(text, size)
    if found is None:
        raise typer.BadParameter(f"expected {2 * size} hexadecimal digits")
    return found


def digest(text: str) -> Digest:
    """A genesis' digest of the command line."""
    return Digest(_hexadecimal(text, 32))


def account(text: str) -> EvmAddress:
    """An account of the command line."""
    return EvmAddress(_hexadecimal(text, 20))


DigestOption = Annotated[
    Digest | None,
    typer.Option("--digest", parser=digest, metavar="HEX", help="Digest that all have agreed on."),
]
TermsOption = Annotated[
    Path | None,
    typer.Option("--chain-config", help="Terms of the network; see `braid genesis template`."),
]
GenesisArgument = Annotated[
    Path, typer.Argument(help="genesis.bin, or a folder that has it.", show_default=False)
]


@keys.command("new")
def keys_new(directory: DirectoryOption = DEFAULT_DIRECTORY, as_json: JsonOption = False) -> None:
    """Make keys for one validator, in a file that only you can read."""
    from cluster.ceremony.commands import keys_new as command

    command(directory, as_json)


@keys.command("public")
def keys_public(
    name: Annotated[str, typer.Option(help="Name of the validator, at most 64 bytes.")],
    address: Annotated[
        DialAddress,
        typer.Option(
            "--p2p",
            parser=multiaddress,
            metavar="MULTIADDRESS",
            help="Where the other validators dial it: /dns4/node.example.org/tcp/9645.",
        ),
    ],
    out: Annotated[Path, typer.Option(help="Where the entry goes.")],
    coinbase: Annotated[
        EvmAddress | None,
        typer.Option(
            parser=account,
            metavar="0x…",
            help="Account that gets its fees; without one nobody can spend them.",
        ),
    ] = None,
    directory: DirectoryOption = DEFAULT_DIRECTORY,
    as_json: JsonOption = False,
) -> None:
    """Write what others get: public keys, with proofs that the secret ones are here."""
    from cluster.ceremony.commands import keys_public as command

    command(directory, name, address, coinbase, out, as_json)


@genesis.command("template")
def genesis_template() -> None:
    """Print terms of a network to begin with, for --chain-config."""
    from cluster.ceremony.commands import genesis_template as command

    command()


@genesis.command("assemble")
def genesis_assemble(
    entries: Annotated[
        list[Path], typer.Argument(help="Entries of all operators, in the validators' order.")
    ],
    out: Annotated[Path, typer.Option(help="Folder for genesis.bin and network.json.")],
    chain_config: TermsOption = None,
    is_for_trials: Annotated[
        bool,
        typer.Option("--development", help="Terms for trials: accounts with public keys have all."),
    ] = False,
    timestamp_ms: Annotated[
        int | None, typer.Option(min=1, max=2**53, help="Time of the start; default: now.")
    ] = None,
    rpc: Annotated[
        ListenAddress | None,
        typer.Option(
            parser=listen_address,
            metavar="IP:PORT",
            help="Where each node's JSON-RPC listens; its operator may say another at the start.",
        ),
    ] = None,
    as_json: JsonOption = False,
) -> None:
    """Put the genesis together from every operator's entry, and say its digest."""
    from cluster.ceremony.commands import genesis_assemble as command

    if (chain_config is None) != is_for_trials:
        raise typer.BadParameter("give either --chain-config or --development")
    command(entries, chain_config, timestamp_ms, out, rpc or DEFAULT_RPC, as_json)


@genesis.command("show")
def genesis_show(path: GenesisArgument, as_json: JsonOption = False) -> None:
    """Check a genesis, and show its digest and validators."""
    from cluster.ceremony.commands import genesis_show as command

    command(path, as_json)


@genesis.command("verify")
def genesis_verify(
    path: GenesisArgument,
    expected: DigestOption = None,
    entries: Annotated[
        list[Path] | None,
        typer.Option("--entry", help="Your entry: it has to be there, unchanged. May be repeated."),
    ] = None,
    chain_config: TermsOption = None,
    as_json: JsonOption = False,
) -> None:
    """Check a genesis that somebody else has put together; exit code 0 only if all is as given."""
    from cluster.ceremony.commands import genesis_verify as command

    command(path, expected, entries or [], chain_config, as_json)
