// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.30;

import {Buses} from "./Buses.sol";
import {Claim, Claims} from "./Claims.sol";
import {Constraints, OpenedTable} from "./Constraints.sol";
import {Context} from "./Context.sol";
import {DataContract} from "./DataContract.sol";
import {Challenges, Header, HeaderOf} from "./Header.sol";
import {Machine} from "./Machine.sol";
import {QueryChecker} from "./QueryChecker.sol";
import {ABSENT, Shape, ShapeOf, TREE_COUNT} from "./Shape.sol";

/// @title Verifies proofs of the zkVM, over as many transactions as they need.
/// @notice A second implementation of proving/stark/verifier.py, for one verifying key. A proof is
/// verified in a session, whose number is the hash of the statement, of the proof's header and of its
/// opened values. All that a session can still be given is fixed by these, so it does not matter who
/// takes the next step, and nobody can spoil a session: a step either is right or reverts.
///
///   1. `begin`     header: shapes, proof of work, buses
///   2. `evaluate`  opened values: constraints of the tables, in as many calls as their number needs;
///                  the last one draws the queries
///   3. `query`     queries, some in each call; the last one makes `isVerified` true
///
/// @dev The key's description (`Machine`) and the chips' programs (`Interpreter`) are data contracts.
contract StarkVerifier {
    using Machine for bytes;

    /// @notice What happened to a session.
    /// @param tables Tables whose constraints were checked.
    /// @param queries Queries that were checked.
    /// @param context Data contract with what queries need; zero before all tables were checked.
    struct Session {
        uint32 tables;
        uint32 queries;
        bool isBegun;
        address context;
    }

    /// @notice A proof of a statement was begun.
    event Begun(bytes32 indexed statementDigest, bytes32 indexed sessionId);
    /// @notice A session went on: so many tables and queries are checked now.
    event Progress(bytes32 indexed sessionId, uint256 tables, uint256 queries);
    /// @notice A statement was proved.
    event Verified(bytes32 indexed statementDigest, bytes32 indexed sessionId);

    /// @notice The session is not where this step belongs.
    error WrongStep(bytes32 sessionId, uint256 expected, uint256 got);
    /// @notice The programs are not those of the description.
    error WrongProgram();

    /// @notice Data contract with the key's description.
    address public immutable description;
    /// @notice keccak256 of the description.
    bytes32 public immutable descriptionHash;
    /// @notice Checks the queries; made by this contract.
    QueryChecker public immutable queryChecker;
    /// @notice Data contracts with the chips' programs, in order.
    address[] public programs;

    mapping(bytes32 sessionId => Session) public sessions;
    mapping(bytes32 statementDigest => bool) private _verified;

    /// @param config The description of the verifying key.
    /// @param programs_ Data contracts with the programs; all but the last are full.
    constructor(bytes memory config, address[] memory programs_) {
        description = DataContract.write(config);
        descriptionHash = keccak256(config);
        queryChecker = new QueryChecker();
        programs = programs_;
        for (uint256 k = 0; k < programs_.length; ++k) {
            if (!DataContract.isData(programs_[k])) revert WrongProgram();
        }
        bytes memory code = _program(programs_, 0, config.number(Machine.PROGRAM_BYTES));
        if (keccak256(code) != bytes32(config.word(Machine.PROGRAM_HASH))) revert WrongProgram();
    }

    /// @notice Whether a proof was verified whose public values are this digest: eight words of 32
    /// bits, most significant first.
    function isVerified(bytes32 statementDigest) external view returns (bool) {
        return _verified[statementDigest];
    }

    /// @notice The digest of the verifying key that proofs are for.
    function verifyingKeyDigest() external view returns (bytes32) {
        return bytes32(DataContract.read(description).word(Machine.DIGEST));
    }

    /// @notice The root of the preprocessed tree.
    function preprocessedRoot() external view returns (bytes32) {
        return bytes32(DataContract.read(description).word(Machine.PREPROCESSED_ROOT));
    }

    /// @notice Parameters of the proof system.
    function parameters()
        external
        view
        returns (
            uint256 logBlowup,
            uint256 queryCount,
            uint256 lookupGrindingBits,
            uint256 batchingGrindingBits,
            uint256 queryGrindingBits,
            uint256 logFinalLength,
            uint256 maxLogArity
        )
    {
        bytes memory config = DataContract.read(description);
        return (
            config.number(Machine.LOG_BLOWUP),
            config.number(Machine.QUERY_COUNT),
            config.number(Machine.LOOKUP_GRINDING),
            config.number(Machine.BATCHING_GRINDING),
            config.number(Machine.QUERY_GRINDING),
            config.number(Machine.LOG_FINAL_LENGTH),
            config.number(Machine.MAX_LOG_ARITY)
        );
    }

    /// @notice The number of a proof's session.
    /// @param headerHash, openedHash keccak256 of the header and of the opened values.
    function sessionOf(bytes32 statementDigest, bytes32 headerHash, bytes32 openedHash)
        public
        pure
        returns (bytes32)
    {
        return keccak256(abi.encode(statementDigest, headerHash, openedHash));
    }

    /// @notice Step 1: check all that the header can show by itself.
    /// @param openedHash keccak256 of the opened values that step 2 will be given.
    function begin(bytes32 statementDigest, bytes calldata header, bytes32 openedHash)
        external
        returns (bytes32 sessionId)
    {
        sessionId = sessionOf(statementDigest, keccak256(header), openedHash);
        if (sessions[sessionId].isBegun) revert WrongStep(sessionId, 0, 1);
        bytes memory config = DataContract.read(description);
        (Shape memory shape, Header memory parsed) = HeaderOf.parse(config, header);
        Challenges memory drawn = HeaderOf.challenge(config, shape, parsed, statementDigest);
        Buses.check(config, shape, parsed, drawn, statementDigest);
        sessions[sessionId].isBegun = true;
        emit Begun(statementDigest, sessionId);
    }

    /// @notice Step 2: check constraints of the next tables; with the last, prepare the queries.
    /// @param header, opened As the session was begun with.
    /// @param firstTable Number of tables that are checked already.
    /// @param tableCount How many to check now.
    function evaluate(
        bytes32 statementDigest,
        bytes calldata header,
        bytes calldata opened,
        uint256 firstTable,
        uint256 tableCount
    ) external {
        bytes32 sessionId = sessionOf(statementDigest, keccak256(header), keccak256(opened));
        Session memory session = sessions[sessionId];
        bool isHere = session.isBegun && session.context == address(0);
        if (!isHere || firstTable != session.tables) {
            revert WrongStep(sessionId, session.tables, firstTable);
        }

        // HEADER, as in step 1
        bytes memory config = DataContract.read(description);
        (Shape memory shape, Header memory parsed) = HeaderOf.parse(config, header);
        if (opened.length != shape.openedBytes) {
            revert HeaderOf.WrongLength("opened values", shape.openedBytes, opened.length);
        }
        Challenges memory drawn = HeaderOf.challenge(config, shape, parsed, statementDigest);
        uint256 start;
        assembly ("memory-safe") {
            start := opened.offset
        }
        uint256[] memory starts = Claims.starts(config, shape, start);

        // CONSTRAINTS
        uint256 end = firstTable + tableCount;
        if (tableCount == 0 || end > shape.tableCount) {
            revert WrongStep(sessionId, shape.tableCount, end);
        }
        _checkTables(config, shape, parsed, drawn, starts, firstTable, end);
        session.tables = uint32(end);

        // QUERIES
        if (end == shape.tableCount) {
            (uint256 lambda, bytes32 state) =
                Context.batchingChallenge(config, parsed, drawn.state, opened);
            Claim[] memory claims = Claims.batch(config, shape, starts, lambda);
            bytes memory context =
                Context.gather(config, shape, parsed, drawn.z, lambda, state, claims);
            session.context = DataContract.write(context);
        }
        sessions[sessionId] = session;
        emit Progress(sessionId, end, 0);
    }

    /// @notice Step 3: check the next queries.
    /// @param statementDigest, headerHash, openedHash What the session's number is the hash of.
    /// @param first Number of queries that are checked already.
    /// @param queries Rows, paths and layers, see `Queries`.
    function query(
        bytes32 statementDigest,
        bytes32 headerHash,
        bytes32 openedHash,
        uint256 first,
        bytes calldata queries
    ) external {
        bytes32 sessionId = sessionOf(statementDigest, headerHash, openedHash);
        Session memory session = sessions[sessionId];
        bytes memory config = DataContract.read(description);
        uint256 count = config.number(Machine.QUERY_COUNT);
        bool isHere = session.context != address(0) && session.queries < count;
        if (!isHere || first != session.queries) {
            revert WrongStep(sessionId, session.queries, first);
        }

        uint256 next = queryChecker.check(description, session.context, first, queries);
        if (next == first) revert WrongStep(sessionId, first + 1, next);
        session.queries = uint32(next);
        sessions[sessionId] = session;
        emit Progress(sessionId, session.tables, next);
        if (next == count) {
            _verified[statementDigest] = true;
            emit Verified(statementDigest, sessionId);
        }
    }

    /// @dev Check tables `first` to `end` - 1, counting those that are present.
    function _checkTables(
        bytes memory config,
        Shape memory shape,
        Header memory header,
        Challenges memory drawn,
        uint256[] memory starts,
        uint256 first,
        uint256 end
    ) private view {
        address[] memory codes = programs;
        uint256 table;
        uint256 lookup;
        for (uint256 k = 0; k < shape.heights.length && table < end; ++k) {
            uint256 logHeight = ShapeOf.logHeightOf(shape, k);
            if (logHeight == ABSENT) continue;
            uint256 record = config.chip(k);
            bool hasLookups = Machine.groupCount(record) != 0;
            if (table >= first) {
                OpenedTable memory opened;
                for (uint256 tree = 0; tree < TREE_COUNT; ++tree) {
                    opened.start[tree] = starts[TREE_COUNT * k + tree];
                }
                uint256 sum = hasLookups ? HeaderOf.sumOf(header, lookup) : 0;
                uint256 free = _free();
                uint256 slots = _allocate(32 * Machine.slotCount(record));
                bytes memory code = _program(
                    codes, Machine.programStart(record), Machine.programLength(record)
                );
                uint256 program;
                assembly ("memory-safe") {
                    program := add(code, 32)
                }
                Constraints.check(config, k, logHeight, opened, drawn, sum, slots, program);
                assembly ("memory-safe") {
                    mstore(0x40, free)
                }
            }
            ++table;
            if (hasLookups) ++lookup;
        }
    }

    function _free() private pure returns (uint256 cursor) {
        assembly ("memory-safe") {
            cursor := mload(0x40)
        }
    }

    function _allocate(uint256 length) private pure returns (uint256 cursor) {
        assembly ("memory-safe") {
            cursor := mload(0x40)
            mstore(0x40, add(cursor, length))
        }
    }

    /// @dev Bytes of the programs, which lie one behind the other in full data contracts.
    function _program(address[] memory codes, uint256 start, uint256 length)
        private
        view
        returns (bytes memory code)
    {
        code = new bytes(length);
        uint256 done;
        while (done < length) {
            uint256 position = start + done;
            uint256 offset = position % DataContract.MOST_BYTES;
            uint256 part = DataContract.MOST_BYTES - offset;
            if (part > length - done) part = length - done;
            address cursor = codes[position / DataContract.MOST_BYTES];
            assembly ("memory-safe") {
                extcodecopy(cursor, add(add(code, 32), done), add(offset, 1), part)
            }
            done += part;
        }
    }
}
