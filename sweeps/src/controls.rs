//! The controls that `[report] controls = true` adds to a sweep: each scores every data set of it once.
//!
//! The first of a data set also says what kind of data it is (`artifacts.data_card`).
//!
//! A control learns nothing and draws nothing, so that it is one job of seconds for all seeds. It is no variant of the file and no
//! competitor of one: reports show the controls below the table, and compare nothing with them but the best unsupervised row.

use std::collections::BTreeSet;

use crate::cell::{Cell, Reporting};
use crate::choice::Choice;
use crate::job::JobSpec;
use crate::parameters::Parameters;
use crate::spec::Settings;
use crate::training::choices::{Method, Switch};
use crate::training::controls::Control;
use crate::value::Value;

/// What the names of their cells begin with: `control: length`.
pub const PREFIX: &str = "control: ";
/// What the first control of a data set is asked for beside its scores.
const CARD: &str = "artifacts.data_card";
/// Keys of `[job]` that they take over.
pub(crate) const FROM_JOB: [&str; 2] = ["knn.neighbours", "pca.variance_share"];

impl Control {
    /// The name of its cells where `[report]` adds them.
    pub fn variant(self) -> String {
        format!("{PREFIX}{}", self.word())
    }
}

impl Cell {
    /// Which control it shows, if any: whether the report added it or the file names it. Of a cell whose settings are not known its name
    /// tells.
    pub fn control(&self) -> Option<Control> {
        let parameters = &self.job.parameters;
        match parameters.choice("method") {
            Some(Method::Control) => parameters.choice("control"),
            Some(_) => None,
            None => Control::of_word(self.variant.strip_prefix(PREFIX)?),
        }
    }
}

/// The controls of every data set of `cells`, with what they were given: scaled and reported as its first cell is. One that the
/// file names itself is not added again. Where each seed has data of its own, a control has those seeds.
pub(crate) fn of(cells: &[Cell], base: &Settings, data_per_seed: bool) -> Vec<(Cell, Parameters)> {
    let named: Vec<&Cell> = cells
        .iter()
        .filter(|cell| cell.control().is_some())
        .collect();
    let (mut seen, mut made_all) = (BTreeSet::new(), Vec::new());
    let mut last = None;
    for cell in cells {
        // Neighbours share their data set, mostly.
        if last == Some(&cell.job.dataset) {
            continue;
        }
        last = Some(&cell.job.dataset);
        if !seen.insert(&cell.job.dataset) {
            continue;
        }
        let seed = if data_per_seed { cell.job.seed } else { 0 };
        let mut has_card = false;
        for control in Control::ALL {
            let mut given = given(*control, cell, base);
            let made_of = made(*control, cell, seed, &given);
            let is_same = |other: &&Cell| {
                (&other.job.dataset, &other.job.parameters, other.reporting)
                    == (
                        &made_of.job.dataset,
                        &made_of.job.parameters,
                        made_of.reporting,
                    )
            };
            if named.iter().any(is_same) {
                continue;
            }
            // One job of each data set says what kind of data it is.
            if std::mem::replace(&mut has_card, true) {
                made_all.push((made_of, given));
            } else {
                given.set_checked(CARD, Value::from(Switch::On.word()));
                made_all.push((made(*control, cell, seed, &given), given));
            }
        }
    }
    made_all
}

/// The cell of a control beside `cell`.
fn made(control: Control, cell: &Cell, seed: u64, given: &Parameters) -> Cell {
    Cell {
        variant: control.variant(),
        point: Vec::new(),
        job: JobSpec::resolve(cell.job.dataset.clone(), seed, given),
        reporting: Reporting::of(given),
    }
}

/// The settings of a control beside `cell`.
fn given(control: Control, cell: &Cell, base: &Settings) -> Parameters {
    let mut given = Parameters::default();
    given.set_checked("method", Value::from(Method::Control.word()));
    given.set_checked("control", Value::from(control.word()));
    if let Some(scaling) = cell.job.parameters.get("feature_scaling") {
        given.set_checked("feature_scaling", scaling.clone());
    }
    for name in FROM_JOB {
        if let Some(setting) = base.get(name) {
            given.set_checked(name, setting.value.clone());
        }
    }
    if cell.reporting.score_smoothing > 0.0 {
        let sigma = Value::Float(cell.reporting.score_smoothing);
        given.set_checked("score_smoothing", sigma);
    }
    if let Some(segments) = cell.reporting.clip_segments {
        let segments = Value::Integer(i64::from(segments));
        given.set_checked("evaluation.clip_segments", segments);
    }
    given
}
