"""``eth_getLogs`` and the filters that clients poll."""

from collections.abc import Mapping, Sequence
from typing import Any

from execution.types import Address, Hash32
from gateway import params as read
from gateway import render
from gateway.backend import Json
from gateway.errors import InvalidParams, LimitExceeded, ResourceNotFound
from gateway.filters import Filter, FilterRegistry
from gateway.limits import Limits
from gateway.log_query import LogQuery
from gateway.methods.table import MethodTable
from gateway.params import BlockHash, BlockTag, Params
from gateway.reader import ChainReader, tagged_number
from gateway.views import Heads

MAX_TOPICS = 4


class LogMethods:
    """Logs by query, and filters for new logs and new blocks.

    A filter may repeat a block or a log when a notarized block was dropped and
    another took its place; it never leaves one out.
    """

    def __init__(self, reader: ChainReader, limits: Limits) -> None:
        self._reader = reader
        self._limits = limits
        self.filters = FilterRegistry(limits.filters, limits.filter_idle_seconds)

    def table(self) -> MethodTable:
        """The methods by name."""
        return {
            "eth_getLogs": self.get_logs,
            "eth_newFilter": self.new_filter,
            "eth_newBlockFilter": self.new_block_filter,
            "eth_uninstallFilter": self.uninstall_filter,
            "eth_getFilterChanges": self.filter_changes,
            "eth_getFilterLogs": self.filter_logs,
        }

    async def get_logs(self, params: Params) -> Json:
        """Logs of a range of blocks, or of one block by hash."""
        params.at_most(1)
        fields = read.record(params.required(0))
        pattern = self._pattern(fields)
        if fields.get("blockHash") is not None:
            if fields.get("fromBlock") is not None or fields.get("toBlock") is not None:
                raise InvalidParams("blockHash excludes fromBlock and toBlock")
            block_hash = BlockHash(read.hash32(fields["blockHash"]))
            number = await self._reader.required_number(block_hash)
            return await self._find(pattern, number, number)
        heads = await self._reader.heads()
        first, last = self._range(fields, heads)
        return await self._find(pattern, first, min(last, heads.latest))

    async def new_filter(self, params: Params) -> Json:
        """Install a filter for logs from now on; gives its id."""
        params.at_most(1)
        fields = read.record(params.required(0))
        pattern = self._pattern(fields)
        first, last = (read.block_reference(fields.get(name)) for name in ("fromBlock", "toBlock"))
        if isinstance(first, BlockHash) or isinstance(last, BlockHash):
            raise InvalidParams("a filter takes no block hashes")
        return await self._install(Filter(pattern=pattern, first=first, last=last))

    async def new_block_filter(self, params: Params) -> Json:
        """Install a filter for new blocks' hashes; gives its id."""
        params.at_most(0)
        return await self._install(Filter(pattern=None))

    async def uninstall_filter(self, params: Params) -> Json:
        """Remove a filter; tells whether it was there."""
        params.at_most(1)
        return self.filters.remove(_filter_id(params))

    async def filter_changes(self, params: Params) -> Json:
        """What is new since the last time: logs or block hashes."""
        params.at_most(1)
        found = self._filter(params)
        async with found.lock:
            heads = await self._reader.heads()
            start = await self._first_unseen(found, heads)
            if start > heads.latest:
                return []
            span = (
                self._limits.filter_block_hashes
                if found.pattern is None
                else self._limits.log_blocks
            )
            end = min(heads.latest, start + span - 1)
            hashes = await self._block_hashes(start, end)
            answer: Json
            if found.pattern is None:
                answer = [render.to_hex(item) for item in hashes]
            else:
                answer = await self._changed_logs(found, found.pattern, start, end)
            if hashes:
                found.seen_number = start + len(hashes) - 1
                found.seen_hash = hashes[-1]
                found.safe_number = min(heads.safe, found.seen_number)
            return answer

    async def filter_logs(self, params: Params) -> Json:
        """All logs that a filter's query matches, old ones too."""
        params.at_most(1)
        found = self._filter(params)
        if found.pattern is None:
            raise ResourceNotFound("filter not found: this one is for blocks")
        heads = await self._reader.heads()
        first, last = _bounds(found, heads)
        self._check_span(first, last)
        return await self._find(found.pattern, first, min(last, heads.latest))

    async def _install(self, new: Filter) -> str:
        heads = await self._reader.heads()
        new.seen_number = heads.latest
        new.safe_number = heads.safe
        hashes = await self._block_hashes(heads.latest, heads.latest)
        new.seen_hash = hashes[0] if hashes else None
        return self.filters.add(new)

    async def _first_unseen(self, found: Filter, heads: Heads) -> int:
        """First block to tell of: after the last one told, unless that one was dropped since."""
        seen = await self._block_hashes(found.seen_number, found.seen_number)
        is_still_there = bool(seen) and seen[0] == found.seen_hash
        return found.seen_number + 1 if is_still_there else min(found.safe_number, heads.safe) + 1

    async def _changed_logs(self, found: Filter, pattern: LogQuery, start: int, end: int) -> Json:
        heads = Heads(end, end, end)
        first, last = _bounds(found, heads)
        is_open_ended = isinstance(found.first, BlockTag)
        return await self._find(pattern, start if is_open_ended else max(start, first), last)

    async def _find(self, pattern: LogQuery, first: int, last: int) -> Json:
        if first > last:
            return []
        limit = self._limits.log_results
        query = LogQuery(first, last, pattern.addresses, pattern.topics)
        logs = await self._reader.log_views(query, limit + 1, render.located_log)
        if len(logs) > limit:
            raise LimitExceeded(
                f"query returned more than {limit} results; ask for fewer blocks or topics"
            )
        return logs

    async def _block_hashes(self, first: int, last: int) -> Sequence[Hash32]:
        return await self._reader.run(lambda: self._reader.backend.block_hashes(first, last))

    def _pattern(self, fields: Mapping[str, Any]) -> LogQuery:
        return LogQuery(0, 0, self._addresses(fields.get("address")), self._topics(fields))

    def _addresses(self, value: object) -> frozenset[Address]:
        if value is None:
            return frozenset()
        if isinstance(value, str):
            return frozenset({read.address(value)})
        return frozenset(map(read.address, read.array(value, self._limits.log_addresses)))

    def _topics(self, fields: Mapping[str, Any]) -> tuple[frozenset[Hash32], ...]:
        value = fields.get("topics")
        if value is None:
            return ()
        return tuple(self._topic_options(item) for item in read.array(value, MAX_TOPICS))

    def _topic_options(self, value: object) -> frozenset[Hash32]:
        if value is None:
            return frozenset()
        if isinstance(value, str):
            return frozenset({read.hash32(value)})
        options = read.array(value, self._limits.log_topics)
        has_wildcard = None in options
        return frozenset() if has_wildcard else frozenset(map(read.hash32, options))

    def _range(self, fields: Mapping[str, Any], heads: Heads) -> tuple[int, int]:
        first = read.block_reference(fields.get("fromBlock"))
        last = read.block_reference(fields.get("toBlock"))
        if isinstance(first, BlockHash) or isinstance(last, BlockHash):
            raise InvalidParams("fromBlock and toBlock are numbers or tags; use blockHash")
        numbers = (
            tagged_number(first, heads) if isinstance(first, BlockTag) else first,
            tagged_number(last, heads) if isinstance(last, BlockTag) else last,
        )
        self._check_span(*numbers)
        return numbers

    def _check_span(self, first: int, last: int) -> None:
        if first > last:
            raise InvalidParams("invalid block range: fromBlock is after toBlock")
        if last - first >= self._limits.log_blocks:
            raise LimitExceeded(f"block range too large: at most {self._limits.log_blocks} blocks")

    def _filter(self, params: Params) -> Filter:
        found = self.filters.get(_filter_id(params))
        if found is None:
            raise ResourceNotFound("filter not found")
        return found


def _bounds(found: Filter, heads: Heads) -> tuple[int, int]:
    first = tagged_number(found.first, heads) if isinstance(found.first, BlockTag) else found.first
    last = tagged_number(found.last, heads) if isinstance(found.last, BlockTag) else found.last
    return first, min(last, heads.latest)


def _filter_id(params: Params) -> int:
    return read.quantity(params.required(0), 128)
