//! The trie against a naive reference: the root of a batch equals the root of one-by-one updates.

use super::*;
use crate::keccak::keccak256;
use revm::primitives::U256;
use std::collections::BTreeMap;
use std::vec::Vec;

fn key(number: u64) -> Key {
    Key::from_hash(&keccak256(number.to_be_bytes()))
}

/// A key in which only the last byte and one middle nibble vary, so that paths are long.
fn clustered_key(number: u64) -> Key {
    let mut bytes = [7u8; 32];
    bytes[31] = (number % 5) as u8;
    bytes[16] = ((number / 5) % 3) as u8;
    Key::from_hash(&revm::primitives::B256::from(bytes))
}

fn root_of(entries: &BTreeMap<Key, U256>, encoder: &mut Encoder) -> B256 {
    let changes: Vec<_> = entries
        .iter()
        .map(|(key, value)| (*key, Some(*value)))
        .collect();
    root_hash(&update(&None, &changes, encoder).unwrap(), encoder)
}

#[test]
fn empty_trie_has_the_well_known_root() {
    assert_eq!(
        root_hash::<U256>(&None, &mut Encoder::default()),
        EMPTY_ROOT
    );
}

#[test]
fn every_history_of_updates_ends_in_the_root_of_its_entries() {
    for make_key in [key as fn(u64) -> Key, clustered_key] {
        let mut encoder = Encoder::default();
        let mut random: u64 = 1;
        let mut entries = BTreeMap::new();
        let mut trie: Root<U256> = None;
        for _ in 0..600 {
            let mut changes = BTreeMap::new();
            for _ in 0..(random >> 20) % 6 + 1 {
                random = random
                    .wrapping_mul(6364136223846793005)
                    .wrapping_add(1442695040888963407);
                let is_removal = (random >> 60) < 7;
                let value = (!is_removal).then(|| U256::from(random >> 30) + U256::from(1));
                changes.insert(make_key((random >> 33) % 40), value);
            }
            for (key, value) in &changes {
                match value {
                    Some(value) => entries.insert(*key, *value),
                    None => entries.remove(key),
                };
            }
            let changes: Vec<_> = changes.into_iter().collect();
            trie = update(&trie, &changes, &mut encoder).unwrap();
            assert_eq!(
                root_hash(&trie, &mut encoder),
                root_of(&entries, &mut encoder)
            );
            for number in 0..40 {
                let key = make_key(number);
                assert_eq!(get(&trie, &key).unwrap(), entries.get(&key));
            }
        }
    }
}
