//! Whether a job is the published protocol's: by its settings, never by a column or a name.

use sweeps::{JobSpec, Parameters, Value};

use super::number::{Publication, PublishedNumber};
use crate::results::DatasetInfo;

/// Parameters of jobs that change what is kept and no number.
const KEPT: &str = "artifacts.";

/// A setting in which a job is not the published one.
#[derive(Debug, Clone, PartialEq)]
pub struct Difference {
    /// The parameter.
    pub parameter: String,
    /// The job's value; `None` where it is unset.
    pub ours: Option<Value>,
    /// The published one; `None` where it is unset.
    pub published: Option<Value>,
}

impl Difference {
    /// `batch_size = 128 (paper: 8192)`; `beside` names whose value the other one is.
    pub fn words(&self, beside: &str) -> String {
        let shown = |value: &Option<Value>| {
            value
                .as_ref()
                .map_or_else(|| "unset".to_owned(), ToString::to_string)
        };
        format!(
            "{} = {} ({beside}: {})",
            self.parameter,
            shown(&self.ours),
            shown(&self.published)
        )
    }
}

/// The parameters of the number's jobs; `None` for a number that this program does not reproduce.
pub fn published_parameters(number: &PublishedNumber) -> Option<Parameters> {
    let mut given = Parameters::default();
    for (name, value) in number.settings.as_ref()? {
        // A test sets every one of them: it cannot fail here.
        given.set(name, value).ok()?;
    }
    let dataset = sweeps::DatasetSource::Named(number.dataset.clone());
    Some(JobSpec::resolve(dataset, 0, &given).parameters)
}

/// The settings in which a job of `ours` is not the number's, in the order of their names. A parameter that only one of the
/// two has is a consequence of another difference, unless it replaces a default by being set at all.
pub fn differences(
    paper: &Publication,
    number: &PublishedNumber,
    published: &Parameters,
    ours: &Parameters,
) -> Vec<Difference> {
    let mut names: Vec<&str> = ours
        .iter()
        .chain(published.iter())
        .map(|(name, _)| name)
        .filter(|name| !name.starts_with(KEPT))
        .filter(|name| !number.not_stated.iter().any(|open| open == name))
        .collect();
    names.sort_unstable();
    names.dedup();
    let unset_by_default = |name: &str| {
        sweeps::registry::find(name).is_some_and(|parameter| (parameter.default)().is_none())
    };
    names
        .into_iter()
        .filter_map(|name| {
            let (left, right) = (ours.get(name), published.get(name));
            let differs = match (left, right) {
                (Some(left), Some(right)) => {
                    left != right && paper.tolerance(&number.dataset, name, left).is_none()
                }
                _ => unset_by_default(name),
            };
            differs.then(|| Difference {
                parameter: name.to_owned(),
                ours: left.cloned(),
                published: right.cloned(),
            })
        })
        .collect()
}

/// What is known to differ between a data set and the published one, and what is not known of it.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct DataDifference {
    /// What differs, in words.
    pub differs: Vec<String>,
    /// What is not known, in words.
    pub unknown: Vec<String>,
}

/// Compares a data set with the one that a number was measured on: width, videos of both splits. The kind of features is the
/// caller's to compare.
pub fn data_difference(
    paper: &Publication,
    number: &PublishedNumber,
    info: Option<&DatasetInfo>,
) -> DataDifference {
    let mut found = DataDifference::default();
    let split = paper.split(&number.dataset);
    let mut check = |what: &str, ours: Option<u64>, published: Option<u64>| match (ours, published)
    {
        (_, None) => {}
        (Some(ours), Some(published)) if ours == published => {}
        (Some(ours), Some(published)) => {
            found
                .differs
                .push(format!("{ours} {what} (paper: {published})"));
        }
        (None, Some(_)) => found.unknown.push(what.to_owned()),
    };
    check(
        "feature dimensions",
        info.and_then(|info| info.feature_dim),
        paper.dimension(&number.features),
    );
    check(
        "training videos",
        info.and_then(|info| Some(info.train?.videos)),
        split.map(|split| split.train),
    );
    check(
        "test videos",
        info.and_then(|info| Some(info.test?.videos)),
        split.map(|split| split.test),
    );
    found
}
