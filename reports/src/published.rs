//! What the paper printed, and how our runs lie to it.
//!
//! The numbers are data (`reports/published/*.toml`). A row of ours is judged against one only on the same data set and
//! the same kind of features; elsewhere the number is shown, if at all, marked as not comparable.

use std::sync::OnceLock;

use serde::Deserialize;
use sweeps::DatasetSource;

use crate::results::{DatasetInfo, SweepResults};
use crate::statistics::{Agreement, Reference, agreement};
use crate::summary::SummaryRow;

/// Half the width, in AUC points, of the band around a published number that comes without a spread.
pub const SINGLE_NUMBER_MARGIN: f64 = 1.0;

/// A published number.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PublishedNumber {
    /// The method's name as printed.
    pub name: String,
    /// Names of variants that mean this method, reduced to lower-case letters and digits.
    #[serde(default)]
    pub methods: Vec<String>,
    /// `ucf-crime` or `shanghaitech`.
    pub dataset: String,
    /// The features, where stated.
    #[serde(default)]
    pub features: String,
    /// `unsupervised`, `one class` or `weak`.
    pub supervision: String,
    /// Frame-level AUC in percent.
    pub auc: f64,
    /// Its standard deviation over seeds, where printed.
    pub std: Option<f64>,
    /// Where it is printed.
    pub place: String,
    /// Anything about how it was measured.
    #[serde(default)]
    pub protocol: String,
}

/// A publication's numbers.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Publication {
    /// Its reference.
    pub source: String,
    /// Its numbers; those with a spread stand before single ones.
    #[serde(rename = "number")]
    pub numbers: Vec<PublishedNumber>,
}

/// A row of ours beside the published number.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Comparison {
    /// The number that our mean is compared with.
    pub published: &'static PublishedNumber,
    /// Whether the data set and the features are the published ones.
    pub comparable: bool,
    /// How our interval lies to it; `None` where it is not comparable.
    pub agreement: Option<Agreement>,
}

/// The verdict of a whole sweep.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verdict {
    /// Every comparable row lies within the published band.
    Reproduced,
    /// Some do, some lie elsewhere.
    Partly,
    /// None does.
    NotReproduced,
    /// Not every row is decided, and those that are do not make it partly reproduced.
    Undecided,
    /// There is no published number for these data.
    NothingToCompare,
}

/// The paper's numbers.
pub fn paper() -> &'static Publication {
    static PAPER: OnceLock<Publication> = OnceLock::new();
    PAPER.get_or_init(|| {
        let text = include_str!("../published/generative-cooperative-learning.toml");
        // A test reads the same text: it cannot fail here.
        toml::from_str(text).unwrap_or(Publication {
            source: String::new(),
            numbers: Vec::new(),
        })
    })
}

/// The published number that belongs beside a row, if there is one. Synthetic data have none, and neither has a row in
/// which a swept parameter makes another method of the variant's name.
pub fn compare(
    results: &SweepResults,
    datasets: &[DatasetInfo],
    row: &SummaryRow,
) -> Option<Comparison> {
    if results.columns.iter().any(|column| column != "dataset") {
        return None;
    }
    let cell = &results.cells.get(*row.cells.first()?)?.cell;
    let DatasetSource::Named(name) = &cell.job.dataset else {
        return None;
    };
    let info = datasets.iter().find(|info| info.name == *name);
    if info.is_some_and(|info| info.synthetic) {
        return None;
    }
    let extractor = info
        .and_then(|info| info.extractor.as_deref())
        .unwrap_or_default();
    let dataset = family(name)?;
    let method = reduced(&row.variant);
    let described = reduced(&format!("{name} {extractor}"));
    let candidates = || {
        paper()
            .numbers
            .iter()
            .filter(|number| number.dataset == dataset && number.methods.contains(&method))
    };
    let same_features = |number: &&PublishedNumber| described.contains(&reduced(&number.features));
    let (published, comparable) = match candidates().find(same_features) {
        Some(published) => (published, true),
        None => (candidates().next()?, false),
    };
    let intervals = row.auc.mean_intervals(100.0);
    let reference = Reference {
        value: published.auc,
        margin: published.std.unwrap_or(SINGLE_NUMBER_MARGIN),
    };
    let agreement = comparable.then(|| agreement(intervals, reference));
    Some(Comparison {
        published,
        comparable,
        agreement,
    })
}

/// The verdict over the rows of a sweep.
pub fn verdict(comparisons: &[Option<Comparison>]) -> Verdict {
    let (mut within, mut differ, mut open) = (0, 0, 0);
    for agreement in comparisons
        .iter()
        .flatten()
        .filter_map(|comparison| comparison.agreement)
    {
        match agreement {
            Agreement::Within => within += 1,
            Agreement::Above | Agreement::Below => differ += 1,
            Agreement::Undecided | Agreement::TooFew => open += 1,
        }
    }
    match (within, differ, open) {
        (0, 0, 0) => Verdict::NothingToCompare,
        (_, 0, 0) => Verdict::Reproduced,
        (0, _, 0) => Verdict::NotReproduced,
        (_, 0, _) | (0, _, _) => Verdict::Undecided,
        _ => Verdict::Partly,
    }
}

/// Which of the paper's data sets a name means.
pub fn family(dataset: &str) -> Option<&'static str> {
    let name = reduced(dataset);
    if name.contains("ucfcrime") {
        Some("ucf-crime")
    } else if name.contains("shanghaitech") {
        Some("shanghaitech")
    } else {
        None
    }
}

/// Lower-case letters and digits alone, so that `GCL_{w/oNL}` and `gcl-wo-nl` are one name.
fn reduced(name: &str) -> String {
    name.chars()
        .filter(char::is_ascii_alphanumeric)
        .map(|letter| letter.to_ascii_lowercase())
        .collect()
}

impl Verdict {
    /// The heading of the verdict box.
    pub fn name(self) -> &'static str {
        match self {
            Self::Reproduced => "Reproduced",
            Self::Partly => "Partly reproduced",
            Self::NotReproduced => "Not reproduced",
            Self::Undecided => "Undecided",
            Self::NothingToCompare => "Nothing to compare with",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_numbers_read_and_are_complete() {
        let text = include_str!("../published/generative-cooperative-learning.toml");
        let paper: Publication = toml::from_str(text).unwrap();
        assert!(
            paper
                .numbers
                .iter()
                .all(|number| (50.0..=100.0).contains(&number.auc))
        );
        assert!(
            paper
                .numbers
                .iter()
                .all(|number| family(&number.dataset) == Some(&number.dataset))
        );
        // Table 1, counted by hand: 7 one-class and 17 weakly supervised numbers on UCF-Crime, 12 and 12 on ShanghaiTech.
        let others = |dataset: &str| {
            paper
                .numbers
                .iter()
                .filter(|number| number.methods.is_empty() && number.dataset == dataset)
                .count()
        };
        assert_eq!((others("ucf-crime"), others("shanghaitech")), (24, 24));
    }

    #[test]
    fn means_over_seeds_come_before_single_numbers() {
        let first = paper()
            .numbers
            .iter()
            .find(|number| number.methods.contains(&"gclpt".to_owned()))
            .unwrap();
        assert_eq!((first.auc, first.std), (70.13, Some(0.52)));
    }
}
