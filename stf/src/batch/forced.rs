//! Transactions that L1 forces into the chain, against the will of those who order it.
//!
//! L1 takes no batch that leaves a due entry of its queue out. So it is settled here what taking
//! one means: its transaction is tried first in the block that delivers it, with the chain's whole
//! gas limit before it. Whoever orders blocks could otherwise deliver the entry and not run it.

use crate::block::BlockInput;
use alloc::vec::Vec;
use core::fmt;

/// A block does not do what it owes to an entry of L1's queue.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum BadForced {
    /// The block does not begin with the transaction.
    NotFirst,
    /// The block delivers two: the first could leave no gas to the second.
    MoreThanOne,
}

impl fmt::Display for BadForced {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(match self {
            Self::NotFirst => "a block does not begin with the transaction that L1 forces in",
            Self::MoreThanOne => "a block delivers more than one forced transaction",
        })
    }
}

/// Checks a block against the raw transactions that its deliveries force in.
pub fn check_forced(forced: &[Vec<u8>], block: &BlockInput<'_>) -> Result<(), BadForced> {
    let [raw] = forced else {
        return if forced.is_empty() {
            Ok(())
        } else {
            Err(BadForced::MoreThanOne)
        };
    };
    match block.transactions.first() {
        Some((first, _)) if *first == raw.as_slice() => Ok(()),
        _ => Err(BadForced::NotFirst),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::vec;
    use revm::primitives::{Address, B256};

    fn block<'a>(transactions: &[&'a [u8]]) -> BlockInput<'a> {
        BlockInput {
            number: 1,
            timestamp_seconds: 0,
            prev_randao: B256::ZERO,
            coinbase: Address::ZERO,
            gas_limit: 0,
            system_transactions: Vec::new(),
            transactions: transactions.iter().map(|raw| (*raw, None)).collect(),
        }
    }

    #[test]
    fn a_block_begins_with_what_is_forced_into_it() {
        let forced = [vec![1, 2]];
        assert_eq!(check_forced(&forced, &block(&[&[1, 2], &[3]])), Ok(()));
        for others in [&[][..], &[&[3][..], &[1, 2]], &[&[1]], &[&[1, 2, 3]]] {
            assert_eq!(
                check_forced(&forced, &block(others)),
                Err(BadForced::NotFirst)
            );
        }
    }

    #[test]
    fn a_block_that_nothing_is_forced_into_begins_as_it_likes() {
        assert_eq!(check_forced(&[], &block(&[])), Ok(()));
        assert_eq!(check_forced(&[], &block(&[&[1, 2]])), Ok(()));
    }

    #[test]
    fn two_are_one_too_many() {
        let forced = [vec![1], vec![2]];
        let both = block(&[&[1], &[2]]);
        assert_eq!(check_forced(&forced, &both), Err(BadForced::MoreThanOne));
    }
}
