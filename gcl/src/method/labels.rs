//! Scores to pseudo labels on the host (Eqs. 2 and 4): the threshold of the batch, soft labels (§4.2), and what known video-level
//! labels do to them (Fig. 9).

use std::collections::BTreeMap;

use sweeps::training::{PseudoLabels, Threshold as ThresholdRule, WeakSupervision};

use crate::method::threshold::{Threshold, soft_labels};

/// How the scores of a batch become labels.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct LabelRule {
    pub(crate) threshold: ThresholdRule,
    pub(crate) labels: PseudoLabels,
}

/// What the training may know of its videos.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Supervision<'a> {
    /// The video of each training row.
    pub(crate) video: &'a [u32],
    /// Per video its label, where it is known.
    pub(crate) known: &'a [Option<bool>],
    pub(crate) mode: WeakSupervision,
}

/// Labels of a batch on the host, and what was found on the way.
#[derive(Debug, PartialEq)]
pub(crate) struct HostLabels {
    /// In `[0, 1]`, `[b]`.
    pub(crate) values: Vec<f32>,
    pub(crate) threshold: Threshold,
    /// Whether all scores are finite. Labels of others mean nothing.
    pub(crate) finite: bool,
}

impl Default for HostLabels {
    /// None.
    fn default() -> Self {
        Self {
            values: Vec::new(),
            threshold: Threshold::default(),
            finite: true,
        }
    }
}

impl HostLabels {
    /// To none, with the buffer kept.
    pub(crate) fn clear(&mut self) {
        self.values.clear();
        (self.threshold, self.finite) = (Threshold::default(), true);
    }

    /// The threshold, where there are labels.
    pub(crate) fn threshold(&self) -> Option<f64> {
        (!self.values.is_empty()).then_some(self.threshold.value)
    }
}

impl Clone for HostLabels {
    fn clone(&self) -> Self {
        Self {
            values: self.values.clone(),
            ..*self
        }
    }

    /// Keeps the buffer.
    fn clone_from(&mut self, other: &Self) {
        self.values.clone_from(&other.values);
        (self.threshold, self.finite) = (other.threshold, other.finite);
    }
}

/// Labels `scores`, those of the training rows `rows`. `scratch` is overwritten.
pub(crate) fn label(
    scores: &[f32],
    rule: LabelRule,
    supervision: Option<Supervision<'_>>,
    rows: &[u32],
    scratch: &mut Vec<f32>,
    out: &mut HostLabels,
) {
    out.finite = scores.iter().all(|score| score.is_finite());
    out.threshold = Threshold::of(scores, rule.threshold, scratch);
    match rule.labels {
        PseudoLabels::Hard => out.threshold.labels(scores, &mut out.values),
        PseudoLabels::Soft => soft_labels(scores, &mut out.values),
    }
    if let Some(supervision) = supervision {
        supervise(supervision, rows, scores, &mut out.values);
    }
}

/// What a known video-level label does to pseudo labels: no positive in a normal video; with `mask-top` also the best-scored
/// row of the batch (the first of equals) of every anomalous video at 1.
fn supervise(supervision: Supervision<'_>, rows: &[u32], scores: &[f32], labels: &mut [f32]) {
    let video = |row: usize| supervision.video[rows[row] as usize];
    let known = |row: usize| supervision.known[video(row) as usize];
    for (row, label) in labels.iter_mut().enumerate() {
        if known(row) == Some(false) {
            *label = 0.0;
        }
    }
    if supervision.mode == WeakSupervision::MaskTop {
        let mut best: BTreeMap<u32, usize> = BTreeMap::new();
        for row in (0..labels.len()).filter(|row| known(*row) == Some(true)) {
            let top = best.entry(video(row)).or_insert(row);
            if scores[row] > scores[*top] {
                *top = row;
            }
        }
        for row in best.into_values() {
            labels[row] = 1.0;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn supervised(mode: WeakSupervision, labels: [f32; 5]) -> [f32; 5] {
        let supervision = Supervision {
            // Rows 10 and 11 are of a normal video, 12 and 13 of an anomalous one, 14 of an unknown one.
            video: &[9, 9, 9, 9, 9, 9, 9, 9, 9, 9, 0, 0, 1, 1, 2],
            known: &[Some(false), Some(true), None],
            mode,
        };
        let mut labels = labels;
        supervise(
            supervision,
            &[10, 12, 11, 13, 14],
            &[0.9, 0.1, 0.8, 0.2, 0.7],
            &mut labels,
        );
        labels
    }

    #[test]
    fn a_normal_video_has_no_positive() {
        let mask = |labels| supervised(WeakSupervision::Mask, labels);
        assert_eq!(mask([1.0; 5]), [0.0, 1.0, 0.0, 1.0, 1.0]);
        assert_eq!(mask([0.0; 5]), [0.0; 5]);
    }

    #[test]
    fn mask_top_keeps_the_best_row_of_an_anomalous_video() {
        assert_eq!(
            supervised(WeakSupervision::MaskTop, [0.0; 5]),
            [0.0, 0.0, 0.0, 1.0, 0.0]
        );
    }
}
