//! A bound on what a transaction may cost to prove.
//!
//! Gas bounds time on an ordinary machine. A proof bounds cycles of the zkVM, of which the same gas
//! buys more or less by a factor of hundreds. So on the chain that is proved all work has a second
//! price ([`costs`]), and every transaction the same budget. Where the budget ends, all frames of the
//! transaction halt at once: it fails, and pays for all its gas.
//!
//! Opcodes are charged before they run ([`instructions`]), precompiles before they are called
//! ([`precompiles`]), and what the state's trie takes when a block first looks at a part of it
//! (`crate::overlay`). docs/proving.md says why a block then always fits into a proof.

mod budget;
pub mod costs;
mod instructions;
mod precompiles;

pub use budget::{BlockBudget, Grant};
pub use instructions::metered_instructions;
pub use precompiles::MeteredPrecompiles;

use costs::{access_list, inner_budget, OVERSHOOT};

/// Indices of what is counted.
const ACCOUNTS: usize = 0;
const SLOTS: usize = 1;
const STORED: usize = 2;

/// More than the protocol's own code takes in a block.
const UNBOUNDED: i32 = 1 << 30;

/// What is left of a budget.
#[derive(Clone, Copy, Debug)]
pub struct Meter {
    left: i32,
    /// What has been granted in all; what is not left of it is spent.
    granted: i64,
    is_on: bool,
    has_struck: bool,
    /// The outermost frame is the protocol's own code, and has no bound.
    is_protocol: bool,
    /// Accounts and slots that the transaction has looked at, and TSTOREs that it made.
    touched: [u32; 3],
}

impl Meter {
    /// For a chain that is not proved.
    pub const OFF: Self = Self {
        left: UNBOUNDED,
        granted: UNBOUNDED as i64,
        is_on: false,
        has_struck: false,
        is_protocol: false,
        touched: [0; 3],
    };

    /// Begins a transaction that may spend `limit`.
    pub fn begin(&mut self, limit: u32) {
        *self = Self {
            left: limit as i32,
            granted: i64::from(limit),
            is_on: true,
            ..Self::OFF
        };
    }

    /// Begins a call of the protocol itself, whose outermost frame has no bound.
    pub fn begin_protocol(&mut self) {
        *self = Self {
            is_on: true,
            is_protocol: true,
            ..Self::OFF
        };
    }

    /// Begins a call of the protocol's code into the open.
    fn begin_inner(&mut self, gas: u64) {
        let budget = inner_budget(gas);
        self.granted = self.spent() + i64::from(budget);
        self.left = budget as i32;
    }

    /// Charges for an account that the transaction looks at for the first time.
    #[inline]
    pub fn touch_account(&mut self) {
        self.touched[ACCOUNTS] += 1;
        self.charge(costs::ACCOUNT);
    }

    /// Charges for a slot that the transaction looks at for the first time.
    #[inline]
    pub fn touch_slot(&mut self) {
        self.touched[SLOTS] += 1;
        self.charge(costs::SLOT);
    }

    /// What an opcode costs more by what the transaction has touched.
    #[inline(always)]
    fn lookups(&self, per_touched: [u32; 3]) -> u32 {
        let mut cost: u32 = 0;
        for (each, count) in per_touched.into_iter().zip(self.touched) {
            cost = cost.saturating_add(each.saturating_mul(count));
        }
        cost
    }

    /// Charges for what a transaction names in advance.
    pub fn name(&mut self, entries: u32) {
        self.touched[ACCOUNTS] = self.touched[ACCOUNTS].saturating_add(entries);
        self.touched[SLOTS] = self.touched[SLOTS].saturating_add(entries);
        self.charge(access_list(entries));
    }

    /// Takes off what has no place to stop at.
    #[inline]
    pub fn charge(&mut self, cost: u32) {
        if self.is_on {
            self.left -= cost as i32;
        }
    }

    /// Takes off a cost; false if that is more than is left.
    #[inline(always)]
    fn take(&mut self, cost: u32) -> bool {
        self.left -= cost as i32;
        self.left >= 0
    }

    /// Whether a frame has to halt, now that nothing is left.
    #[cold]
    #[inline(never)]
    fn strikes(&mut self, depth: usize) -> bool {
        if self.is_protocol && depth == 0 {
            self.granted = self.spent() + i64::from(UNBOUNDED);
            self.left = UNBOUNDED;
            return false;
        }
        self.strike();
        true
    }

    /// Notes that nothing is left. However many frames come to know of it, the number stays small.
    fn strike(&mut self) {
        self.has_struck = true;
        self.left = -1;
    }

    pub fn is_on(&self) -> bool {
        self.is_on
    }

    pub fn is_exhausted(&self) -> bool {
        self.left < 0
    }

    /// True if a frame halted because the budget was spent.
    pub fn has_struck(&self) -> bool {
        self.has_struck
    }

    /// What was spent of all that was granted.
    pub fn spent(&self) -> i64 {
        self.granted - i64::from(self.left)
    }

    /// What a transaction takes from its block: where the meter struck, its budget and the excess.
    pub fn settled(&self) -> i64 {
        if self.has_struck && !self.is_protocol {
            self.granted + i64::from(OVERSHOOT)
        } else {
            self.spent()
        }
    }
}
