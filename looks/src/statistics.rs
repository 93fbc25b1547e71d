//! What numbers over seeds say of their mean, as pure functions: shared by whatever shows them.
//!
//! `reports/statistics/tests/known.rs` holds them against NumPy and SciPy. `statistics` adds tests, margins and resampling. Values that are not finite are the caller's to leave out: every
//! function here answers `None` rather than NaN.

mod interval;
mod moments;
mod normal;
mod student;

pub use interval::{Interval, mean_interval, mean_interval_at, standard_error, student_interval};
pub use moments::{mean, sample_std};
pub use normal::{normal_cdf, normal_quantile};
pub use student::{beta_quantile, incomplete_beta, student_cdf, student_quantile, student_tail};
