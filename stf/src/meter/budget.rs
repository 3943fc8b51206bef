//! What is left of a block's budget for its transactions.

use super::costs::{BLOCK_BUDGET, LISTED, LISTED_BYTE, OVERSHOOT, TRANSACTION_BUDGET};

/// What a transaction may spend.
#[derive(Clone, Copy, Debug)]
pub struct Grant {
    pub limit: u32,
    /// Less than a transaction gets in a block of its own.
    pub is_short: bool,
}

/// Budget of one block. What does not fit in is left to a later block.
#[derive(Clone, Copy, Debug)]
pub struct BlockBudget {
    left: i64,
    is_closed: bool,
}

impl BlockBudget {
    /// Of a block that lists raw transactions of these lengths.
    pub fn new(lengths: impl Iterator<Item = usize>) -> Self {
        let listed: i64 = lengths
            .map(|length| i64::from(LISTED) + i64::from(LISTED_BYTE) * length as i64)
            .sum();
        Self {
            left: i64::from(BLOCK_BUDGET) - listed,
            is_closed: false,
        }
    }

    pub fn spend(&mut self, cost: i64) {
        self.left -= cost;
    }

    /// The same budget, of a block into which nothing more goes.
    pub fn closed(self) -> Self {
        Self {
            is_closed: true,
            ..self
        }
    }

    /// Budget of the block's next transaction, if it may be tried at all.
    ///
    /// What L1 forces in is the first, and has all that a transaction can have: the ledger delivers
    /// so little in such a block that there is room.
    pub fn grant(&self, is_forced: bool) -> Option<Grant> {
        if is_forced {
            return Some(Grant {
                limit: TRANSACTION_BUDGET,
                is_short: false,
            });
        }
        let room = (self.left - i64::from(OVERSHOOT)).min(i64::from(TRANSACTION_BUDGET));
        (!self.is_closed && room > 0).then_some(Grant {
            limit: room as u32,
            is_short: room < i64::from(TRANSACTION_BUDGET),
        })
    }
}
