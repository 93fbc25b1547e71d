//! What a figure knows besides its rows: where they come from, and how they are arranged.
//!
//! In a CSV file it stands once, as JSON in the column `about` of the first line.

use serde::{Deserialize, Serialize};

use crate::factor::factors;
use crate::generated::{families, is_data};
use crate::results::{DatasetInfo, SweepResults};

/// The column of a figure's CSV file that holds it.
pub(super) const ABOUT: &str = "about";

/// What a figure knows besides its rows.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub(super) struct About {
    /// The command that makes the results again; empty where it is not known.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub(super) command: String,
    /// The data sets of the runs, by name.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(super) datasets: Vec<String>,
    /// Made on stand-ins: no number is a result.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub(super) rehearsal: bool,
    /// The columns that name groups: one a factor.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(super) factors: Vec<String>,
    /// The columns along the figure's axes: to the right, then down.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(super) axes: Vec<String>,
    /// The variant that others are compared with.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) reference: Option<String>,
    /// Groups that there are, where the file has not all.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) of_groups: Option<usize>,
    /// Groups of one epoch, which have no curve.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(super) without_curve: Vec<String>,
    /// Every how many epochs one is kept, where not all are.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) every: Option<u32>,
}

impl About {
    pub(super) fn of(results: &SweepResults) -> Self {
        let datasets = results.datasets_in_use();
        Self {
            command: results.command.clone(),
            datasets: named(results, &datasets),
            rehearsal: results.rehearsal,
            factors: factors(results)
                .iter()
                .map(|factor| factor.name(&results.columns).to_owned())
                .collect(),
            ..Self::default()
        }
    }

    /// What every figure says, without how groups are named.
    pub(super) fn brief(results: &SweepResults) -> Self {
        let mut about = Self::of(results);
        about.factors.clear();
        // Where data sets are swept, labels name them.
        if results.columns.iter().any(|column| column == "dataset") {
            about.datasets.clear();
        }
        about
    }

    /// The text of its field.
    pub(super) fn to_json(&self) -> String {
        // A structure of texts and numbers has a JSON form always.
        serde_json::to_string(self).unwrap_or_default()
    }
}

/// The names of data sets, those of several seeds as one; where settings of the data are swept, how many there are.
fn named(results: &SweepResults, datasets: &[DatasetInfo]) -> Vec<String> {
    let swept = |column: &String| column != "dataset" && is_data(column);
    if datasets.len() > 1 && results.columns.iter().any(swept) {
        return vec![format!("{} synthetic data sets", datasets.len())];
    }
    let families = families(datasets.iter().map(|info| info.name.as_str()));
    families.iter().map(ToString::to_string).collect()
}
