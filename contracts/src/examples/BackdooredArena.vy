# pragma version 0.4.3
# pragma nonreentrancy off
"""
@title BackdooredArena: the arena with a back door, to show what the caps are for
@license Apache-2.0
@notice Plays like `Arena`, and also sends the `RoundGuard` any report it is told to, as the arena
        itself. For the ZK chain that is what a compromised fast chain looks like: a report that
        carries the game's own address and that no game has earned. The demo uses it; never part of
        a deployment.
"""

import Arena as arena
import predeploy_addresses as predeploys

initializes: arena

exports: (
    arena.ACCESS_PASS,
    arena.OPERATOR,
    arena.finish,
    arena.join,
    arena.move,
    arena.move_count,
    arena.player_count,
    arena.replace_session_key,
    arena.rounds,
    arena.score,
    arena.session_owners,
    arena.start_round,
    arena.used_passes,
)


interface IPortal:
    def send(target: address, gas_limit: uint256, data: Bytes[8192]) -> uint256: payable


@deploy
def __init__(access_pass: address):
    """
    @dev The deployer becomes the operator.
    @param access_pass The access pass's contract on the ZK chain.
    """
    arena.__init__(access_pass)


@external
def forge_report(round_id: uint256, receivers: DynArray[address, 64]) -> uint256:
    """
    @dev Reports any receivers for any round. By anyone: the back door.
    @param round_id The round.
    @param receivers Who shall get a trophy.
    @return uint256 The nonce of the message.
    """
    return extcall IPortal(predeploys.PORTAL).send(
        predeploys.ROUND_GUARD,
        arena.REPORT_GAS_LIMIT,
        abi_encode(round_id, receivers, method_id=method_id("report(uint256,address[])")),
    )
