//! What a family of claims is held to: fixed before the first seed.

use serde::{Deserialize, Serialize};

/// What claims are held to, and how far seeds are added for them.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Settings {
    /// α: the probability of any false verdict in the family is at most this, however often somebody looks.
    pub alpha: f64,
    /// Seeds with which every claim begins; the first look is after them.
    pub min: u32,
    /// Seeds after which a claim stays undecided.
    pub max: u32,
    /// Differences within ± this are equal.
    pub margin: f64,
    /// How many seeds are added at once, before the next look.
    pub at_once: u32,
}

impl Settings {
    /// Five per cent, from five seeds on, one point of AUC, one seed at a time, to `max`.
    pub fn up_to(max: u32) -> Self {
        Self {
            alpha: 0.05,
            min: 5,
            max,
            margin: 0.01,
            at_once: 1,
        }
    }
}

/// A claim: the left side is above the right one. Sides are positions of arms.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Claim {
    /// The side that is said to be above.
    pub left: u32,
    /// The side that it is compared with.
    pub right: u32,
}

/// The claims that were set out to be decided together: Holm's family, whatever has finished.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Family {
    /// What they are held to.
    pub settings: Settings,
    /// The claims.
    pub claims: Vec<Claim>,
}

impl Family {
    /// Holm's m.
    pub fn size(&self) -> usize {
        self.claims.len()
    }

    /// The fewest seeds with which any claim could be decided, whatever the data.
    pub fn fewest_seeds(&self) -> u32 {
        let bound = self.size().max(1) as f64 / self.settings.alpha;
        crate::e_process::fewest_seeds(bound).max(self.settings.min)
    }
}
