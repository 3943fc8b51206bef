"""Every reason to skip a transaction, on both engines; the valid twin goes through."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest
import rlp

from execution import skip_reasons
from execution.types import Address, GenesisAccount
from tests.differential.chain import ALICE, BOB, CHAIN_ID, ETHER, GAS_LIMIT, GWEI, Chain
from tests.differential.signing import SECP256K1_ORDER, Fields, authorize, make_key, sign

CONTRACT_KEY, MAX_NONCE_KEY = make_key(50), make_key(51)

VALID = Fields(
    kind=2,
    chain_id=CHAIN_ID,
    nonce=3,
    gas_limit=50_000,
    to=BOB.address,
    max_fee_wei=2 * GWEI,
    tip_wei=1,
)


def chain() -> Chain:
    return Chain(
        alloc={
            ALICE.address: GenesisAccount(balance_wei=ETHER, nonce=3),
            CONTRACT_KEY.address: GenesisAccount(balance_wei=ETHER, code=b"\x00"),
            MAX_NONCE_KEY.address: GenesisAccount(balance_wei=ETHER, nonce=2**64 - 1),
        },
        is_base_fee_zero=False,
    )


def changed(**fields: Any) -> bytes:
    return sign(ALICE, replace(VALID, **fields))


def reencoded(*replacements: tuple[int, object]) -> bytes:
    """The valid transaction with some RLP items replaced, so that its signature is wrong."""
    items = rlp.decode(sign(ALICE, VALID)[1:])
    for index, item in replacements:
        items[index] = item
    encoded: bytes = rlp.encode(items)
    return b"\x02" + encoded


CASES: dict[str, list[Callable[[], bytes]]] = {
    skip_reasons.INVALID_ENCODING: [
        lambda: b"",
        lambda: b"\x80",
        lambda: b"\x02",
        lambda: changed()[:-1],
        lambda: changed() + b"\x00",
        lambda: b"\x01" + changed()[1:],
        lambda: rlp.encode([]),
        lambda: reencoded((1, b"\x00\x03")),
        lambda: reencoded((5, BOB.address[:19])),
        lambda: reencoded((1, b"\x01" + bytes(8))),
        lambda: reencoded((4, b"\x01" + bytes(8))),
        lambda: reencoded((3, b"\x01" + bytes(16))),
        lambda: reencoded((6, b"\x01" + bytes(32))),
        lambda: reencoded((8, [[BOB.address[:19], []]])),
        lambda: reencoded((8, [[BOB.address, [bytes(31)]]])),
        lambda: changed(kind=4, to=b"", authorizations=[valid_authorization()]),
        lambda: changed(kind=4, authorizations=[valid_authorization()[:-1]]),
    ],
    skip_reasons.UNSUPPORTED_TYPE: [
        lambda: b"\x00" + changed()[1:],
        lambda: b"\x03" + changed()[1:],
        lambda: b"\x05" + changed()[1:],
        lambda: b"\x7e" + changed()[1:],
    ],
    skip_reasons.WRONG_CHAIN_ID: [
        lambda: changed(chain_id=CHAIN_ID + 1),
        lambda: changed(chain_id=2**64 + CHAIN_ID),
        lambda: changed(kind=0, chain_id=CHAIN_ID + 1),
        lambda: changed(kind=1, chain_id=0),
    ],
    skip_reasons.INVALID_SIGNATURE: [
        lambda: sign(ALICE, VALID, {"s": SECP256K1_ORDER - 1}),
        lambda: sign(ALICE, VALID, {"s": 0}),
        lambda: sign(ALICE, VALID, {"r": 0}),
        lambda: sign(ALICE, VALID, {"r": SECP256K1_ORDER}),
        lambda: sign(ALICE, VALID, {"r": 5}),  # 5 is no x coordinate on the curve
        lambda: sign(ALICE, VALID, {"parity": 2}),
        lambda: legacy_with_v(0),
        lambda: legacy_with_v(29),
        lambda: legacy_with_v(34),
    ],
    skip_reasons.EMPTY_AUTHORIZATION_LIST: [lambda: changed(kind=4)],
    skip_reasons.TIP_ABOVE_FEE: [lambda: changed(tip_wei=2 * GWEI + 1)],
    skip_reasons.FEE_BELOW_BASE_FEE: [
        lambda: changed(max_fee_wei=GWEI // 2),
        lambda: changed(kind=0, max_fee_wei=GWEI // 2),
    ],
    skip_reasons.BLOCK_GAS_LIMIT: [lambda: changed(gas_limit=GAS_LIMIT + 1)],
    skip_reasons.INITCODE_TOO_LARGE: [
        lambda: changed(to=b"", data=bytes(49_153), gas_limit=5_000_000)
    ],
    skip_reasons.INTRINSIC_GAS: [
        lambda: changed(gas_limit=20_999),
        lambda: changed(gas_limit=53_001, to=b"", data=b"\x00"),  # one initcode word is 2
        lambda: changed(gas_limit=21_000 + 2 * 39, data=b"\x01\x01"),  # floor: 40 per byte
        lambda: changed(gas_limit=25_299, access_list=[(BOB.address, [1])]),
        lambda: changed(kind=4, gas_limit=45_999, authorizations=[valid_authorization()]),
    ],
    skip_reasons.SENDER_HAS_CODE: [
        lambda: sign(CONTRACT_KEY, Fields(2, CHAIN_ID, 0, 21_000, BOB.address, 0, b"", 2 * GWEI))
    ],
    skip_reasons.NONCE_MAX: [
        lambda: changed(nonce=2**64 - 1),
        lambda: sign(
            MAX_NONCE_KEY,
            Fields(2, CHAIN_ID, 2**64 - 1, 21_000, BOB.address, 0, b"", 2 * GWEI),
        ),
    ],
    skip_reasons.NONCE_TOO_LOW: [lambda: changed(nonce=2)],
    skip_reasons.NONCE_TOO_HIGH: [lambda: changed(nonce=4), lambda: changed(nonce=2**64 - 2)],
    skip_reasons.INSUFFICIENT_FUNDS: [
        lambda: changed(value_wei=ETHER),
        lambda: changed(value_wei=2**256 - 1),
        lambda: changed(max_fee_wei=2**128 - 1),
        lambda: changed(max_fee_wei=10**14, value_wei=0),
    ],
}


def valid_authorization() -> list[object]:
    return authorize(BOB, CHAIN_ID, bytes(20), 0)


def legacy_with_v(v: int) -> bytes:
    items = rlp.decode(changed(kind=0))
    items[6] = v
    encoded: bytes = rlp.encode(items)
    return encoded


@pytest.mark.parametrize(
    ("reason", "case"), [(reason, case) for reason, cases in CASES.items() for case in cases]
)
def test_an_invalid_transaction_is_skipped_for_its_reason(
    reason: str, case: Callable[[], bytes]
) -> None:
    output = chain().execute(case(), changed())
    assert [skipped.reason for skipped in output.skipped] == [reason]
    assert [receipt.sender for receipt in output.receipts] == [ALICE.address]


def test_every_reason_has_a_case() -> None:
    of_metered_chains = {skip_reasons.PROVING_BUDGET, skip_reasons.BLOCK_PROVING_BUDGET}
    assert set(CASES) == skip_reasons.ALL_REASONS - of_metered_chains, "see metering/"


@pytest.mark.parametrize(
    "case",
    [
        lambda: changed(),
        lambda: changed(kind=0),
        lambda: changed(kind=0, is_replay_protected=False),
        lambda: changed(kind=1),
        lambda: changed(kind=4, gas_limit=46_000, authorizations=[valid_authorization()]),
        lambda: changed(gas_limit=21_000),
        lambda: changed(gas_limit=53_006, to=b"", data=b"\x00"),
        lambda: changed(gas_limit=21_080, data=b"\x01\x01"),
        lambda: changed(gas_limit=25_300, access_list=[(BOB.address, [1])]),
        lambda: changed(to=b"", data=bytes(49_152), gas_limit=5_000_000),
        lambda: changed(max_fee_wei=875_000_000, tip_wei=875_000_000),
    ],
)
def test_a_valid_transaction_at_the_limit_is_included(case: Callable[[], bytes]) -> None:
    output = chain().execute(case())
    assert output.skipped == ()
    assert output.receipts[0].sender == ALICE.address


def test_a_transaction_that_no_longer_fits_the_block_is_skipped_and_a_smaller_one_is_not() -> None:
    large = changed(gas_limit=79_001)
    small = changed(nonce=4, gas_limit=79_000)
    output = chain().execute(changed(), large, small, gas_limit=100_000)
    assert [entry.index for entry in output.skipped] == [1]
    assert output.skipped[0].reason == skip_reasons.BLOCK_GAS_LIMIT


def test_a_delegated_account_still_sends() -> None:
    delegated = GenesisAccount(balance_wei=ETHER, nonce=3, code=b"\xef\x01\x00" + bytes(19) + b"\1")
    own = Chain(alloc={ALICE.address: delegated}, is_base_fee_zero=False)
    assert own.execute(changed()).skipped == ()


def test_a_funded_account_pays_the_whole_of_what_it_has() -> None:
    cost_wei = 21_000 * 2 * GWEI
    own = Chain(
        alloc={ALICE.address: GenesisAccount(balance_wei=cost_wei + 5, nonce=3)},
        is_base_fee_zero=False,
    )
    exact = changed(gas_limit=21_000, tip_wei=2 * GWEI, value_wei=5)
    assert own.execute(exact).skipped == ()
    assert own.engines.reference.account(Address(ALICE.address)).balance_wei == 0
