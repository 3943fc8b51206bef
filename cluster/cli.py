"""The ``braid`` command line."""

import signal
import sys
from pathlib import Path
from typing import Annotated, NoReturn

import typer
from rich.console import Console

from cluster.errors import ClusterError
from cluster.network import DEFAULT_DIRECTORY
from cluster.ports import MAX_PORT

app = typer.Typer(
    name="braid",
    help="Braid: one BFT ledger, in which the blocks of a ZK chain and a fast chain alternate.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    add_completion=False,
)
bench = typer.Typer(help="Measure this machine; each figure stands next to its limit.")
app.add_typer(bench, name="bench", no_args_is_help=True)

console = Console(stderr=True)

DirectoryOption = Annotated[
    Path, typer.Option("--dir", help="Directory of the network.", envvar="BRAID_DIR")
]
ValidatorsOption = Annotated[
    int, typer.Option("--validators", "-n", min=2, max=16, help="Validators of a new network.")
]
JsonOption = Annotated[bool, typer.Option("--json", help="Print one JSON object on stdout.")]


@app.command()
def up(
    directory: DirectoryOption = DEFAULT_DIRECTORY,
    validators: ValidatorsOption = 4,
    rpc_port: Annotated[
        int | None,
        typer.Option(
            min=1, max=MAX_PORT, help="First JSON-RPC port of a new network; default 8545."
        ),
    ] = None,
    p2p_port: Annotated[
        int | None,
        typer.Option(min=1, max=MAX_PORT, help="First libp2p port of a new network; default 9645."),
    ] = None,
    as_json: JsonOption = False,
) -> None:
    """Start a network on this machine: a new one, or the one in the directory."""
    from cluster.commands import up as command

    command(directory, validators, rpc_port, p2p_port, as_json)


@app.command()
def status(
    directory: DirectoryOption = DEFAULT_DIRECTORY,
    as_json: JsonOption = False,
) -> None:
    """Show heights, views, peers, mempools and rejections of every node."""
    from cluster.commands import status as command

    command(directory, as_json)


@app.command()
def down(
    directory: DirectoryOption = DEFAULT_DIRECTORY,
    as_json: JsonOption = False,
) -> None:
    """Stop the network in the directory; `braid up` resumes the same ledger."""
    from cluster.commands import down as command

    command(directory, as_json)


@app.command()
def quarantine(
    node: Annotated[int, typer.Argument(help="Node whose operator votes.")],
    reason: Annotated[str, typer.Option(help="Why; at most 64 bytes, goes on the ledger.")],
    directory: DirectoryOption = DEFAULT_DIRECTORY,
) -> None:
    """Vote to cut the fast chain off; it takes a quorum of operators."""
    from cluster.commands import quarantine as command

    command(directory, node, reason)


@app.command()
def resume(
    node: Annotated[int, typer.Argument(help="Node whose operator votes.")],
    checkpoint: Annotated[
        int | None, typer.Option(help="Fast block to resume from; default: the last certified.")
    ] = None,
    directory: DirectoryOption = DEFAULT_DIRECTORY,
) -> None:
    """Vote to end a quarantine: the fast chain is replayed from a certified checkpoint."""
    from cluster.commands import resume as command

    command(directory, node, checkpoint)


@app.command()
def demo(
    as_json: JsonOption = False,
    validators: ValidatorsOption = 4,
    keep: Annotated[
        Path | None, typer.Option(help="Keep the network's directory there, for a later look.")
    ] = None,
) -> None:
    """Play one game across both chains on four validators, and check that its cap holds."""
    from cluster.demo import run_demo

    run_demo(validators=validators, keep=keep, as_json=as_json)


@bench.command("consensus")
def bench_consensus(
    validators: ValidatorsOption = 4,
    seconds: Annotated[float, typer.Option(min=1, help="Length of the measurement.")] = 15.0,
    as_json: JsonOption = False,
) -> None:
    """Soft and final confirmation of an idle network."""
    from cluster.bench.consensus import run

    run(validators, seconds, as_json)


@bench.command("throughput")
def bench_throughput(
    validators: ValidatorsOption = 4,
    transactions: Annotated[int, typer.Option(min=100, help="Transfers to send.")] = 10_000,
    as_json: JsonOption = False,
) -> None:
    """Signed transfers through JSON-RPC until they are final."""
    from cluster.bench.throughput import run

    run(validators, transactions, as_json)


@bench.command("execute")
def bench_execute(
    transactions: Annotated[int, typer.Option(min=10, help="Transfers in a block.")] = 2_000,
    as_json: JsonOption = False,
) -> None:
    """The engines alone, side by side: the wasm STF and py-evm."""
    from cluster.bench.execute import run

    run(transactions, as_json)


def main() -> NoReturn:
    """Run the command line; errors of ours are one line without a traceback.

    SIGTERM ends the command like Ctrl-C does, so that nothing it started is left behind.
    """
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    try:
        app()
    except ClusterError as error:
        console.print(f"[red]error:[/] {error}", highlight=False)
        sys.exit(1)
    sys.exit(0)
