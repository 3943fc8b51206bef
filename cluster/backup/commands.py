"""``braid backup`` and ``braid restore``."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from rich.progress import BarColumn, DownloadColumn, Progress, TextColumn

from cluster.backup.making import make_backup
from cluster.backup.manifest import Advance, Manifest, read_manifest
from cluster.backup.restoring import restore_backup
from cluster.network import load_network
from cluster.node_launcher import node_of
from cluster.output import console, print_json, say

MEBIBYTE: Final = 1024 * 1024


def backup(directory: Path, node: int, folder: Path, with_keys: bool, as_json: bool) -> None:
    """Back a node up, while it runs or not."""
    network = load_network(directory)
    with console.status("copying") as spinner:
        manifest = make_backup(
            network, node_of(network, node), folder, with_keys=with_keys, progress=spinner.update
        )
    if as_json:
        print_json(_summary(manifest, folder))
        return
    keys = "with its keys: guard it like them" if with_keys else "without keys"
    say(
        f"node {node} is in {folder} up to block {manifest.final_height}: "
        f"{len(manifest.files)} files, {manifest.size_bytes / MEBIBYTE:.1f} MiB, {keys}"
    )


def restore(
    directory: Path, node: int, folder: Path, seed: Path | None, is_forced: bool, as_json: bool
) -> None:
    """Put a node's backup back."""
    with _bar(read_manifest(folder)) as advance:
        manifest, aside = restore_backup(
            folder, directory, node, seed=seed, is_forced=is_forced, advance=advance
        )
    if as_json:
        found = _summary(manifest, folder) | {"aside": None if aside is None else str(aside)}
        print_json(found)
        return
    say(f"node {node} is back at block {manifest.final_height}, in {directory / f'node-{node}'}")
    if aside is not None:
        say(f"what was there is in {aside} now; never start a node from it again")
    say(
        "[dim]its votes since then are not in the backup: when it starts, it asks the others "
        "how far they are, and votes from there on[/]"
    )


def _summary(manifest: Manifest, folder: Path) -> dict[str, object]:
    return {
        "node": manifest.node,
        "folder": str(folder),
        "final_height": manifest.final_height,
        "files": len(manifest.files),
        "bytes": manifest.size_bytes,
        "has_keys": manifest.has_keys,
    }


@contextmanager
def _bar(manifest: Manifest) -> Iterator[Advance]:
    columns = (TextColumn("checking"), BarColumn(), DownloadColumn())
    with Progress(*columns, console=console, transient=True) as progress:
        task = progress.add_task("", total=manifest.size_bytes)
        yield lambda size_bytes: progress.advance(task, size_bytes)
