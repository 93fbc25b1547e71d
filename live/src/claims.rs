//! Claims of a sweep that are decided while seeds arrive, as the page shows them.

use serde::Serialize;

/// A claim and what is known of it. All AUCs are fractions.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Claim {
    /// The claim in words: `A > B`.
    pub text: String,
    /// What came out so far: a word for people, such as `undecided` or `holds`.
    pub verdict: String,
    /// Whether more seeds will not change the verdict.
    pub decided: bool,
    /// Seeds that both sides have, without a gap.
    pub seeds: u64,
    /// Mean of the differences over these seeds.
    pub difference: Option<f64>,
    /// The interval of the difference that holds at every look.
    pub interval: Option<(f64, f64)>,
    /// The e-value.
    pub e_value: Option<f64>,
    /// The e-value at which the claim is decided.
    pub bound: Option<f64>,
    /// After how many seeds it was decided.
    pub decided_after: Option<u64>,
    /// About how many more seeds it needs.
    pub seeds_needed: Option<u64>,
    /// What the next seed costs, in seconds of a device.
    pub next_seed_seconds: Option<f64>,
}
