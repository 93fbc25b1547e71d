//! The statistics of a report, as pure functions of numbers.
//!
//! Each is checked against NumPy, SciPy or a definition of its own; `tests/fixtures/statistics.py` records the numbers.
//! Values that are not finite are the caller's to leave out: every function here answers `None` rather than NaN.

mod bootstrap;
mod distribution;
mod equivalence;
mod moments;
mod paired;
mod proportion;
mod rank;

pub use bootstrap::{
    FEW_VALUES, Interval, RESAMPLES, RESAMPLES_OF_FEW, bootstrap_interval, bootstrap_means,
};
pub use distribution::{normal_cdf, normal_quantile};
pub use equivalence::{Agreement, Reference, agreement};
pub use moments::{interquartile_mean, mean, quantile, sample_std};
pub use paired::{
    PairedComparison, SMALLEST_PAIRS, cohens_d_paired, compare_paired, holm, permutation_test,
    wilcoxon_signed_rank,
};
pub use proportion::share_interval;
pub use rank::{performance_profile, probability_of_improvement};
