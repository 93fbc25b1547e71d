//! The numbers behind lines: AUCs per epoch of each seed, and their mean and spread.

use sweeps::{EpochPoint, JobStatus, Phase};

use crate::files::curve;
use crate::results::SweepResults;
use crate::statistics::{mean, sample_std};
use crate::summary::SummaryRow;

/// Which network's score.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Network {
    Discriminator,
    Generator,
}

/// One seed's AUC in percent over the epochs of the main phase.
#[derive(Debug, Clone)]
pub(super) struct SeedCurve {
    pub(super) done: bool,
    pub(super) points: Vec<(u32, f64)>,
}

/// Mean and spread of the finished seeds at one epoch.
#[derive(Debug, Clone, Copy)]
pub(super) struct Band {
    pub(super) epoch: u32,
    pub(super) mean: f64,
    pub(super) std: Option<f64>,
}

impl Network {
    pub(super) const BOTH: [Self; 2] = [Self::Discriminator, Self::Generator];

    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Discriminator => "D",
            Self::Generator => "G",
        }
    }

    pub(super) fn auc(self, point: &EpochPoint) -> Option<f64> {
        match self {
            Self::Discriminator => point.auc_d,
            Self::Generator => point.auc_g,
        }
    }
}

/// The curves of a row's seeds that have any, finished or running; failed ones too, as far as they came.
pub(super) fn seed_curves(
    results: &SweepResults,
    row: &SummaryRow,
    auc: impl Fn(usize, &EpochPoint) -> Option<f64>,
) -> Vec<SeedCurve> {
    row.cells
        .iter()
        .filter_map(|index| {
            let result = &results.cells[*index];
            let points: Vec<(u32, f64)> = curve(result)
                .iter()
                .filter(|point| point.phase == Phase::Train)
                .filter_map(|point| Some((point.epoch, auc(*index, point)? * 100.0)))
                .filter(|(_, auc)| auc.is_finite())
                .collect();
            (!points.is_empty()).then(|| SeedCurve {
                done: result.status == JobStatus::Done,
                points,
            })
        })
        .collect()
}

/// Mean and spread per epoch over the finished seeds. An epoch that one of them lacks has none: a mean over whoever is left
/// would bend where a seed ends.
pub(super) fn bands(curves: &[SeedCurve]) -> Vec<Band> {
    let done: Vec<&SeedCurve> = curves.iter().filter(|curve| curve.done).collect();
    let mut by_epoch: std::collections::BTreeMap<u32, Vec<f64>> = std::collections::BTreeMap::new();
    for curve in &done {
        for (epoch, auc) in &curve.points {
            by_epoch.entry(*epoch).or_default().push(*auc);
        }
    }
    by_epoch
        .into_iter()
        .filter(|(_, values)| values.len() == done.len())
        .filter_map(|(epoch, values)| {
            Some(Band {
                epoch,
                mean: mean(&values)?,
                std: sample_std(&values),
            })
        })
        .collect()
}
