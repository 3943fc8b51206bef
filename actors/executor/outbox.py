"""A block's outbox, read from its receipts."""

from collections.abc import Iterable

import structlog

from contracts.bindings import decode_message_sent, is_message_sent
from contracts.errors import ContractError
from execution.types import Receipt
from ledger.crossing import Message
from ledger.types import ChainId

log = structlog.get_logger(__name__)


def messages_of(receipts: Iterable[Receipt], chain_id: ChainId) -> tuple[Message, ...]:
    """Messages that the chain's Portal sent, in order.

    A log that no honest Portal writes is left out, on every node alike.
    """
    messages: list[Message] = []
    for receipt in receipts:
        for entry in receipt.logs:
            if not is_message_sent(entry):
                continue
            try:
                messages.append(decode_message_sent(entry, chain_id))
            except ContractError as error:
                log.error("the Portal wrote a log that it cannot write", reason=str(error))
    return tuple(messages)
