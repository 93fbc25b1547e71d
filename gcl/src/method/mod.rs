//! The method beside the equations: thresholds, what pre-training selects, the phases of a run, the step, everything random.

pub(crate) mod labels;
pub(crate) mod pretraining;
pub(crate) mod random_streams;
pub(crate) mod schedule;
pub(crate) mod step;
pub mod threshold;
