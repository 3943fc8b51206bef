"""Methods about fees: what a transaction should offer, and what others paid."""

from collections.abc import Sequence

from gateway import params as read
from gateway.backend import Json
from gateway.errors import InvalidParams
from gateway.limits import Limits
from gateway.methods.table import MethodTable
from gateway.params import Params
from gateway.reader import ChainReader
from gateway.views import BlockFees, ChainInfo

SUGGESTION_BLOCKS = 20
SUGGESTION_PERCENTILE = 60.0
"""geth's defaults for its tip suggestion."""


class FeeMethods:
    """Fee suggestions from the newest blocks, and ``eth_feeHistory``."""

    def __init__(self, info: ChainInfo, reader: ChainReader, limits: Limits) -> None:
        self._info = info
        self._reader = reader
        self._max_blocks = limits.fee_history_blocks
        self._max_percentiles = limits.fee_percentiles

    def table(self) -> MethodTable:
        """The methods by name."""
        return {
            "eth_gasPrice": self.gas_price,
            "eth_maxPriorityFeePerGas": self.max_priority_fee,
            "eth_feeHistory": self.fee_history,
        }

    async def gas_price(self, params: Params) -> Json:
        """Base fee of the next block and the suggested tip."""
        params.at_most(0)
        tip_wei, base_fee_wei = await self._suggestion()
        return hex(tip_wei + base_fee_wei)

    async def max_priority_fee(self, params: Params) -> Json:
        """The suggested tip."""
        params.at_most(0)
        return hex((await self._suggestion())[0])

    async def fee_history(self, params: Params) -> Json:
        """Base fees, gas used ratios and tips at percentiles of a range of blocks."""
        params.at_most(3)
        count = read.quantity(params.required(0))
        reference = read.block_reference(params.required(1))
        percentiles = self._percentiles(params.optional(2))
        newest = await self._reader.required_number(reference)
        if count == 0:
            return {"oldestBlock": "0x0", "gasUsedRatio": []}
        oldest = max(0, newest - min(count, self._max_blocks) + 1)
        found = await self._reader.run(lambda: self._reader.backend.fees(oldest, newest))
        base_fees = [block.base_fee_wei for block in found.blocks]
        answer: dict[str, Json] = {
            "oldestBlock": hex(oldest),
            "baseFeePerGas": [hex(fee) for fee in (*base_fees, found.next_base_fee_wei)],
            "gasUsedRatio": [block.gas_used / block.gas_limit for block in found.blocks],
            "baseFeePerBlobGas": ["0x0"] * (len(base_fees) + 1),
            "blobGasUsedRatio": [0.0] * len(base_fees),
        }
        if percentiles is not None:
            answer["reward"] = [
                [hex(tip) for tip in tips_at_percentiles(block, percentiles)]
                for block in found.blocks
            ]
        return answer

    async def _suggestion(self) -> tuple[int, int]:
        newest = (await self._reader.heads()).latest
        oldest = max(0, newest - SUGGESTION_BLOCKS + 1)
        found = await self._reader.run(lambda: self._reader.backend.fees(oldest, newest))
        tips = sorted(tip for block in found.blocks for tip, _ in block.tips)
        tip_wei = self._info.min_priority_fee_wei
        if tips:
            tip_wei = max(tip_wei, tips[int((len(tips) - 1) * SUGGESTION_PERCENTILE / 100)])
        return tip_wei, found.next_base_fee_wei

    def _percentiles(self, value: object) -> Sequence[float] | None:
        if value is None:
            return None
        percentiles: list[float] = []
        for item in read.array(value, self._max_percentiles):
            is_number = isinstance(item, (int, float)) and not isinstance(item, bool)
            if not is_number or not 0 <= item <= 100:
                raise InvalidParams("a reward percentile is a number from 0 to 100")
            if percentiles and item < percentiles[-1]:
                raise InvalidParams("reward percentiles have to ascend")
            percentiles.append(float(item))
        return percentiles or None


def tips_at_percentiles(block: BlockFees, percentiles: Sequence[float]) -> list[int]:
    """Tips in wei per gas at percentiles of the block's gas, as ``eth_feeHistory`` defines them."""
    tips = sorted(block.tips)
    total_gas = sum(gas for _, gas in tips)
    if not tips:
        return [0] * len(percentiles)
    answers = []
    index, gas_so_far = 0, tips[0][1]
    for percentile in percentiles:
        threshold = total_gas * percentile / 100
        while gas_so_far < threshold and index < len(tips) - 1:
            index += 1
            gas_so_far += tips[index][1]
        answers.append(tips[index][0])
    return answers
