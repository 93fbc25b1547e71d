//! How much a job is told about its training videos, as Table 1 of the paper groups methods.

use sweeps::training::{Method, PretrainingWord};
use sweeps::{Parameters, Value};

use crate::results::SweepResults;
use crate::summary::SummaryRow;

/// What a method is told about the training split.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Supervision {
    /// Nothing.
    Unsupervised,
    /// Which videos are normal: a one-class classifier, or pre-training on normal videos alone.
    OneClass,
    /// A label of each video, or of a share of them.
    Weak,
}

impl Supervision {
    /// The supervision of a job; `None` where its settings are not known.
    pub fn of(parameters: &Parameters) -> Option<Self> {
        let method: Method = parameters.choice("method")?;
        let pretraining = parameters.choice("pretraining");
        let share = parameters
            .get("supervision_percent")
            .and_then(Value::as_float)
            .unwrap_or(0.0);
        Some(if method == Method::MilRanking || share > 0.0 {
            Self::Weak
        } else if method == Method::OneClassSvm || pretraining == Some(PretrainingWord::NormalOnly)
        {
            Self::OneClass
        } else {
            Self::Unsupervised
        })
    }

    /// The supervision of a row's jobs.
    pub(crate) fn of_row(results: &SweepResults, row: &SummaryRow) -> Option<Self> {
        Self::of(&row.first(results)?.cell.job.parameters)
    }

    /// The word in tables.
    pub fn name(self) -> &'static str {
        match self {
            Self::Unsupervised => "unsupervised",
            Self::OneClass => "one class",
            Self::Weak => "weak",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_kind_has_its_word() {
        let of = |settings: &[(&str, Value)]| {
            let mut given = Parameters::default();
            for (name, value) in settings {
                given.set(name, value).unwrap();
            }
            let dataset = sweeps::DatasetSource::Named("data".into());
            let job = sweeps::JobSpec::resolve(dataset, 0, &given);
            Supervision::of(&job.parameters).map(Supervision::name)
        };
        assert_eq!(of(&[]), Some("unsupervised"));
        assert_eq!(
            of(&[("pretraining", "temporal-difference".into())]),
            Some("unsupervised")
        );
        assert_eq!(
            of(&[("pretraining", "normal-only".into())]),
            Some("one class")
        );
        assert_eq!(of(&[("supervision_percent", 33.into())]), Some("weak"));
        assert_eq!(of(&[("method", "mil-ranking".into())]), Some("weak"));
        assert_eq!(of(&[("method", "one-class-svm".into())]), Some("one class"));
        assert_eq!(of(&[("method", "pca".into())]), Some("unsupervised"));
        assert_eq!(Supervision::of(&Parameters::default()), None);
    }
}
