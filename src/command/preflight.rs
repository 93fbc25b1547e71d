//! What `plan`, `run` and `submit` find wrong before anything trains: data that cannot give what the sweep asks for are
//! refused, what is odd is said. All of it is pure over a sweep file and the data sets that this machine has.

use std::collections::{BTreeMap, BTreeSet};

use datasets::Dataset;
use sweeps::training::{Method, Pretraining};
use sweeps::{Cell, DatasetSource, Training};

use crate::command::memory::Shape;
use crate::command::sweep_file::SweepFile;
use crate::error::CommandError;
use crate::output::counted;
use crate::output::say;

/// With fewer steps an epoch a run learns little.
const FEW_STEPS: usize = 10;

/// Refuses what cannot work, says what is odd, and gives what was found.
///
/// # Errors
/// Data without the truth or the labels that jobs of this sweep need: each is said, and what to do.
pub fn check(file: &SweepFile) -> Result<Findings, CommandError> {
    let found = Findings::of(file);
    if !found.faults.is_empty() {
        return Err(CommandError::Input(found.faults.join("\n\n")));
    }
    for warning in &found.warnings {
        say(&format!("warning: {warning}"));
    }
    Ok(found)
}

/// Cells up to which comparisons are counted: the table of a larger grid decides nothing that a person reads.
const MOST_COUNTED: usize = 20_000;

/// A sweep that asks for comparisons and has so few seeds that no result could decide one: known before anything trains.
fn too_few_seeds(file: &SweepFile) -> Option<String> {
    let cells = &file.expansion.cells;
    let asked = file
        .spec
        .report
        .tables
        .iter()
        .any(|table| table != "mean-std");
    if !asked || cells.len() > MOST_COUNTED {
        return None;
    }
    let results = reports::SweepResults {
        columns: file.expansion.columns.clone(),
        cells: super::expected::expected(cells.iter()),
        report: reports::ReportRequest {
            reference: file.spec.report.reference.clone(),
            ..reports::ReportRequest::default()
        },
        ..reports::SweepResults::default()
    };
    let rows = reports::summary(&results);
    let family = reports::pairing::comparisons(&results, &rows).len();
    let seeds = rows.iter().map(|row| row.cells.len()).max()?;
    // What the clearest results would show: every seed on one side.
    let clearest = statistics::decide(&vec![0.1; seeds], statistics::Rule::of(family));
    clearest.needed.filter(|_| family > 0).map(|needed| {
        let reference = if file.spec.report.reference.is_none() && family > 1 {
            ", or name a `reference` variant under [report], which makes fewer comparisons"
        } else {
            ""
        };
        format!(
            "its report makes {}, and with {seeds} seeds no result could decide one of them: it takes {needed} seeds{reference}",
            counted(family, "comparison")
        )
    })
}

/// What was found.
#[derive(Debug, Default)]
pub struct Findings {
    /// What keeps jobs from having a result.
    pub faults: Vec<String>,
    /// What is odd, each once.
    pub warnings: Vec<String>,
    /// The data sets that this machine has or makes.
    pub shapes: BTreeMap<DatasetSource, Shape>,
}

impl Findings {
    /// Looks at the data sets that this machine has, and at every cell that uses them.
    pub fn of(file: &SweepFile) -> Self {
        let mut found = Self::default();
        let mut uses: BTreeMap<&DatasetSource, Uses> = BTreeMap::new();
        let mut last: Option<&Cell> = None;
        for cell in &file.expansion.cells {
            let like_last = last.is_some_and(|last| {
                last.variant == cell.variant
                    && last.job.dataset == cell.job.dataset
                    && last.job.parameters.shares(&cell.job.parameters)
            });
            if !like_last {
                let uses = uses.entry(&cell.job.dataset).or_default();
                uses.add(&cell.variant, &Training::of(&cell.job));
            }
            last = Some(cell);
        }
        let mut few = BTreeSet::new();
        for (source, uses) in &uses {
            found.of_name(file, source);
            file.with_dataset(source, |data| {
                let place = place(file, source);
                found.of_truth(&place, data);
                found.of_labels(&place, data, uses);
                let rows = data.train.segments() * data.train.crops();
                let shape = Shape {
                    train: rows as u64,
                    test: (data.test.segments() * data.test.crops()) as u64,
                    dimension: data.metadata.feature_dim,
                };
                found.shapes.insert((*source).clone(), shape);
                few.extend(uses.few_steps(rows));
            });
        }
        found.warnings.extend(few);
        found.warnings.extend(too_few_seeds(file));
        found
    }

    /// The data set of a folder that calls itself something else may be another one.
    fn of_name(&mut self, file: &SweepFile, source: &DatasetSource) {
        if let DatasetSource::Named(name) = source
            && let (Some(data), Some(folder)) = (file.datasets.get(name), file.folders.get(name))
            && data.metadata.name != *name
        {
            self.warnings.push(format!(
                "{} calls itself `{}`, and the sweep takes it for `{name}`: is it the data set that is meant? The report says so too; if it is, \
                 write name = \"{name}\" into its dataset.toml, which changes no digest",
                folder.display(),
                data.metadata.name
            ));
        }
    }

    /// An AUC needs frames of both kinds.
    fn of_truth(&mut self, place: &str, data: &Dataset) {
        let test = &data.test;
        let (anomalous, frames) = (test.anomalous_frames(), test.frames());
        let (unknown, videos) = (test.without_truth(), test.videos.len());
        let lacking =
            format!("{unknown} of {videos} test videos have neither a label nor anomalous frames");
        if anomalous == 0 || anomalous == frames {
            let kind = if anomalous == 0 { "no" } else { "only" };
            let lacking = if unknown > 0 {
                format!(" ({lacking})")
            } else {
                String::new()
            };
            self.faults.push(format!(
                "the test split of {place} has {kind} anomalous frames{lacking}: an AUC needs both kinds, so every job would train for nothing\n\n\
                 hint: test.csv names the anomalous frames of each video as from-to, joined by `;`, and label 0 where there are none; `gcl-sweep data inspect` counts them"
            ));
        } else if unknown > 0 {
            self.warnings.push(format!(
                "{place}: {lacking}; their frames count as normal in every metric"
            ));
        }
    }

    /// What is known of the training videos must be enough for what the jobs ask.
    fn of_labels(&mut self, place: &str, data: &Dataset, uses: &Uses) {
        let train = &data.train;
        let [normal, anomalous, unknown] =
            [Some(false), Some(true), None].map(|label| train.labelled(label));
        let lacking = [
            (
                &uses.labels,
                normal + anomalous == 0,
                "a label",
                "supervision_percent",
            ),
            (
                &uses.normal,
                normal == 0,
                "label 0 (normal)",
                "pretraining = \"normal-only\"",
            ),
            (
                &uses.both,
                normal == 0 || anomalous == 0,
                "label 0 (normal), and others with label 1 (anomalous)",
                "method = \"mil-ranking\"",
            ),
        ];
        for (variants, lacks, what, why) in lacking {
            if lacks && !variants.is_empty() {
                self.faults.push(format!(
                    "{} need{} training videos with {what} ({why}), and train.csv of {place} has none\n\n\
                     hint: fill its column `label`, or leave {} out of the sweep",
                    quoted(variants),
                    if variants.len() == 1 { "s" } else { "" },
                    if variants.len() == 1 {
                        "that variant"
                    } else {
                        "these variants"
                    },
                ));
            }
        }
        let using: BTreeSet<&String> = [&uses.labels, &uses.normal, &uses.both]
            .into_iter()
            .flatten()
            .collect();
        if unknown > 0 && normal + anomalous > 0 && !using.is_empty() {
            self.warnings.push(format!(
                "{place}: {unknown} of {} training videos have no label, and {} use{} labels: nothing is known of those videos",
                train.videos.len(),
                quoted(using.iter().copied()),
                if using.len() == 1 { "s" } else { "" },
            ));
        }
    }
}

/// What the cells of one data set ask of it.
#[derive(Debug, Default)]
struct Uses {
    /// Variants that need labels of training videos.
    labels: BTreeSet<String>,
    /// Variants that need normal ones.
    normal: BTreeSet<String>,
    /// Variants that need both classes.
    both: BTreeSet<String>,
    /// Variants with a batch size.
    batches: BTreeSet<(String, usize)>,
}

impl Uses {
    fn add(&mut self, variant: &str, training: &Training) {
        let note = |set: &mut BTreeSet<String>, needs: bool| {
            if needs && !set.contains(variant) {
                set.insert(variant.to_owned());
            }
        };
        note(&mut self.labels, training.supervision_percent > 0.0);
        note(
            &mut self.normal,
            training.pretraining == Pretraining::NormalOnly,
        );
        note(&mut self.both, training.method == Method::MilRanking);
        if training.method.has_batches() {
            self.batches
                .insert((variant.to_owned(), training.batch_size));
        }
    }

    /// One sentence for each variant that makes too few steps an epoch.
    fn few_steps(&self, rows: usize) -> impl Iterator<Item = String> {
        self.batches.iter().filter_map(move |(variant, batch)| {
            let steps = steps(rows, *batch);
            (steps < FEW_STEPS).then(|| {
                format!(
                    "`{variant}` makes {} an epoch; with fewer than {FEW_STEPS} a run learns little: lower batch_size, and let learning_rate grow as 1/width",
                    counted(steps, "step")
                )
            })
        })
    }
}

/// Steps of an epoch over so many rows.
pub fn steps(rows: usize, batch: usize) -> usize {
    (rows / batch.max(1)).max(1)
}

/// A data set for a message: its name in the sweep, and its folder.
fn place(file: &SweepFile, source: &DatasetSource) -> String {
    let folder = match source {
        DatasetSource::Named(name) => file.folders.get(name),
        _ => None,
    };
    folder.map_or_else(
        || format!("`{source}`"),
        |folder| format!("`{source}` ({})", folder.display()),
    )
}

fn quoted<'a>(names: impl IntoIterator<Item = &'a String>) -> String {
    let names: Vec<String> = names.into_iter().map(|name| format!("`{name}`")).collect();
    names.join(", ")
}
