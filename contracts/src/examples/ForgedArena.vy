# pragma version 0.4.3
# pragma nonreentrancy off
"""
@title ForgedArena: a dishonest game, to show what the caps are for
@license Apache-2.0
@notice Sends the `RoundGuard` whatever it is told to. Never part of a deployment: a chaos scenario
        and the tests register it as a game and let it ask for more than its round allows.
"""

import predeploy_addresses as predeploys


interface IPortal:
    def send(target: address, gas_limit: uint256, data: Bytes[8192]) -> uint256: payable


# @dev Gas of a report on the ZK chain: all that a message may have.
REPORT_GAS_LIMIT: constant(uint256) = 2_000_000


@external
def send_report(round_id: uint256, receivers: DynArray[address, 64]) -> uint256:
    """
    @dev Reports any receivers for any round.
    @param round_id The round.
    @param receivers Who shall get a trophy.
    @return uint256 The nonce of the message.
    """
    return extcall IPortal(predeploys.PORTAL).send(
        predeploys.ROUND_GUARD,
        REPORT_GAS_LIMIT,
        abi_encode(round_id, receivers, method_id=method_id("report(uint256,address[])")),
    )


@external
def send_payout(
    round_id: uint256, receivers: DynArray[address, 64], values_wei: DynArray[uint256, 64]
) -> uint256:
    """
    @dev Asks for any payout from any round.
    @param round_id The round.
    @param receivers Who shall be paid.
    @param values_wei The wei for each of them.
    @return uint256 The nonce of the message.
    """
    return extcall IPortal(predeploys.PORTAL).send(
        predeploys.ROUND_GUARD,
        REPORT_GAS_LIMIT,
        abi_encode(
            round_id,
            receivers,
            values_wei,
            method_id=method_id("payout(uint256,address[],uint256[])"),
        ),
    )
