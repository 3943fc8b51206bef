"""A block's outbox, read from its receipts."""

from collections.abc import Iterable

import structlog

from contracts.bindings import decode_message_sent, is_message_sent
from contracts.errors import ContractError
from execution.types import Receipt
from ledger.crossing import Message
from ledger.types import ChainId, EvmAddress

log = structlog.get_logger(__name__)


def messages_of(receipts: Iterable[Receipt], chain_id: ChainId) -> tuple[Message, ...]:
    """Messages that the chain's Portal sent, in order.

    A log that no honest Portal writes is left out, on every node alike.
    """
    messages = []
    for receipt in receipts:
        for entry in receipt.logs:
            if not is_message_sent(entry):
                continue
            try:
                sent = decode_message_sent(entry, chain_id)
            except ContractError as error:
                log.error("the Portal wrote a log that it cannot write", reason=str(error))
                continue
            messages.append(
                Message(
                    source_chain_id=ChainId(sent.source_chain_id),
                    nonce=sent.nonce,
                    sender=EvmAddress(sent.sender),
                    target=EvmAddress(sent.target),
                    value_wei=sent.value_wei,
                    gas_limit=sent.gas_limit,
                    data=sent.data,
                )
            )
    return tuple(messages)
