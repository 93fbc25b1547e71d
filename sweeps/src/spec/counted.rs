//! How many values the counts of a file may mean.

use std::ops::Range;

use crate::fault::{Fault, Found};

/// Points that one axis may have; the grid as a whole is bounded by `--max-jobs`.
pub(super) const MAX_POINTS: u64 = 1_000_000;

/// Values that a file may mean by counts: a short file must not fill the memory before its grid is known to be too large.
pub(super) struct Counted {
    left: u64,
}

impl Counted {
    pub(super) fn new() -> Self {
        Self {
            left: 3 * MAX_POINTS,
        }
    }

    /// Takes so many values, or says that they are too many.
    pub(super) fn take(
        &mut self,
        count: u64,
        span: &Range<usize>,
        faults: &mut Found,
    ) -> Option<()> {
        if let Some(left) = self.left.checked_sub(count) {
            self.left = left;
            return Some(());
        }
        faults.push(Fault::new(
            span.clone(),
            format!(
                "the counts of this file mean more than {} values",
                3 * MAX_POINTS
            ),
            "no grid of them could be run: lower a `count`",
        ));
        None
    }
}
