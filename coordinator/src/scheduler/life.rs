//! The life of a state: how often it was restored from a backup, in numbers that two restores do not share.
//!
//! The numbers that the earlier life gave after the backup was taken are unknown here. The new life gives none of them:
//! each number has the life that gave it in its upper half. So a number of another life is known for one.

use sweeps::AttemptNumber;

/// By so many lives a new one may be ahead of the one before it: two that are drawn from the same backup differ. No more,
/// so that numbers stay exact in programs whose numbers are all doubles.
const LIVES: u64 = 1 << 20;
/// The last life there can be.
const LAST: u64 = (1 << 31) - 1;
/// So far ahead may a life be whose attempts are taken up: what a few restores draw. Whoever made up a larger number must
/// not use up the numbers there are.
const AHEAD: u64 = 4 * LIVES;

/// The life of a state; 0 of one that was never restored.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Life(u64);

impl Life {
    pub(super) fn new(number: u64) -> Self {
        Self(number)
    }

    pub(super) fn number(self) -> u64 {
        self.0
    }

    /// A life begins. It never goes back.
    pub(super) fn begin(&mut self, number: u64) {
        self.0 = self.0.max(number.min(LAST));
    }

    /// A life after this one, drawn by random bits.
    pub(super) fn drawn(self, random: u64) -> u64 {
        self.0.saturating_add(1 + random % LIVES).min(LAST)
    }

    /// A life beyond another, which may be ahead: as far beyond as this one's number says, which was drawn.
    pub(super) fn beyond(self, other: u64) -> u64 {
        other.saturating_add(1 + self.0 % LIVES).min(LAST)
    }

    /// Whether another life of this state gave that number.
    pub(super) fn is_foreign(self, attempt: AttemptNumber) -> bool {
        self.0 > 0 && attempt.life() != self.0
    }

    /// Whether another life gave it that is not too far ahead to be one.
    pub(super) fn is_plausible(self, attempt: AttemptNumber) -> bool {
        self.is_foreign(attempt) && attempt.life() <= self.0.saturating_add(AHEAD)
    }
}
