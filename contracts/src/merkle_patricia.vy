# pragma version 0.4.3
# pragma nonreentrancy off
"""
@title Merkle-Patricia: inclusion proofs against an Ethereum state root
@license Apache-2.0
@notice Checks the proofs that `eth_getProof` (EIP-1186) gives for a key of a secure trie, which is
        a trie whose keys are 32-byte hashes. Inclusion only: absence is never proved.

        A proof is the list of RLP nodes from the root down that a hash refers to. A node shorter
        than 32 bytes is embedded in its parent and is no element of the list (Yellow Paper,
        appendix D).

        Strict: RLP is canonical and fills each node exactly; a node that a hash refers to has at
        least 32 bytes unless it is the root, an embedded one has fewer; hex-prefix paths have no
        unknown flags or padding; an extension is not empty; no proof node is left over. Whatever
        breaks this reverts.

        Since all keys have 32 bytes, a branch never holds a value, so its 17th item must be empty,
        and no node is longer than 532 bytes (a branch with sixteen hashes).
"""


# @dev Longest node of a secure trie, in bytes: a branch of sixteen hashes.
MAX_NODE_BYTES: constant(uint256) = 532

# @dev Most nodes of one proof. To make a path in a secure trie this deep takes about 2**96 hashes.
MAX_PROOF_NODES: constant(uint256) = 24

# @dev Longest value: an account in RLP has at most 110 bytes.
MAX_VALUE_BYTES: constant(uint256) = 128

# @dev A node is followed by 32 zero bytes in memory, so that a word can be read at each offset.
PADDED_NODE_BYTES: constant(uint256) = 564

# @dev Likewise for a value.
PADDED_VALUE_BYTES: constant(uint256) = 160

# @dev Nibbles of a key.
KEY_NIBBLES: constant(uint256) = 64

# @dev Items of a branch, and of a leaf or an extension.
BRANCH_ITEMS: constant(uint256) = 17
SHORT_NODE_ITEMS: constant(uint256) = 2


# @dev First bytes of RLP headers (Yellow Paper, appendix B): a string of up to 55 bytes has its length
# on top of STRING, a list on top of LIST; above SHORT_*_END the length's own length follows.
STRING: constant(uint256) = 128
SHORT_STRING_END: constant(uint256) = 183
LIST: constant(uint256) = 192
SHORT_LIST_END: constant(uint256) = 247


# One RLP item inside a buffer.
struct Item:
    is_list: bool
    start: uint256  # Offset of its header.
    payload_start: uint256
    payload_length: uint256
    end: uint256  # Offset of what follows it.


# What a proof shows of an account.
struct AccountFields:
    balance_wei: uint256
    storage_root: bytes32


@internal
@pure
def _prove_account(
    state_root: bytes32,
    account: address,
    proof: DynArray[Bytes[MAX_NODE_BYTES], MAX_PROOF_NODES],
) -> bytes32:
    """
    @dev Returns the storage root of an account that exists under a state root.
    @param state_root The root of the account trie.
    @param account The 20-byte address.
    @param proof The account proof.
    @return bytes32 The account's storage root.
    """
    return self._prove_fields(state_root, account, proof).storage_root


@internal
@pure
def _prove_balance(
    state_root: bytes32,
    account: address,
    proof: DynArray[Bytes[MAX_NODE_BYTES], MAX_PROOF_NODES],
) -> uint256:
    """
    @dev Returns the balance of an account that exists under a state root.
    @param state_root The root of the account trie.
    @param account The 20-byte address.
    @param proof The account proof.
    @return uint256 The account's balance in wei.
    """
    return self._prove_fields(state_root, account, proof).balance_wei


@internal
@pure
def _prove_fields(
    state_root: bytes32,
    account: address,
    proof: DynArray[Bytes[MAX_NODE_BYTES], MAX_PROOF_NODES],
) -> AccountFields:
    """
    @dev Returns what a state root says of an account that exists.
    """
    key: bytes32 = keccak256(slice(convert(account, bytes32), 12, 20))
    encoded: Bytes[MAX_VALUE_BYTES] = self._prove(state_root, key, proof)
    buffer: Bytes[PADDED_NODE_BYTES] = concat(encoded, empty(bytes32))

    # An account is the list (nonce, balance, storage root, code hash).
    fields: Item = self._read_item(buffer, 0, len(encoded))
    assert fields.is_list and fields.end == len(encoded), "mpt: account is not one list"
    nonce: Item = self._read_item(buffer, fields.payload_start, fields.end)
    balance: Item = self._read_item(buffer, nonce.end, fields.end)
    storage_root: Item = self._read_item(buffer, balance.end, fields.end)
    code_hash: Item = self._read_item(buffer, storage_root.end, fields.end)
    is_hash_pair: bool = (
        not storage_root.is_list
        and storage_root.payload_length == 32
        and not code_hash.is_list
        and code_hash.payload_length == 32
    )
    is_exact: bool = not nonce.is_list and not balance.is_list and code_hash.end == fields.end
    assert is_hash_pair and is_exact, "mpt: account has not the four fields"
    balance_wei: uint256 = 0
    if balance.payload_length > 0:
        assert balance.payload_length <= 32, "mpt: balance is not one word"
        assert self._byte_at(buffer, balance.payload_start) != 0, "mpt: balance has leading zeros"
        balance_wei = self._read_number(buffer, balance)
    return AccountFields(
        balance_wei=balance_wei, storage_root=extract32(buffer, storage_root.payload_start)
    )


@internal
@pure
def _prove_slot(
    storage_root: bytes32,
    slot: bytes32,
    proof: DynArray[Bytes[MAX_NODE_BYTES], MAX_PROOF_NODES],
) -> uint256:
    """
    @dev Returns the value of a storage slot that is not zero.
    @param storage_root The root of the account's storage trie.
    @param slot The slot.
    @param proof The storage proof.
    @return uint256 The value.
    """
    encoded: Bytes[MAX_VALUE_BYTES] = self._prove(storage_root, keccak256(slot), proof)
    buffer: Bytes[PADDED_NODE_BYTES] = concat(encoded, empty(bytes32))
    number: Item = self._read_item(buffer, 0, len(encoded))
    is_word: bool = (
        not number.is_list
        and number.end == len(encoded)
        and 0 < number.payload_length
        and number.payload_length <= 32
    )
    assert is_word, "mpt: slot is not one word"
    assert self._byte_at(buffer, number.payload_start) != 0, "mpt: slot has leading zeros"
    return self._read_number(buffer, number)


@internal
@pure
def _prove(
    root: bytes32,
    key: bytes32,
    proof: DynArray[Bytes[MAX_NODE_BYTES], MAX_PROOF_NODES],
) -> Bytes[MAX_VALUE_BYTES]:
    """
    @dev Returns the value that the trie with this root has at a key; reverts unless the proof
         shows one.
    @param root The 32-byte root hash.
    @param key The 32-byte key, already hashed.
    @param proof The nodes from the root down.
    @return Bytes The value as the leaf holds it.
    """
    nibbles_done: uint256 = 0
    expected_hash: bytes32 = root
    depth: uint256 = 0

    for encoded: Bytes[MAX_NODE_BYTES] in proof:
        # HASH
        assert keccak256(encoded) == expected_hash, "mpt: node has another hash"
        assert depth == 0 or len(encoded) >= 32, "mpt: short node is not embedded"
        depth += 1
        buffer: Bytes[PADDED_NODE_BYTES] = concat(encoded, empty(bytes32))
        node: Item = self._read_item(buffer, 0, len(encoded))
        assert node.end == len(encoded), "mpt: bytes after the node"

        # WALK through this node and those embedded in it. Each step takes a nibble, so it ends.
        is_embedded: bool = True
        for step: uint256 in range(KEY_NIBBLES + 1):
            assert node.is_list, "mpt: node is not a list"
            items: DynArray[Item, BRANCH_ITEMS] = self._read_list(buffer, node)
            child: Item = empty(Item)

            if len(items) == BRANCH_ITEMS:
                assert nibbles_done < KEY_NIBBLES, "mpt: branch below the end of the key"
                last: Item = items[BRANCH_ITEMS - 1]
                is_value_empty: bool = not last.is_list and last.payload_length == 0
                assert is_value_empty, "mpt: branch with a value"
                child = items[self._nibble(key, nibbles_done)]
                nibbles_done += 1
            else:
                assert len(items) == SHORT_NODE_ITEMS, "mpt: node is neither branch nor short"
                is_leaf: bool = False
                is_leaf, nibbles_done = self._follow_path(buffer, items[0], key, nibbles_done)
                child = items[1]
                if is_leaf:
                    assert nibbles_done == KEY_NIBBLES, "mpt: leaf above the end of the key"
                    assert depth == len(proof), "mpt: nodes after the leaf"
                    assert not child.is_list, "mpt: leaf without a value"
                    assert 0 < child.payload_length, "mpt: leaf without a value"
                    assert child.payload_length <= MAX_VALUE_BYTES, "mpt: value too long"
                    return self._read_value(buffer, child)

            # CHILD: embedded, or referred to by its hash
            if not child.is_list:
                assert child.payload_length == 32, "mpt: no node at the key"
                expected_hash = extract32(buffer, child.payload_start)
                is_embedded = False
                break
            assert child.end - child.start < 32, "mpt: embedded node is too long"
            node = child
        assert not is_embedded, "mpt: no end of embedded nodes"

    raise "mpt: proof ends above the leaf"


@internal
@pure
def _follow_path(
    buffer: Bytes[PADDED_NODE_BYTES], path: Item, key: bytes32, nibbles_done: uint256
) -> (bool, uint256):
    """
    @dev Compares the hex-prefix path of a leaf or an extension with the rest of the key; reverts
         where they differ.
    @return bool Whether the node is a leaf.
    @return uint256 The number of the key's nibbles that are done now.
    """
    is_path: bool = not path.is_list and 0 < path.payload_length and path.payload_length <= 33
    assert is_path, "mpt: path is not 1 to 33 bytes"
    first: uint256 = self._byte_at(buffer, path.payload_start)
    flags: uint256 = first >> 4
    assert flags < 4, "mpt: unknown path flags"
    is_leaf: bool = flags >= 2
    is_odd: bool = flags % 2 == 1
    assert is_odd or first % 16 == 0, "mpt: path padding is not zero"

    # The path's nibbles and the key's, both as the high end of a word.
    byte_count: uint256 = path.payload_length - 1
    nibble_count: uint256 = 2 * byte_count
    path_word: uint256 = 0
    if byte_count > 0:
        path_word = convert(extract32(buffer, path.payload_start + 1), uint256)
    if is_odd:
        nibble_count += 1
        path_word = (path_word >> 4) | ((first % 16) << 252)
    assert is_leaf or nibble_count > 0, "mpt: empty extension"
    assert nibbles_done + nibble_count <= KEY_NIBBLES, "mpt: path longer than the key"
    if nibble_count > 0:
        # No shift here reaches 256 bits: the path has a nibble, so fewer than 64 are done.
        key_word: uint256 = convert(key, uint256) << (4 * nibbles_done)
        unused_bits: uint256 = 256 - 4 * nibble_count
        assert path_word >> unused_bits == key_word >> unused_bits, "mpt: path leaves the key"
    return is_leaf, nibbles_done + nibble_count


@internal
@pure
def _read_list(buffer: Bytes[PADDED_NODE_BYTES], node: Item) -> DynArray[Item, BRANCH_ITEMS]:
    """
    @dev Returns the items of a list, at most 17, which must fill it exactly.
    """
    items: DynArray[Item, BRANCH_ITEMS] = []
    offset: uint256 = node.payload_start
    for i: uint256 in range(BRANCH_ITEMS):
        if offset == node.end:
            break
        item: Item = self._read_item(buffer, offset, node.end)
        items.append(item)
        offset = item.end
    assert offset == node.end, "mpt: more than 17 items"
    return items


@internal
@pure
def _read_item(
    buffer: Bytes[PADDED_NODE_BYTES], offset: uint256, limit: uint256
) -> Item:
    """
    @dev Returns the RLP item at an offset, which must be canonical and end at `limit` or before.
    @param buffer What is read; 32 bytes follow `limit`.
    @param offset Where the item starts.
    @param limit Where what holds the item ends.
    @return Item The item.
    """
    assert offset < limit, "mpt: item is missing"
    word: uint256 = convert(extract32(buffer, offset), uint256)
    first: uint256 = word >> 248

    # HEADER
    is_list: bool = first >= LIST
    header_length: uint256 = 1
    length: uint256 = 0
    if first < STRING:
        header_length = 0
        length = 1
    elif first <= SHORT_STRING_END or (is_list and first <= SHORT_LIST_END):
        length = first - (LIST if is_list else STRING)
        second: uint256 = (word >> 240) % 256
        is_byte_wrapped: bool = not is_list and length == 1 and second < STRING
        assert not is_byte_wrapped, "mpt: single byte with a header"
    else:
        # Two bytes of length suffice for the longest node.
        length_bytes: uint256 = first - (SHORT_LIST_END if is_list else SHORT_STRING_END)
        assert length_bytes <= 2, "mpt: item too long"
        header_length = 1 + length_bytes
        length = (word << 8) >> (256 - 8 * length_bytes)
        is_canonical: bool = length > (55 if length_bytes == 1 else 255)
        assert is_canonical, "mpt: length is not canonical"

    # BOUNDS
    payload_start: uint256 = offset + header_length
    end: uint256 = payload_start + length
    assert end <= limit, "mpt: item past the end"
    return Item(
        is_list=is_list,
        start=offset,
        payload_start=payload_start,
        payload_length=length,
        end=end,
    )


@internal
@pure
def _read_number(buffer: Bytes[PADDED_NODE_BYTES], item: Item) -> uint256:
    """
    @dev Returns a payload of 1 to 32 bytes as a big-endian number.
    """
    word: uint256 = convert(extract32(buffer, item.payload_start), uint256)
    return word >> (256 - 8 * item.payload_length)


@internal
@pure
def _read_value(buffer: Bytes[PADDED_NODE_BYTES], item: Item) -> Bytes[MAX_VALUE_BYTES]:
    """
    @dev Returns a payload of at most 128 bytes.
    """
    payload: Bytes[PADDED_NODE_BYTES] = slice(buffer, item.payload_start, item.payload_length)
    return convert(payload, Bytes[MAX_VALUE_BYTES])


@internal
@pure
def _byte_at(buffer: Bytes[PADDED_NODE_BYTES], offset: uint256) -> uint256:
    """
    @dev Returns the byte at an offset.
    """
    return convert(extract32(buffer, offset), uint256) >> 248


@internal
@pure
def _nibble(key: bytes32, index: uint256) -> uint256:
    """
    @dev Returns a nibble of a key, counted from its high end.
    """
    return (convert(key, uint256) >> (252 - 4 * index)) % 16
