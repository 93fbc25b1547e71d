//! What was seen and decided at a look: the facts that a journal keeps.

use std::fmt;

use serde::{Deserialize, Serialize};

/// What is decided of a claim.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Verdict {
    /// Nothing yet.
    #[default]
    Undecided,
    /// The left side is above.
    Holds,
    /// The right side is.
    Fails,
    /// The planning interval lies within the margin.
    Equal,
}

impl Verdict {
    /// Every verdict.
    pub const ALL: [Self; 4] = [Self::Undecided, Self::Holds, Self::Fails, Self::Equal];

    /// The word in tables and files.
    pub fn name(self) -> &'static str {
        match self {
            Self::Undecided => "undecided",
            Self::Holds => "holds",
            Self::Fails => "fails",
            Self::Equal => "equal",
        }
    }

    /// Whether something is decided.
    pub fn is_decided(self) -> bool {
        self != Self::Undecided
    }
}

impl fmt::Display for Verdict {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.pad(self.name())
    }
}

/// A look at a claim after so many seeds.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Look {
    /// Looks of one step were judged together, and steps one after the other, from 1 on.
    pub step: u32,
    /// The claim's position in its family.
    pub claim: u32,
    /// The seeds that were looked at: the first so many, complete on both sides.
    pub seeds: u32,
    /// ln E after them.
    pub log_e: f64,
    /// What was decided.
    #[serde(default, skip_serializing_if = "is_undecided")]
    pub verdict: Verdict,
}

#[expect(
    clippy::trivially_copy_pass_by_ref,
    reason = "the form that serde takes"
)]
fn is_undecided(verdict: &Verdict) -> bool {
    !verdict.is_decided()
}
