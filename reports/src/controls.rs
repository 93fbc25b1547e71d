//! A sweep and its controls, apart: what learns nothing competes with nothing, so that no comparison, no figure and no factor sees it.

use std::borrow::Cow;
use std::collections::BTreeMap;

use sweeps::training::Control;

use crate::generated;
use crate::results::{CellScores, SweepResults};
use crate::summary::{SummaryRow, summary};
use crate::supervision::Supervision;

/// A sweep without its controls, and these.
pub(crate) struct Split<'a> {
    /// Everything, as it came.
    pub(crate) whole: &'a SweepResults,
    /// Without controls; the whole sweep where it has nothing else.
    pub(crate) rest: Cow<'a, SweepResults>,
    /// The controls.
    pub(crate) controls: Vec<ControlRow>,
}

/// A control on a data set.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct ControlRow {
    pub(crate) control: Control,
    /// The data set's name.
    pub(crate) dataset: String,
    /// Its numbers; its cells are those of the whole sweep.
    pub(crate) row: SummaryRow,
}

impl<'a> Split<'a> {
    pub(crate) fn of(whole: &'a SweepResults) -> Self {
        let is_control: Vec<bool> = whole
            .cells
            .iter()
            .map(|result| result.cell.control().is_some())
            .collect();
        if is_control.iter().all(|is_control| *is_control) || !is_control.contains(&true) {
            return Self {
                whole,
                rest: Cow::Borrowed(whole),
                controls: Vec::new(),
            };
        }
        let controls = summary(whole)
            .into_iter()
            .filter_map(|row| {
                let cell = &row.first(whole)?.cell;
                Some(ControlRow {
                    control: cell.control()?,
                    dataset: generated::of_row(whole, &row),
                    row,
                })
            })
            .collect();
        Self {
            whole,
            rest: Cow::Owned(without(whole, &is_control)),
            controls,
        }
    }
}

/// The sweep without some of its cells.
fn without(whole: &SweepResults, leave_out: &[bool]) -> SweepResults {
    let mut places = BTreeMap::new();
    let mut cells = Vec::new();
    for (index, (result, leave_out)) in whole.cells.iter().zip(leave_out).enumerate() {
        if !leave_out {
            places.insert(index, cells.len());
            cells.push(result.clone());
        }
    }
    let scores = whole.scores.iter().filter_map(|scores| {
        Some(CellScores {
            cell: *places.get(&scores.cell)?,
            ..scores.clone()
        })
    });
    let lost = whole.lost_curves.iter();
    SweepResults {
        scores: scores.collect(),
        lost_curves: lost
            .filter_map(|(index, curve)| Some((*places.get(index)?, *curve)))
            .collect(),
        cells,
        name: whole.name.clone(),
        description: whole.description.clone(),
        source_text: whole.source_text.clone(),
        source_path: whole.source_path.clone(),
        datasets: whole.datasets.clone(),
        columns: whole.columns.clone(),
        report: whole.report.clone(),
        command: whole.command.clone(),
        version: whole.version.clone(),
        notes: whole.notes.clone(),
        video_intervals: whole.video_intervals.clone(),
        lost_s: whole.lost_s,
        facts: whole.facts.clone(),
        cards: whole.cards.clone(),
        warnings_lost: whole.warnings_lost,
        claims: whole.claims.clone(),
        rehearsal: whole.rehearsal,
    }
}

/// A control that is ahead of every unsupervised row of its data set.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Ahead<'a> {
    pub(crate) control: &'a ControlRow,
    /// The best unsupervised row, by index.
    pub(crate) best: usize,
    /// Whether it is known to be unsupervised: from a table alone no row is.
    pub(crate) known: bool,
}

/// The controls that are ahead of the best unsupervised row of their data set, the furthest first, one data set after the other. Where of no row of a
/// data set it is known what it was told, the best of all is taken.
pub(crate) fn ahead<'a>(
    results: &SweepResults,
    rows: &[SummaryRow],
    controls: &'a [ControlRow],
) -> Vec<Ahead<'a>> {
    // Of each data set the best row, and whether it is known to be unsupervised: one that is goes before any that is not.
    let mut best: BTreeMap<String, (bool, usize)> = BTreeMap::new();
    for (index, row) in rows.iter().enumerate() {
        let Some(mean) = row.auc.mean else {
            continue;
        };
        let known = match Supervision::of_row(results, row) {
            Some(Supervision::Unsupervised) => true,
            None => false,
            Some(_) => continue,
        };
        let name = generated::of_row(results, row);
        let kept = best.entry(name).or_insert((known, index));
        let is_better = rows[kept.1].auc.mean.is_none_or(|other| mean > other);
        if (known && !kept.0) || (known == kept.0 && is_better) {
            *kept = (known, index);
        }
    }
    let mut found: Vec<Ahead<'a>> = controls
        .iter()
        .filter_map(|control| {
            let (known, best) = *best.get(&control.dataset)?;
            let ahead = control.row.auc.mean? > rows[best].auc.mean?;
            ahead.then_some(Ahead {
                control,
                best,
                known,
            })
        })
        .collect();
    let order = |dataset: &str| {
        controls
            .iter()
            .position(|control| control.dataset == dataset)
    };
    let auc = |ahead: &Ahead<'_>| ahead.control.row.auc.mean.unwrap_or_default();
    found.sort_by(|left, right| {
        order(&left.control.dataset)
            .cmp(&order(&right.control.dataset))
            .then_with(|| auc(right).total_cmp(&auc(left)))
    });
    found
}

/// What a control is, as the subject of a sentence.
pub(crate) fn subject(control: Control) -> &'static str {
    match control {
        Control::Length => "the length of the video alone, without any feature,",
        Control::Place => "the place in the video alone, without any feature,",
        Control::PlaceLength => "place in and length of the video alone, without any feature,",
        Control::Norm => "the norm of the feature alone",
        Control::TemporalDifference => {
            "the distance of the feature to the one before it, without any learning,"
        }
        Control::Pca => "the residual of principal components",
        Control::Knn => "the distance to the nearest training segments",
    }
}

/// What the score of a control is.
pub(crate) fn formula(control: Control) -> &'static str {
    match control {
        Control::Length => "−n for every frame of a video of n frames",
        Control::Place => "min(i, n − 1 − i)/n for frame i of n",
        Control::PlaceLength => "min(i, n − 1 − i)/n² for frame i of n",
        Control::Norm => "‖f‖",
        Control::TemporalDifference => "‖f(t) − f(t − 1)‖, 0 in the first segment of a video",
        Control::Pca => "‖f − projection of f‖ on the components that explain most of the variance",
        Control::Knn => "mean distance of f to its nearest training segments",
    }
}
