//! What is known of a sweep before it runs.

use std::collections::BTreeSet;

use proto::nouns::Submitted;
use sweeps::JobId;

use crate::command::difference::VersionCell;
use crate::command::estimate::Durations;

/// What a state folder knows of a sweep that may be submitted to it.
#[derive(Debug, Default)]
pub struct Known {
    /// Every job that has a record there.
    pub done: BTreeSet<JobId>,
    /// How long finished jobs took.
    pub durations: Durations,
    /// What submitting the file would mean; `None` where there is no folder yet, or a data set is not known.
    pub meaning: Option<Submitted>,
    /// The cells of the version of the sweep that is there.
    pub earlier: Vec<VersionCell>,
    /// Why nothing is known.
    pub nothing: Option<String>,
}

impl Known {
    /// Nothing, for that reason.
    #[cfg(feature = "coordinator")]
    pub fn nothing(why: String) -> Self {
        Self {
            nothing: Some(why),
            ..Self::default()
        }
    }
}
