//! Scores per frame: what histograms and ROC curves are made of.

use metrics::Roc;
use sweeps::Value;

use super::series::Network;
use crate::results::{CellScores, SweepResults};

/// Frames of one score: its value, and how many normal and anomalous frames have it.
pub(super) struct Scored {
    pub(super) origin: Origin,
    /// Ascending by score.
    frames: Vec<(f64, u64, u64)>,
}

/// Whose scores they are.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Origin {
    pub(super) variant: String,
    pub(super) point: Vec<Option<Value>>,
    pub(super) seed: u64,
    pub(super) network: Network,
}

impl Origin {
    /// Variant, swept values and network: `GCL_B · 33: D`.
    pub(super) fn label(&self) -> String {
        format!(
            "{}: {}",
            named(&self.variant, &self.point),
            self.network.name()
        )
    }
}

impl Origin {
    /// The same without the value of a column, which stands elsewhere.
    pub(super) fn label_without(&self, column: Option<usize>) -> String {
        let mut point = self.point.clone();
        if let Some(value) = column.and_then(|column| point.get_mut(column)) {
            *value = None;
        }
        format!("{}: {}", named(&self.variant, &point), self.network.name())
    }
}

/// The scores of the first cell of each variant and point that has any, D's before G's.
pub(super) fn scored(results: &SweepResults) -> Vec<Scored> {
    let mut labels: Vec<String> = Vec::new();
    let mut all = Vec::new();
    for scores in &results.scores {
        let Some(result) = results.cells.get(scores.cell) else {
            continue;
        };
        let label = label(results, scores.cell);
        if labels.contains(&label) {
            continue;
        }
        labels.push(label.clone());
        for network in Network::BOTH {
            let frames = frames(scores, network);
            if !frames.is_empty() {
                all.push(Scored {
                    origin: Origin {
                        variant: result.cell.variant.clone(),
                        point: result.cell.point.clone(),
                        seed: result.cell.job.seed,
                        network,
                    },
                    frames,
                });
            }
        }
    }
    all
}

/// Variant and swept values of a cell.
pub(super) fn label(results: &SweepResults, cell: usize) -> String {
    let cell = &results.cells[cell].cell;
    named(&cell.variant, &cell.point)
}

fn named(variant: &str, point: &[Option<Value>]) -> String {
    let values: Vec<String> = point.iter().flatten().map(ToString::to_string).collect();
    if values.is_empty() {
        variant.to_owned()
    } else {
        format!("{variant} · {}", values.join(" · "))
    }
}

fn frames(scores: &CellScores, network: Network) -> Vec<(f64, u64, u64)> {
    let mut frames = Vec::new();
    for video in &scores.videos {
        let values = match network {
            Network::Discriminator => &video.d,
            Network::Generator => &video.g,
        };
        for (score, segment) in values.iter().zip(&video.segments) {
            if score.is_finite() && segment.frames > 0 {
                frames.push((
                    f64::from(*score),
                    u64::from(segment.frames.saturating_sub(segment.anomalous)),
                    u64::from(segment.anomalous),
                ));
            }
        }
    }
    frames.sort_by(|left, right| left.0.total_cmp(&right.0));
    frames
}

impl Scored {
    /// Its frames, ascending by score: the score, normal frames, anomalous frames.
    pub(super) fn frames(&self) -> &[(f64, u64, u64)] {
        &self.frames
    }

    fn total(&self) -> (u64, u64) {
        self.frames
            .iter()
            .fold((0, 0), |(normal, anomalous), frame| {
                (normal + frame.1, anomalous + frame.2)
            })
    }

    /// What the histogram spans: probabilities their whole range, errors what there is.
    pub(super) fn range(&self) -> (f64, f64) {
        let (low, high) = (self.frames[0].0, self.frames[self.frames.len() - 1].0);
        if self.origin.network == Network::Discriminator && low >= 0.0 && high <= 1.0 {
            (0.0, 1.0)
        } else {
            (low, high)
        }
    }

    /// Where the histogram's last bar begins to hold all that is above: the largest score, unless the highest hundredth of
    /// both classes lies so far out that it would squeeze the others together.
    pub(super) fn bulk(&self) -> f64 {
        let (low, high) = self.range();
        let (normal, anomalous) = self.total();
        let quantile = |count: fn(&(f64, u64, u64)) -> u64, all: u64| {
            let mut above = 0;
            let last = self.frames.iter().rev().find(|frame| {
                above += count(frame);
                above * 100 > all
            });
            last.map_or(low, |frame| frame.0)
        };
        let most = quantile(|frame| frame.1, normal).max(quantile(|frame| frame.2, anomalous));
        if self.origin.network == Network::Discriminator
            || high - low <= 1.5 * (most - low)
            || most <= low
        {
            high
        } else {
            most
        }
    }

    /// The ROC curve of its frames.
    pub(super) fn roc(&self) -> Roc {
        // The scores are 32-bit numbers, widened.
        let frames = self.frames.iter();
        Roc::new(frames.map(|(score, normal, anomalous)| (*score as f32, *anomalous, *normal)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_far_tail_does_not_squeeze_the_rest() {
        let scored = |tail: f64| Scored {
            origin: Origin {
                variant: String::new(),
                point: Vec::new(),
                seed: 0,
                network: Network::Generator,
            },
            frames: (0..200)
                .map(|index| (f64::from(index), 1, 1))
                .chain([(tail, 2, 2)])
                .collect(),
        };
        // 202 frames of a class: the highest hundredth is the two of the tail.
        assert!((scored(5000.0).bulk() - 199.0).abs() < 1e-12);
        assert!((scored(250.0).bulk() - 250.0).abs() < 1e-12);
        let binned = super::super::histograms::Histogram::of(&scored(5000.0));
        let counted: u64 = binned.bins.iter().map(|bin| bin.2).sum();
        assert_eq!(counted, 202, "no frame is left out");
        assert!((binned.bins[binned.bins.len() - 1].1 - 5000.0).abs() < 1e-12);
    }
}
