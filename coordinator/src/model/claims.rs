//! The claims of a sweep: what was set out to be decided, and the looks so far.

use looks::{ClaimText, Family, Look};
use serde::{Deserialize, Serialize};
use sweeps::{Adaptive, Digest};

/// The claims of a sweep with `[adaptive]`, as they were submitted, and what has come of them.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct SweepClaims {
    /// The claims by their arms, and what they are held to.
    pub family: Family,
    /// What each claim says.
    pub texts: Vec<ClaimText>,
    /// The digest of both.
    pub identity: Digest,
    /// Whether seeds are added for undecided claims.
    pub grows: bool,
    /// Of each arm its cells, in the order of their seeds.
    pub arms: Vec<Vec<u32>>,
    /// Every look so far.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub looks: Vec<Look>,
}

impl SweepClaims {
    /// The claims of a file, before the first look.
    pub fn new(adaptive: Adaptive, grows: bool) -> Self {
        let arms = adaptive.arms.into_iter();
        let arms = arms.map(|cells| cells.into_iter().map(|cell| cell as u32).collect());
        Self {
            family: adaptive.family,
            texts: adaptive.texts,
            identity: adaptive.identity,
            grows,
            arms: arms.collect(),
            looks: Vec::new(),
        }
    }

    /// Whether a file that is submitted now asks for the same, seeds beyond the first ones or not.
    pub fn is_asked_again(&self, submitted: &Self) -> bool {
        self.family == submitted.family
            && self.texts == submitted.texts
            && self.identity == submitted.identity
    }

    /// Whether the arms are of a sweep of so many cells, and the claims of the arms.
    pub fn fits(&self, cells: usize) -> bool {
        let sides = self.family.claims.iter();
        let mut sides = sides.flat_map(|claim| [claim.left, claim.right]);
        let mut arms = self.arms.iter().flatten();
        self.texts.len() == self.family.claims.len()
            && sides.all(|side| (side as usize) < self.arms.len())
            && self.arms.iter().all(|arm| !arm.is_empty())
            && arms.all(|cell| (*cell as usize) < cells)
    }
}
