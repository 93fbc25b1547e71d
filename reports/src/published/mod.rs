//! What the paper printed, and how our runs lie to it.
//!
//! The numbers are data (`reports/published/*.toml`). A row of ours is judged against one only where its jobs have the
//! published settings, on the published data set with the published features and split; elsewhere the row says in what it
//! differs. Reading order: `number` (the data), `protocol` (what differs), this file (the verdict).

mod number;
mod protocol;

pub use number::{
    Publication, PublishedFeatures, PublishedNumber, PublishedSplit, Tolerance, paper,
};
pub use protocol::{
    DataDifference, Difference, data_difference, differences, published_parameters,
};

use sweeps::{Cell, DatasetSource, Parameters};

use crate::results::{DatasetInfo, SweepResults};
use crate::summary::SummaryRow;
use statistics::{Agreement, Reference, agreement};

/// Half the width, in AUC points, of the band around a published number that comes without a spread.
pub const SINGLE_NUMBER_MARGIN: f64 = 1.0;
/// Settings that make a method, as opposed to how it is trained: a row that differs in one of them has no number.
const IDENTITY: [&str; 5] = [
    "method",
    "pretraining",
    "supervision_percent",
    "negative_learning.target",
    "pseudo_labels",
];
/// Of these, a row may differ in so many from its nearest number and still have it named.
const NEAR: usize = 1;

/// A row of ours beside the published number.
#[derive(Debug, Clone, PartialEq)]
pub struct Comparison {
    /// The number of the same settings, or else the nearest: of settings that are not known, the one of the row's name.
    pub published: &'static PublishedNumber,
    /// Whether the row is of the number's method. The number of another method is named as the nearest, never shown beside
    /// the row.
    pub shown: bool,
    /// What differs from how the number was measured; empty where nothing is known to.
    pub differs: Vec<String>,
    /// What these results do not say: the comparison takes it to be the paper's.
    pub unknown: Vec<String>,
    /// Why a setting that is not the printed one stands in for it.
    pub tolerated: Vec<String>,
    /// Another number that the paper prints for the same settings; the row is held against both.
    pub also: Option<&'static PublishedNumber>,
    /// How our interval lies to it; `None` where something differs.
    pub agreement: Option<Agreement>,
}

impl Comparison {
    /// Whether the row is judged against the number.
    pub fn is_judged(&self) -> bool {
        self.agreement.is_some()
    }
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
    /// There is no published number for these data and settings.
    NothingToCompare,
}

/// The published number that belongs beside a row, if there is one. Synthetic data have none.
pub fn compare(
    results: &SweepResults,
    datasets: &[DatasetInfo],
    row: &SummaryRow,
) -> Option<Comparison> {
    let cell = &row.first(results)?.cell;
    let DatasetSource::Named(name) = &cell.job.dataset else {
        return None;
    };
    let info = datasets.iter().find(|info| info.name == *name);
    if info.is_some_and(|info| info.synthetic) {
        return None;
    }
    let family = family(name)?;
    let extractor = info
        .and_then(|info| info.extractor.as_deref())
        .unwrap_or_default();
    let described = reduced(&format!("{name} {extractor}"));
    let Candidate {
        number,
        published,
        differences,
        ..
    } = candidate(results, cell, family, &described)?;
    let mut comparison = Comparison {
        published: number,
        shown: true,
        differs: Vec::new(),
        unknown: Vec::new(),
        tolerated: Vec::new(),
        also: None,
        agreement: None,
    };
    if differences.iter().any(is_identity) {
        // The paper prints nothing for such a row: how else it is trained does not matter.
        let identity = differences.iter().filter(|found| is_identity(found));
        comparison.shown = false;
        comparison.differs = identity.map(|found| found.words(&number.name)).collect();
        return Some(comparison);
    }
    let mut differs: Vec<String> = differences
        .iter()
        .map(|difference| difference.words("paper"))
        .collect();
    if !described.contains(&reduced(&number.features)) {
        differs.push(format!(
            "other features than {}, which the number was measured on",
            number.features
        ));
    }
    if let Some(own) = info.and_then(|info| info.own_name.as_deref())
        && self::family(own) != Some(family)
    {
        differs.push(format!("a data set that calls itself {own}"));
    }
    if results.rehearsal {
        differs.push("a rehearsal on stand-ins, no result".to_owned());
    }
    let data = data_difference(paper(), number, info);
    differs.extend(data.differs);
    if !cell.job.parameters.contains("method") {
        comparison
            .unknown
            .push("settings that are not swept".to_owned());
    }
    comparison.unknown.extend(data.unknown);
    comparison.tolerated = cell
        .job
        .parameters
        .iter()
        .filter(|(name, value)| published.get(name).is_some_and(|printed| printed != *value))
        .filter_map(|(name, value)| {
            let reason = paper().tolerance(family, name, value)?;
            Some(format!("{name} = {value}: {reason}"))
        })
        .collect();
    if differs.is_empty() {
        let (nearest, also, agreement) = nearer(row, number);
        comparison.published = nearest;
        comparison.also = also;
        comparison.agreement = Some(agreement);
    }
    comparison.differs = differs;
    Some(comparison)
}

/// The paper prints a mean over seeds in Fig. 10 and single numbers, above it, in its tables. Of the numbers that were
/// measured alike: the one that the row is equal to, if any, else the first; and the other one.
fn nearer(
    row: &SummaryRow,
    first: &'static PublishedNumber,
) -> (
    &'static PublishedNumber,
    Option<&'static PublishedNumber>,
    Agreement,
) {
    let other = paper().numbers.iter().find(|other| {
        !std::ptr::eq(*other, first)
            && other.dataset == first.dataset
            && other.features == first.features
            && other.settings == first.settings
            && other.settings.is_some()
    });
    let ours = judge(row, first);
    match other.map(|other| (other, judge(row, other))) {
        Some((other, Agreement::Within)) if ours != Agreement::Within => {
            (other, Some(first), Agreement::Within)
        }
        // Between the two numbers it is neither above both nor below both.
        Some((other, theirs)) if theirs != ours && ours != Agreement::Within => {
            (first, Some(other), Agreement::Undecided)
        }
        found => (first, found.map(|(other, _)| other), ours),
    }
}

/// How a row's mean lies to the number. A deterministic row has no interval: its one value lies in the band or does not.
fn judge(row: &SummaryRow, number: &PublishedNumber) -> Agreement {
    let reference = Reference {
        value: number.auc,
        margin: number.std.unwrap_or(SINGLE_NUMBER_MARGIN),
    };
    match row.auc.mean.filter(|_| row.deterministic) {
        Some(value) if value * 100.0 > reference.value + reference.margin => Agreement::Above,
        Some(value) if value * 100.0 < reference.value - reference.margin => Agreement::Below,
        Some(_) => Agreement::Within,
        None => agreement(row.auc.mean_intervals(100.0), reference),
    }
}

/// The number that a cell is held against.
struct Candidate {
    number: &'static PublishedNumber,
    /// The parameters of its jobs.
    published: Parameters,
    named: bool,
    differences: Vec<Difference>,
}

/// Whether it makes another method, not another run of the same.
fn is_identity(difference: &Difference) -> bool {
    IDENTITY.contains(&difference.parameter.as_str())
}

fn candidate(
    results: &SweepResults,
    cell: &Cell,
    family: &str,
    described: &str,
) -> Option<Candidate> {
    let method = reduced(&cell.variant);
    let known = cell.job.parameters.contains("method");
    let ours = if known {
        cell.job.parameters.clone()
    } else {
        swept_parameters(results, cell)
    };
    let mut candidates: Vec<Candidate> = paper()
        .numbers
        .iter()
        .filter(|number| number.dataset == family)
        .filter_map(|number| {
            let published = published_parameters(number)?;
            let mut differences = differences(paper(), number, &published, &ours);
            if !known {
                // Of the parameters that these results know, and of no other.
                differences.retain(|difference| ours.contains(&difference.parameter));
            }
            Some(Candidate {
                named: number.methods.contains(&method),
                number,
                published,
                differences,
            })
        })
        // Another method is no nearer for having fewer parameters that differ.
        .filter(|candidate| known || candidate.named)
        .filter(|candidate| {
            let mut differences = candidate.differences.iter();
            !differences.any(|difference| difference.parameter == "method")
        })
        .collect();
    let identity = |candidate: &Candidate| {
        let differences = candidate.differences.iter();
        differences.filter(|found| is_identity(found)).count()
    };
    // Sorting is stable: of equal candidates the first stands, which has a spread where the paper prints one.
    candidates.sort_by_key(|candidate| {
        let features = described.contains(&reduced(&candidate.number.features));
        (
            identity(candidate),
            !candidate.differences.is_empty(),
            !candidate.named,
            !features,
            candidate.differences.len(),
        )
    });
    let best = candidates.into_iter().next()?;
    (identity(&best) <= NEAR).then_some(best)
}

/// The parameters among the swept columns: all that a table of results knows of its jobs.
fn swept_parameters(results: &SweepResults, cell: &Cell) -> Parameters {
    let mut parameters = Parameters::default();
    for (column, value) in results.columns.iter().zip(&cell.point) {
        if let Some(value) = value {
            // A column that is no parameter, or a table that was read back as a text, says nothing of the settings.
            let _ = parameters.set(column, value);
        }
    }
    parameters
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
            Self::NothingToCompare => "Not comparable with the paper",
        }
    }
}
