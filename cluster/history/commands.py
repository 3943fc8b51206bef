"""``braid ledger verify``, ``inspect`` and ``export``."""

import json
import os
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict
from pathlib import Path
from typing import Any, Final, TextIO

from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from actors.validator.audit import audit_ledger
from actors.validator.block_view import plain_block
from cluster.errors import LedgerRefused
from cluster.history.disk import LedgerDisk, open_ledger
from cluster.output import console, print_json, print_table, say
from cluster.participation import participants

SHOWN_HEX: Final = 18


def verify(directory: Path, node: int, backup: Path | None, as_json: bool) -> None:
    """Check every block, certificate and checkpoint from the genesis on."""
    with (
        open_ledger(directory, node, backup) as disk,
        _bar("checking blocks", 0, disk.archive.height) as advance,
    ):
        audit = audit_ledger(disk.archive, disk.genesis, disk.chains, advance)
    if as_json:
        print_json({"is_valid": True} | asdict(audit))
        return
    begun = audit.first_height - 1
    start = "the genesis" if begun == 0 else f"the snapshot of block {begun}"
    say(f"{disk.where} is right, from {start} to block {audit.height}, {audit.digest}")
    say(
        f"[dim]{audit.blocks['zk']} blocks of the ZK chain and {audit.blocks['fast']} of the fast "
        f"chain; {audit.certificates} certificates of a quorum; {audit.checkpoints} checkpoints, "
        f"{audit.compared_results} of them compared with what was executed here[/]"
    )


def inspect(directory: Path, node: int, backup: Path | None, height: int, as_json: bool) -> None:
    """Show one final block."""
    with open_ledger(directory, node, backup) as disk:
        block = _block(disk, height)
    if as_json:
        print_json(block)
        return
    header = block["header"]
    signers = sorted(participants(block) - {int(header["proposer"])})
    rows = (
        ("digest", block["digest"]),
        ("parent", header["parent"]),
        ("chain", f"{_chain(header)}, its block {header['chain_block_number']}"),
        ("epoch, view", f"{header['epoch']}, {header['view']}"),
        ("time, ms", header["timestamp_ms"]),
        ("proposer", header["proposer"]),
        ("final by", f"the proposer and {', '.join(map(str, signers))}"),
        ("transactions", len(block["transactions"])),
        ("checkpoints", len(block["checkpoints"])),
        ("L1's messages", len(block["l1_messages"])),
        ("operator votes", len(block["operator_votes"])),
        ("evidence", len(block["evidence"])),
    )
    print_table(f"block {height} of {disk.where}", ("", ""), rows)


def export(
    directory: Path,
    node: int,
    backup: Path | None,
    heights: tuple[int, int],
    out: Path | None,
    as_json: bool,
) -> None:
    """Write final blocks, one JSON object a line."""
    first, last = heights
    with open_ledger(directory, node, backup) as disk:
        _require_there(disk, last)
        if out is None:
            _write_blocks(disk, first, last, sys.stdout)
            return
        temporary = out.with_name(f"{out.name}.tmp")
        try:
            with temporary.open("x", encoding="ascii") as file:
                _write_blocks(disk, first, last, file)
                file.flush()
                os.fsync(file.fileno())
            temporary.rename(out)
        except OSError as error:
            raise LedgerRefused(f"{out} cannot be written: {error.strerror}") from error
        finally:
            temporary.unlink(missing_ok=True)
    if as_json:
        print_json({"first": first, "last": last, "out": str(out)})
    else:
        say(f"blocks {first} to {last} of {disk.where} are in {out}")


def _write_blocks(disk: LedgerDisk, first: int, last: int, file: TextIO) -> None:
    with _bar("exporting blocks", first - 1, last) as advance:
        for height in range(first, last + 1):
            file.write(json.dumps({"height": height} | _block(disk, height)) + "\n")
            advance(height)


def _block(disk: LedgerDisk, height: int) -> dict[str, Any]:
    _require_there(disk, height)
    block = plain_block(disk.archive, height)
    if block is None:
        raise LedgerRefused(f"{disk.where} lacks block {height}: see `braid ledger verify`")
    return block


def _require_there(disk: LedgerDisk, height: int) -> None:
    if height > disk.archive.height:
        raise LedgerRefused(f"{disk.where} ends at block {disk.archive.height}, before {height}")


def _chain(header: dict[str, Any]) -> str:
    return "ZK chain" if header["chain"] == "zk" else "fast chain"


@contextmanager
def _bar(label: str, begun: int, total: int) -> Iterator[Callable[[int], None]]:
    columns = (TextColumn(label), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    with Progress(*columns, console=console, transient=True) as progress:
        task = progress.add_task("", completed=begun, total=total)
        yield lambda height: progress.update(task, completed=height)
