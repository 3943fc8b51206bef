# pragma version 0.4.3
# pragma nonreentrancy off
"""
@title Arena: the example game, on the fast chain
@license Apache-2.0
@notice Players walk over a board of 16 by 16 fields that wraps around and collect what they step
        on: 0 to 7 points, which follow from the round's seed, the field and the number of the
        move. Who owns an access pass of the ZK chain may join: proved by the `OwnershipOracle`.
        At the end the best players are reported to the ZK chain, whose `RoundGuard` grants each a
        trophy within the round's cap.

        The report is computed from the scores. Nobody, the operator included, can name winners.

        A session key moves for its player and can do nothing else: a stolen one wastes moves, and
        wins what it wins for the player. The player replaces it (`replace_session_key`).
"""

import predeploy_addresses as predeploys


interface IPortal:
    def send(target: address, gas_limit: uint256, data: Bytes[2148]) -> uint256: payable


interface IOwnershipOracle:
    def owner_of(token: address, token_id: uint256, max_age_seconds: uint256) -> address: view


# @dev Most players of a round, and so most winners; `RoundGuard.MAX_RECIPIENTS`.
MAX_PLAYERS: constant(uint256) = 64

# @dev Most moves of one player in one round.
MAX_MOVES: constant(uint256) = 1000

# @dev Age of an ownership proof with which one may join, in seconds.
MAX_PROOF_AGE_SECONDS: constant(uint256) = 300

# @dev Gas of the report on the ZK chain: all that a message may have.
REPORT_GAS_LIMIT: constant(uint256) = 2_000_000

# @dev Side of the board, in fields.
BOARD_SIDE: constant(uint256) = 16

# @dev Layout of a player's word, low bits first: field (8), moves (16), score (64), joined (1).
MOVES_SHIFT: constant(uint256) = 8
SCORE_SHIFT: constant(uint256) = 24
JOINED_SHIFT: constant(uint256) = 88


struct Round:
    deadline_seconds: uint256  # 0 while there is no such round.
    is_finished: bool
    max_winners: uint256
    seed: bytes32


event RoundStarted:
    round_id: indexed(uint256)
    deadline_seconds: uint256
    max_winners: uint256


event Joined:
    round_id: indexed(uint256)
    player: indexed(address)
    session_key: address


event SessionKeyReplaced:
    round_id: indexed(uint256)
    player: indexed(address)
    old_key: address
    new_key: address


event Moved:
    round_id: indexed(uint256)
    player: indexed(address)
    field: uint256
    score: uint256


event Finished:
    round_id: indexed(uint256)
    winner_count: uint256


# @dev Who opens rounds and may finish them before their deadline.
OPERATOR: public(immutable(address))

# @dev The access pass's contract on the ZK chain.
ACCESS_PASS: public(immutable(address))

# @dev Round id, as the ZK chain's `RoundGuard` gave it, to the round here.
rounds: public(HashMap[uint256, Round])

# @dev Round id to its players, in the order in which they joined.
players: HashMap[uint256, DynArray[address, MAX_PLAYERS]]

# @dev Round id and player to the player's word; 0 while the player has not joined.
words: HashMap[uint256, HashMap[address, uint256]]

# @dev Round id and session key to the player for whom the key moves.
session_owners: public(HashMap[uint256, HashMap[address, address]])

# @dev Round id and pass to whether somebody joined with it.
used_passes: public(HashMap[uint256, HashMap[uint256, bool]])


@deploy
def __init__(access_pass: address):
    """
    @dev The deployer becomes the operator.
    @param access_pass The access pass's contract on the ZK chain.
    """
    OPERATOR = msg.sender
    ACCESS_PASS = access_pass


@external
def start_round(round_id: uint256, deadline_seconds: uint256, max_winners: uint256):
    """
    @dev Starts a round that the ZK chain's `RoundGuard` has opened for this contract. Only by the
         operator.
    @param round_id The round's id there.
    @param deadline_seconds The Unix time after which no move counts; before the deadline there, so
           that the report arrives in time.
    @param max_winners How many of the best players are reported, 1 to 64.
    """
    is_winner_count_allowed: bool = 0 < max_winners and max_winners <= MAX_PLAYERS
    assert msg.sender == OPERATOR, "arena: caller is not the operator"
    assert self.rounds[round_id].deadline_seconds == 0, "arena: the round has started before"
    assert block.timestamp < deadline_seconds, "arena: the deadline has passed"
    assert is_winner_count_allowed, "arena: 1 to 64 winners"
    self.rounds[round_id] = Round(
        deadline_seconds=deadline_seconds,
        is_finished=False,
        max_winners=max_winners,
        seed=keccak256(abi_encode(self, round_id, block.prevrandao)),
    )
    log RoundStarted(
        round_id=round_id, deadline_seconds=deadline_seconds, max_winners=max_winners
    )


@external
def join(round_id: uint256, token_id: uint256, session_key: address):
    """
    @dev Joins a round with an access pass that the caller owns by a proof of at most 300 seconds.
         A pass admits one player per round.
    @param round_id The round.
    @param token_id The pass.
    @param session_key An address that may move for the caller in this round, or zero for none. A
           fresh one: whoever joined is moved by their own address.
    """
    self._require_running(round_id)
    owner: address = staticcall IOwnershipOracle(predeploys.OWNERSHIP_ORACLE).owner_of(
        ACCESS_PASS, token_id, MAX_PROOF_AGE_SECONDS
    )
    is_key_free: bool = self.session_owners[round_id][session_key] == empty(address)
    assert owner == msg.sender, "arena: no fresh proof that the caller owns the pass"
    assert not self.used_passes[round_id][token_id], "arena: the pass was used"
    assert self.words[round_id][msg.sender] == 0, "arena: already joined"
    assert is_key_free, "arena: the session key is taken"
    assert len(self.players[round_id]) < MAX_PLAYERS, "arena: the round is full"

    self.used_passes[round_id][token_id] = True
    self.players[round_id].append(msg.sender)
    self.words[round_id][msg.sender] = 1 << JOINED_SHIFT
    if session_key != empty(address):
        self.session_owners[round_id][session_key] = msg.sender
    log Joined(round_id=round_id, player=msg.sender, session_key=session_key)


@external
def replace_session_key(round_id: uint256, old_key: address, new_key: address):
    """
    @dev Takes a session key's right to move for the caller away, and gives it to another.
    @notice For a stolen key. Only the player's own address does this; the key cannot.
    @param round_id The round; it may be over.
    @param old_key The caller's key in this round, or zero for none.
    @param new_key Another one, or zero for none. A fresh one, as in `join`.
    """
    assert self.words[round_id][msg.sender] != 0, "arena: not a player"
    if old_key != empty(address):
        is_own_key: bool = self.session_owners[round_id][old_key] == msg.sender
        assert is_own_key, "arena: not a session key of the caller"
        self.session_owners[round_id][old_key] = empty(address)
    if new_key != empty(address):
        is_key_free: bool = self.session_owners[round_id][new_key] == empty(address)
        assert is_key_free, "arena: the session key is taken"
        self.session_owners[round_id][new_key] = msg.sender
    log SessionKeyReplaced(
        round_id=round_id, player=msg.sender, old_key=old_key, new_key=new_key
    )


@external
def move(round_id: uint256, direction: uint256):
    """
    @dev Steps one field and collects its points. By a player or the player's session key.
    @param round_id The round.
    @param direction 0 north, 1 east, 2 south, 3 west.
    """
    self._require_running(round_id)
    assert direction < 4, "arena: unknown direction"
    player: address = msg.sender
    word: uint256 = self.words[round_id][player]
    if word == 0:
        player = self.session_owners[round_id][msg.sender]
        word = self.words[round_id][player]
        assert word != 0, "arena: not a player"

    # STEP: north and west are 15 steps the other way, modulo 16
    field: uint256 = word % 256
    column: uint256 = field % BOARD_SIDE
    row: uint256 = field // BOARD_SIDE
    if direction == 0:
        row = (row + BOARD_SIDE - 1) % BOARD_SIDE
    elif direction == 1:
        column = (column + 1) % BOARD_SIDE
    elif direction == 2:
        row = (row + 1) % BOARD_SIDE
    else:
        column = (column + BOARD_SIDE - 1) % BOARD_SIDE
    field = row * BOARD_SIDE + column

    # SCORE
    move_count: uint256 = self._moves_of(word) + 1
    assert move_count <= MAX_MOVES, "arena: no moves left"
    points: uint256 = self._points(self.rounds[round_id].seed, field, move_count)
    score: uint256 = self._score_of(word) + points
    self.words[round_id][player] = (
        (1 << JOINED_SHIFT) | (score << SCORE_SHIFT) | (move_count << MOVES_SHIFT) | field
    )
    log Moved(round_id=round_id, player=player, field=field, score=score)


@external
def finish(round_id: uint256):
    """
    @dev Ends a round and reports its winners to the ZK chain. By the operator, or by anyone after
         the deadline.
    @notice Winners are the players with the highest scores, the earlier to join first among equals;
            nobody wins with no points.
    @param round_id The round.
    """
    round: Round = self.rounds[round_id]
    is_past_deadline: bool = block.timestamp > round.deadline_seconds
    is_allowed: bool = is_past_deadline or msg.sender == OPERATOR
    assert round.deadline_seconds != 0, "arena: no such round"
    assert not round.is_finished, "arena: the round is finished"
    assert is_allowed, "arena: only the operator finishes before the deadline"
    self.rounds[round_id].is_finished = True

    winners: DynArray[address, MAX_PLAYERS] = self._winners(round_id, round.max_winners)
    log Finished(round_id=round_id, winner_count=len(winners))
    if len(winners) > 0:
        extcall IPortal(predeploys.PORTAL).send(
            predeploys.ROUND_GUARD,
            REPORT_GAS_LIMIT,
            abi_encode(round_id, winners, method_id=method_id("report(uint256,address[])")),
        )


@external
@view
def score(round_id: uint256, player: address) -> uint256:
    """
    @dev Returns a player's score.
    """
    return self._score_of(self.words[round_id][player])


@external
@view
def move_count(round_id: uint256, player: address) -> uint256:
    """
    @dev Returns how often a player moved.
    """
    return self._moves_of(self.words[round_id][player])


@external
@view
def player_count(round_id: uint256) -> uint256:
    """
    @dev Returns how many players joined.
    """
    return len(self.players[round_id])


@internal
@view
def _winners(round_id: uint256, max_winners: uint256) -> DynArray[address, MAX_PLAYERS]:
    """
    @dev Returns the best players, best first: selection by repeated maximum, at most 64 times 64
         comparisons in memory.
    """
    players: DynArray[address, MAX_PLAYERS] = self.players[round_id]
    scores: DynArray[uint256, MAX_PLAYERS] = []
    for player: address in players:
        scores.append(self._score_of(self.words[round_id][player]))

    winners: DynArray[address, MAX_PLAYERS] = []
    for rank: uint256 in range(max_winners, bound=MAX_PLAYERS):
        best_score: uint256 = 0
        best_index: uint256 = 0
        for i: uint256 in range(len(players), bound=MAX_PLAYERS):
            if scores[i] > best_score:
                best_score = scores[i]
                best_index = i
        if best_score == 0:
            break
        winners.append(players[best_index])
        scores[best_index] = 0
    return winners


@internal
@view
def _require_running(round_id: uint256):
    """
    @dev Reverts unless a round has started, is not finished, and its deadline has not passed.
    """
    is_in_time: bool = block.timestamp <= self.rounds[round_id].deadline_seconds
    assert is_in_time and not self.rounds[round_id].is_finished, "arena: the round is not running"


@internal
@pure
def _points(seed: bytes32, field: uint256, move_count: uint256) -> uint256:
    """
    @dev Returns what a field holds for a player's n-th move: 0 to 7.
    """
    return convert(keccak256(abi_encode(seed, field, move_count)), uint256) % 8


@internal
@pure
def _moves_of(word: uint256) -> uint256:
    """
    @dev Returns the number of moves in a player's word.
    """
    return (word >> MOVES_SHIFT) % 2**16


@internal
@pure
def _score_of(word: uint256) -> uint256:
    """
    @dev Returns the score in a player's word.
    """
    return (word >> SCORE_SHIFT) % 2**64
