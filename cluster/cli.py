"""The ``braid`` command line."""

import signal
import sys
from pathlib import Path
from typing import Annotated, NoReturn

import typer
from rich.console import Console
from rich.markup import escape

from cluster.cli_ceremony import genesis, keys
from cluster.cli_ledger import ledger
from cluster.cli_node import node
from cluster.cli_operations import backup, restart, restore
from cluster.cli_options import (
    DirectoryOption,
    JsonOption,
    NewKeysOption,
    RayAddressOption,
    WaitOption,
)
from cluster.cli_validators import validators
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
prover = typer.Typer(help="The pool of workers that proves batches of the ZK chain.")
app.add_typer(prover, name="prover", no_args_is_help=True)

settlement = typer.Typer(help="Settlement of the ZK chain on L1.")
app.add_typer(settlement, name="settlement", no_args_is_help=True)
chaos = typer.Typer(help="Break a network on purpose, and check that nothing is lost.")
app.add_typer(chaos, name="chaos", no_args_is_help=True)
app.add_typer(node, name="node", no_args_is_help=True)
app.add_typer(keys, name="keys", no_args_is_help=True)
app.add_typer(validators, name="validators", no_args_is_help=True)
app.add_typer(genesis, name="genesis", no_args_is_help=True)

app.add_typer(ledger, name="ledger", no_args_is_help=True)
app.command()(backup)
app.command()(restore)
app.command()(restart)

console = Console(stderr=True)

L1_ENGINES = ("py-evm", "wasm")
DEFAULT_L1_ENGINE = "wasm"

ValidatorsOption = Annotated[
    int, typer.Option("--validators", "-n", min=2, max=16, help="Validators of a new network.")
]


def known_parameter_set(name: str) -> str:
    """Refuse a name that no parameter set has."""
    from proving.parameters import KNOWN_PARAMETERS

    if name not in KNOWN_PARAMETERS:
        raise typer.BadParameter(f"known sets are {', '.join(KNOWN_PARAMETERS)}")
    return name


def known_engine(name: str) -> str:
    """Refuse an engine that the embedded L1 does not have."""
    if name not in L1_ENGINES:
        raise typer.BadParameter(f"known engines are {', '.join(L1_ENGINES)}")
    return name


ParametersOption = Annotated[
    str,
    typer.Option(
        help="Parameter set: 'fast' to prove, 'settlement' for small proofs.",
        callback=known_parameter_set,
    ),
]


def require_range(first: int, last: int) -> None:
    """Refuse a range without blocks."""
    if last < first:
        raise typer.BadParameter(f"--to {last} is before --from {first}")


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
    l1: Annotated[
        str,
        typer.Option(
            help="L1 of a new network: 'embedded' brings one along, 'none' settles nowhere, or the "
            "JSON-RPC URL of an Ethereum chain."
        ),
    ] = "embedded",
    l1_port: Annotated[
        int | None,
        typer.Option(min=1, max=MAX_PORT, help="JSON-RPC port of the embedded L1; default 8544."),
    ] = None,
    l1_engine: Annotated[
        str,
        typer.Option(
            help="What executes the embedded L1: 'py-evm' or 'wasm'.", callback=known_engine
        ),
    ] = DEFAULT_L1_ENGINE,
    l1_key: Annotated[
        Path | None,
        typer.Option(
            help="File with the private key (hex) that deploys the contracts on an L1 by URL."
        ),
    ] = None,
    provers: Annotated[
        int,
        typer.Option(
            min=0,
            max=64,
            help="Workers that prove batches of a new network; each takes 2 to 10 GB.",
        ),
    ] = 0,
    prover_gpus: Annotated[
        float,
        typer.Option(min=0, max=8, help="GPUs that Ray sets aside for each of these workers."),
    ] = 0.0,
    address: RayAddressOption = None,
    wait_seconds: WaitOption = 0.0,
    are_keys_new: NewKeysOption = False,
    as_json: JsonOption = False,
) -> None:
    """Start a network: a new one on this machine, or the one in the directory.

    With --address its nodes are placed on the machines of a Ray that runs already.
    """
    from cluster.commands import Elsewhere
    from cluster.commands import up as command
    from cluster.l1_plan import L1Request

    request = L1Request(l1, l1_port, l1_engine, l1_key, provers, prover_gpus)
    elsewhere = None if address is None else Elsewhere(address, wait_seconds, are_keys_new)
    command(directory, validators, rpc_port, p2p_port, request, elsewhere, as_json)


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
    is_proved: Annotated[
        bool,
        typer.Option(
            "--prove",
            help="Wait until L1 has verified the validity proof; takes minutes and 10 GB.",
        ),
    ] = False,
    provers: Annotated[
        int, typer.Option(min=1, max=64, help="With --prove: workers that make the proof.")
    ] = 1,
) -> None:
    """Play one game across both chains, check that its cap holds, and settle it on L1."""
    from cluster.demo import run_demo

    run_demo(validators, keep, as_json, is_proved, provers)


@app.command()
def prove(
    directory: DirectoryOption = DEFAULT_DIRECTORY,
    node: Annotated[int, typer.Option(min=0, help="Node whose blocks are read.")] = 0,
    first: Annotated[
        int | None, typer.Option("--from", min=1, help="First block of the ZK chain to prove.")
    ] = None,
    last: Annotated[
        int | None, typer.Option("--to", min=1, help="Last block of the ZK chain to prove.")
    ] = None,
    witness: Annotated[
        Path | None, typer.Option(help="Prove a witness, as `braid witness` writes it.")
    ] = None,
    elf: Annotated[Path | None, typer.Option(help="Prove a run of any RV32IM program.")] = None,
    stdin: Annotated[Path | None, typer.Option(help="Input of the program.")] = None,
    parameters: ParametersOption = "fast",
    out: Annotated[Path, typer.Option(help="Where the proof goes.")] = Path("braid.proof"),
    as_json: JsonOption = False,
) -> None:
    """Prove final blocks of the ZK chain, a witness, or a run of any RV32IM program.

    Exactly one of --from/--to, --witness and --elf says what. The node may be running.
    """
    from cluster.proofs import prove as command

    is_range = first is not None and last is not None
    if [is_range, witness is not None, elf is not None].count(True) != 1:
        raise typer.BadParameter("give either --from and --to, or --witness, or --elf")
    if first is not None and last is not None:
        require_range(first, last)
        command.prove_blocks(directory, node, first, last, parameters, out, as_json)
    elif witness is not None:
        command.prove_witness(witness, parameters, out, as_json)
    elif elf is not None:
        command.prove_elf(elf, stdin, parameters, out, as_json)


@app.command()
def witness(
    first: Annotated[int, typer.Option("--from", min=1, help="First block of the ZK chain.")],
    last: Annotated[int, typer.Option("--to", min=1, help="Last block of the ZK chain.")],
    directory: DirectoryOption = DEFAULT_DIRECTORY,
    node: Annotated[int, typer.Option(min=0, help="Node whose blocks are read.")] = 0,
    out: Annotated[Path, typer.Option(help="Where the witness goes.")] = Path("braid.witness"),
) -> None:
    """Write all that a prover needs to prove blocks elsewhere, with no access to the node."""
    from cluster.proofs.prove import write_witness

    require_range(first, last)
    write_witness(directory, node, first, last, out)


@app.command()
def verify(
    proof: Annotated[Path, typer.Argument(help="Proof file.")],
    elf: Annotated[
        Path | None, typer.Option(help="Program that the proof must be of (not for blocks).")
    ] = None,
    as_json: JsonOption = False,
) -> None:
    """Check a proof, and say in plain words what it proves; exit code 0 only if it is valid."""
    from cluster.proofs.verify import verify as command

    command(proof, elf, as_json)


@prover.command("status")
def prover_status(
    directory: DirectoryOption = DEFAULT_DIRECTORY,
    as_json: JsonOption = False,
) -> None:
    """Show jobs, leases, ages, throughput and workers of every prover pool."""
    from cluster.prover.pools import status as command

    command(directory, as_json)


@settlement.command("status")
def settlement_status(
    directory: DirectoryOption = DEFAULT_DIRECTORY,
    as_json: JsonOption = False,
) -> None:
    """Show what of the ZK chain is posted, proven and final on L1, as each node sees it."""
    from cluster.settlement import status as command

    command(directory, as_json)


@settlement.command("now")
def settlement_now(
    directory: DirectoryOption = DEFAULT_DIRECTORY,
) -> None:
    """Settle what is final now, without waiting for more blocks to fill a batch."""
    from cluster.settlement import settle_now as command

    command(directory)


@prover.command("retry")
def prover_retry(
    directory: DirectoryOption = DEFAULT_DIRECTORY,
    as_json: JsonOption = False,
) -> None:
    """Try again what the prover pools have given up; `braid prover status` says why they did."""
    from cluster.prover.pools import retry as command

    command(directory, as_json)


ScenariosOption = Annotated[
    Path | None,
    typer.Option("--scenarios", exists=True, dir_okay=False, help="File with scenarios of yours."),
]


@chaos.command("list")
def chaos_list(
    scenarios: ScenariosOption = None,
    as_json: JsonOption = False,
) -> None:
    """Show every scenario: what is done, and what has to hold."""
    from cluster.chaos.command import show as command

    command(scenarios, as_json)


@chaos.command("run")
def chaos_run(
    name: Annotated[str, typer.Argument(help="Scenario, or 'all'.")],
    scenarios: ScenariosOption = None,
    seed: Annotated[
        int | None, typer.Option(min=0, help="Seed of all that is drawn by chance.")
    ] = None,
    report: Annotated[
        Path | None, typer.Option(help="Write an HTML page with a timeline of each scenario.")
    ] = None,
    as_json: JsonOption = False,
) -> None:
    """Run scenarios, each on a network of its own; exit code 1 if one did not hold."""
    from cluster.chaos.command import run as command

    if not command(name, scenarios, seed, report, as_json):
        raise typer.Exit(1)


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


@bench.command("prove")
def bench_prove(
    batch: Annotated[
        bool, typer.Option("--batch", help="Prove blocks of a run of the demo instead.")
    ] = False,
    directory: Annotated[
        Path | None, typer.Option("--dir", help="With --batch: prove this network's blocks.")
    ] = None,
    parameters: ParametersOption = "fast",
    as_json: JsonOption = False,
) -> None:
    """A fixed mixed program of 2^18 cycles, proved and verified; or real blocks of the demo."""
    from cluster.bench import prove as command

    if batch:
        command.run_batch(directory, parameters, as_json)
    else:
        command.run(parameters, as_json)


@bench.command("settle")
def bench_settle(as_json: JsonOption = False) -> None:
    """Gas on L1 of settling batches of three sizes, step by step; proves three batches."""
    from cluster.bench.settle import run

    run(as_json)


def main() -> NoReturn:
    """Run the command line; errors of ours are one line without a traceback.

    SIGTERM ends the command like Ctrl-C does, so that nothing it started is left behind.
    """
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    try:
        app()
    except ClusterError as error:
        console.print(f"[red]error:[/] {escape(str(error))}", highlight=False)
        sys.exit(1)
    sys.exit(0)
