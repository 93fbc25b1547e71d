//! What can be wrong with a job.

use serde::Serialize;

/// What is wrong with a job.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum Alarm {
    /// A number became infinite or NaN.
    NotANumber,
    /// G and D agree on nearly every label.
    LockedIn,
    /// The AUC is below 50%.
    BelowChance,
}
