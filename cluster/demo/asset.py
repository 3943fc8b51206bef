"""The life of an asset: from L1 over both chains and back, ETH and a token alike."""

from dataclasses import dataclass
from typing import Any, Final

from eth_account.signers.local import LocalAccount
from hexbytes import HexBytes
from web3.contract import Contract
from web3.logs import DISCARD

from cluster.chain_client import Call, ChainClient, call_of
from cluster.dev_genesis import dev_account
from contracts.addresses import BRIDGED_TOKENS_ADDRESS, PORTAL_ADDRESS
from contracts.bridged_tokens import bridged_token_id
from contracts.withdrawals import withdrawal_slot
from execution.types import Address

OWNER_ACCOUNT: Final = 60
TOKEN_ID: Final = 7
DEPOSIT_WEI: Final = 10**18
LOAN_WEI: Final = 10**15
"""Small: on the fast chain it counts towards the loss bound."""

WITHDRAWAL_WEI: Final = 10**18 // 2
PLAIN_GAS: Final = 100_000


@dataclass(frozen=True, slots=True)
class Withdrawal:
    """One withdrawal, as ``Exits.withdraw`` takes it, and the ZK block that wrote it down."""

    fields: tuple[Any, ...]
    zk_block: int

    @property
    def index(self) -> int:
        """Its index."""
        return int(self.fields[0])


@dataclass(frozen=True, slots=True)
class WithdrawalProof:
    """Proof of a withdrawal under the state root of one ZK block."""

    withdrawal: Withdrawal
    account: list[bytes]
    storage: list[bytes]


class AssetLife:
    """One owner's ETH and token.

    Parameters
    ----------
    deployment
        Addresses of the contracts on L1, by name.
    """

    def __init__(
        self, l1: ChainClient, zk: ChainClient, fast: ChainClient, deployment: dict[str, str]
    ) -> None:
        self._l1, self._zk, self._fast = l1, zk, fast
        self._owner: LocalAccount = dev_account(OWNER_ACCOUNT)
        self._rollup = l1.contract("Rollup", deployment["rollup"])
        self._exits = l1.contract("Exits", deployment["exits"])
        self._zk_portal, self._fast_portal = (
            chain.contract("Portal", PORTAL_ADDRESS) for chain in (zk, fast)
        )
        self._zk_tokens, self._fast_tokens = (
            chain.contract("BridgedTokens", BRIDGED_TOKENS_ADDRESS) for chain in (zk, fast)
        )
        self._token: Contract | None = None
        self._bridged_id = 0

    def deposit(self) -> None:
        """Deposit ETH and a token on L1, and wait until both are on the ZK chain."""
        owner = self._owner
        before_wei = self._zk.web3.eth.get_balance(owner.address)
        token = self._token = self._l1.deploy(owner, "TestToken")
        self._bridged_id = bridged_token_id(Address(bytes(HexBytes(token.address))), TOKEN_ID)
        self._l1.send_all(
            [
                call_of(owner, token.functions.mint(owner.address, TOKEN_ID)),
                call_of(owner, token.functions.approve(self._rollup.address, TOKEN_ID)),
                call_of(
                    owner,
                    self._rollup.functions.deposit_token(token.address, TOKEN_ID, owner.address),
                ),
                call_of(owner, self._rollup.functions.deposit_eth(owner.address), DEPOSIT_WEI),
            ]
        )
        self._zk.wait_until("the deposited token", lambda: self._owns(self._zk_tokens))
        self._zk.wait_until(
            "the deposited ETH",
            lambda: self._zk.web3.eth.get_balance(owner.address) == before_wei + DEPOSIT_WEI,
        )

    def visit_fast_chain(self) -> None:
        """Send the token and some ETH to the fast chain, and bring both back."""
        owner = self._owner
        fast_wei = self._fast.web3.eth.get_balance(owner.address)
        self._zk.send_all(
            [
                call_of(
                    owner,
                    self._zk_tokens.functions.send_to_fast(self._bridged_id, owner.address),
                ),
                call_of(
                    owner,
                    self._zk_portal.functions.send(owner.address, PLAIN_GAS, b""),
                    LOAN_WEI,
                ),
            ]
        )
        self._fast.wait_until("the token's arrival", lambda: self._owns(self._fast_tokens))
        self._fast.wait_until(
            "the arrival of ETH",
            lambda: self._fast.web3.eth.get_balance(owner.address) == fast_wei + LOAN_WEI,
        )
        zk_wei = self._zk.web3.eth.get_balance(owner.address)
        self._fast.send_all(
            [
                call_of(
                    owner, self._fast_tokens.functions.send_back(self._bridged_id, owner.address)
                ),
                call_of(
                    owner,
                    self._fast_portal.functions.send(owner.address, PLAIN_GAS, b""),
                    LOAN_WEI,
                ),
            ]
        )
        self._zk.wait_until("the token's return", lambda: self._owns(self._zk_tokens))
        self._zk.wait_until(
            "the return of ETH",
            lambda: self._zk.web3.eth.get_balance(owner.address) == zk_wei + LOAN_WEI,
        )

    def withdraw(self) -> list[Withdrawal]:
        """Take the token and some ETH off the ZK chain."""
        owner = self._owner
        receipts = self._zk.send_all(
            [
                call_of(owner, self._zk_tokens.functions.withdraw(self._bridged_id, owner.address)),
                call_of(owner, self._zk_portal.functions.withdraw(owner.address), WITHDRAWAL_WEI),
            ]
        )
        found = []
        for receipt in receipts:
            for log in self._zk_portal.events.WithdrawalRequested().process_receipt(
                receipt, errors=DISCARD
            ):
                names = ("index", "sender", "receiver", "value_wei", "l1_token", "token_id")
                fields = tuple(log["args"][name] for name in names)
                found.append(Withdrawal(fields, receipt["blockNumber"]))
        return found

    def prove(self, withdrawal: Withdrawal, zk_block: int) -> WithdrawalProof:
        """Proof of a withdrawal under the state root of the block that a batch ends in."""
        slot = hex(withdrawal_slot(withdrawal.index))
        portal = self._zk_portal.address
        proof = self._zk.rpc("eth_getProof", portal, [slot], hex(zk_block))
        return WithdrawalProof(
            withdrawal,
            [bytes(HexBytes(node)) for node in proof["accountProof"]],
            [bytes(HexBytes(node)) for node in proof["storageProof"][0]["proof"]],
        )

    def take_out(self, proofs: list[WithdrawalProof]) -> bool:
        """Take everything out on L1; gives whether the owner has all of it, to the wei."""
        owner, token = self._owner, self._token
        assert token is not None
        before_wei = self._l1.web3.eth.get_balance(owner.address)
        helper = dev_account(OWNER_ACCOUNT + 1)  # Anyone may pay for the calls.
        self._l1.send_all(
            Call(
                helper,
                self._exits.address,
                self._exits.functions.withdraw(
                    *proof.withdrawal.fields, proof.account, proof.storage
                )._encode_transaction_data(),
            )
            for proof in proofs
        )
        gained_wei = self._l1.web3.eth.get_balance(owner.address) - before_wei
        is_back = token.functions.ownerOf(TOKEN_ID).call() == owner.address
        return bool(is_back and gained_wei == WITHDRAWAL_WEI)

    def _owns(self, tokens: Contract) -> bool:
        """Whether the owner has the token there; a token that is not there has no owner."""
        balance = tokens.functions.balanceOf(self._owner.address).call()
        return bool(
            balance and tokens.functions.ownerOf(self._bridged_id).call() == self._owner.address
        )
