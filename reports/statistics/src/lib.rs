//! The statistics of a report, as pure functions of numbers.
//!
//! Each is checked against NumPy, SciPy or a definition of its own; `tests/fixtures/statistics.py` records the numbers.
//! What the verdicts do over thousands of simulated worlds is in `tests/simulations.rs`. Values that are not finite are
//! the caller's to leave out: every function here answers `None` rather than NaN.
//!
//! [`decide`] is the only place that says better, the same, or undecided.

mod bootstrap;
mod decision;
mod equivalence;
mod moments;
mod paired;
mod proportion;
mod rank;
mod spread;
mod why;

pub use bootstrap::{FEW_VALUES, RESAMPLES, RESAMPLES_OF_FEW, bootstrap_interval};
pub use decision::{
    Decision, Direction, Hypothesis, Question, Rule, Verdict, decide, decide_family,
};
pub use equivalence::{
    Agreement, MeanIntervals, Reference, agreement, beyond_margin_test, equivalence_test,
    mean_intervals,
};
pub use looks::holm;
pub use looks::statistics::{
    Interval, beta_quantile, incomplete_beta, mean, mean_interval, mean_interval_at, normal_cdf,
    normal_quantile, sample_std, student_cdf, student_quantile, student_tail,
};
pub use moments::{interquartile_mean, quantile};
pub use paired::{
    PairedComparison, SMALLEST_PAIRS, SignedRanks, cohens_d_paired, compare_paired,
    permutation_test, signed_ranks, smallest_p, wilcoxon_signed_rank,
};
pub use proportion::{clopper_pearson, share_interval};
pub use rank::{performance_profile, probability_of_improvement};
pub use spread::{SpreadComparison, compare_spreads, visible_ratio};
