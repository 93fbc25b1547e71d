//! How the numbers are computed, and what the words mean: the same for every report.

use crate::published::SINGLE_NUMBER_MARGIN;
use statistics::{FEW_VALUES, RESAMPLES, RESAMPLES_OF_FEW};

pub(super) fn methods() -> String {
    include_str!("methods.html")
        .replace("{resamples}", &RESAMPLES.to_string())
        .replace("{resamples-of-few}", &RESAMPLES_OF_FEW.to_string())
        .replace("{few}", &FEW_VALUES.to_string())
        .replace("{margin}", &format!("{SINGLE_NUMBER_MARGIN:.1}"))
}
