//! Reading the CSV files back, so that a report can be made where nothing else is left.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use sweeps::{
    AttemptNumber, Cell, CellResult, DatasetSource, DeviceInfo, Digest, EpochPoint, FinalMetrics,
    JobId, JobSpec, JobStatus, Outcome, Parameters, Phase, Provenance, Reporting, RunRecord,
    ScoreBy, ScoreMetrics,
};

use super::about::{About, LOST};
use super::csv_file::{CsvFile, Extra, Fields};
use super::{EPOCH_COLUMNS, RESULT_COLUMNS};
use crate::error::ReportError;
use crate::results::{LostCurve, SweepResults};

/// The columns that tell a cell from the others, beside the swept ones.
const CELL_KEY: [&str; 4] = ["sweep", "variant", "seed", "job_id"];
/// Sweeps of tables, and what of the tables was passed over.
#[derive(Debug)]
pub struct Tables {
    /// The sweeps, in the order of the table.
    pub sweeps: Vec<SweepResults>,
    /// What was not read, a sentence each.
    pub notes: Vec<String>,
}

/// The sweeps of [`read_tables`].
pub fn read_csv(path: &Path) -> Result<Vec<SweepResults>, ReportError> {
    Ok(read_tables(path)?.sweeps)
}

/// Reads `results.csv` and, where they are there, `epochs.csv` and `sweep.json` of a folder; a path to `epochs.csv` means its folder, a path to another
/// table reads that table in the place of `results.csv`. The tables alone know no hyper-parameters beyond the swept ones, no warnings and no
/// data sets; `sweep.json` does, and without it the report says so.
pub fn read_tables(path: &Path) -> Result<Tables, ReportError> {
    let (folder, path) = places(path);
    let about = About::read(&folder)?;
    let swept = about.as_ref().map(About::columns).unwrap_or_default();
    let results = CsvFile::read_with(&path, &RESULT_COLUMNS, Extra::Swept(&swept))?;
    let mut notes = results.notes.clone();
    let mut curves = read_epochs(&folder, &swept, &mut notes)?;
    let mut sweeps: Vec<SweepResults> = Vec::new();
    let mut seen: BTreeMap<Vec<String>, u64> = BTreeMap::new();
    for fields in results.lines() {
        if let Some(before) = seen.insert(fields.key_of(&["sweep", "variant", "seed"]), fields.line)
        {
            let why = match &notes[..] {
                [] => String::new(),
                notes => format!(" ({})", notes.join("; ")),
            };
            return Err(fields.fault(format!(
                "it is the cell of line {before} again: each cell of a sweep has one line{why}"
            )));
        }
        let name = fields.text("sweep");
        let index = sweeps
            .iter()
            .position(|sweep| sweep.name_in_tables() == name);
        let index = index.unwrap_or_else(|| {
            sweeps.push(empty_sweep(name, &results.extra));
            sweeps.len() - 1
        });
        let cell = read_cell(&fields, &mut curves)?;
        let sweep = &mut sweeps[index];
        if cell
            .record
            .as_ref()
            .is_some_and(|record| record.outcome.curve.is_empty())
            && let Some(epochs) = fields.whole("epochs")?
        {
            let lost = LostCurve {
                epochs,
                best_auc_d: fields.number("best_epoch_auc_d")?,
                best_auc_g: fields.number("best_epoch_auc_g")?,
            };
            sweep.lost_curves.insert(sweep.cells.len(), lost);
        }
        sweep.cells.push(cell);
    }
    if sweeps.is_empty() {
        return Err(ReportError::Csv {
            path,
            line: None,
            message: "the file has a header and no lines: there is nothing to report".to_owned(),
        });
    }
    if !curves.is_empty() {
        notes.push(format!(
            "{}: the epochs of {} cells are left out, since no line of {} is theirs",
            folder.join("epochs.csv").display(),
            curves.len(),
            path.display()
        ));
    }
    let known = match about {
        Some(about) => about.tell(&folder, &mut sweeps)?,
        None => false,
    };
    let lost = sweeps.iter().flat_map(|sweep| &sweep.notes);
    notes.extend(lost.filter(|note| note.starts_with(LOST)).cloned());
    for sweep in &mut sweeps {
        let note = if known { WITH_ABOUT } else { TABLES_ALONE };
        // What was read is written again when a report is made of it, and read again: one note is enough.
        let noted = [TABLES_ALONE, WITH_ABOUT];
        if !sweep
            .notes
            .iter()
            .any(|other| noted.contains(&other.as_str()))
        {
            sweep.notes.push(note.to_owned());
        }
    }
    Ok(Tables { sweeps, notes })
}

/// The folder that a path means, and the table of results.
fn places(path: &Path) -> (PathBuf, PathBuf) {
    let is_table = path.extension().is_some_and(|extension| extension == "csv") || path.is_file();
    if !is_table {
        return (path.to_owned(), path.join("results.csv"));
    }
    let folder = path.parent().unwrap_or(path).to_owned();
    match path.file_name() {
        Some(name) if name == "epochs.csv" => (folder.clone(), folder.join("results.csv")),
        _ => (folder, path.to_owned()),
    }
}

const TABLES_ALONE: &str = "This report was made from CSV files alone: hyper-parameters beyond the swept ones, warnings and data sets are not known.";
const WITH_ABOUT: &str = "This report was made from CSV files and sweep.json: the settings of its jobs are those of the sweep file in it.";

/// A sweep of which only its name and columns are known.
fn empty_sweep(name: &str, columns: &[String]) -> SweepResults {
    SweepResults {
        columns: columns.to_vec(),
        version: format!("gcl-sweep {}", env!("CARGO_PKG_VERSION")),
        warnings_lost: true,
        ..SweepResults::of_name_in_tables(name)
    }
}

/// Epochs by sweep, variant, seed, job and point.
type Curves = BTreeMap<Vec<String>, Vec<EpochPoint>>;

fn read_epochs(
    folder: &Path,
    swept: &BTreeSet<String>,
    notes: &mut Vec<String>,
) -> Result<Curves, ReportError> {
    let path = folder.join("epochs.csv");
    if !path.exists() {
        return Ok(Curves::new());
    }
    let mut curves = Curves::new();
    // Lines of one cell lie together, mostly: its key is made once.
    let mut texts: Vec<String> = Vec::new();
    let mut last: Option<(Vec<String>, Vec<EpochPoint>)> = None;
    let file = CsvFile::stream(&path, &EPOCH_COLUMNS, Extra::Swept(swept), |fields| {
        let phase = match fields.text("phase").trim() {
            "pretrain-generator" => Phase::PretrainGenerator,
            "pretrain-discriminator" => Phase::PretrainDiscriminator,
            "train" => Phase::Train,
            other => return Err(fields.fault(format!("`{other}` is no phase"))),
        };
        let epoch = fields.whole("epoch")?.unwrap_or(0);
        let point = EpochPoint {
            auc_d: fields.fraction("auc_d")?,
            auc_g: fields.fraction("auc_g")?,
            loss_d: fields.number("loss_d")?,
            loss_g: fields.number("loss_g")?,
            positive_share_g: fields.number("positive_share_g")?,
            positive_share_d: fields.number("positive_share_d")?,
            agreement_gd: fields.number("agreement_gd")?,
            agreement_truth: fields.number("agreement_truth")?,
            ..EpochPoint::new(phase, epoch)
        };
        match &mut last {
            Some((_, points)) if fields.has_texts(&CELL_KEY, &texts) => points.push(point),
            _ => {
                texts = fields.texts_of(&CELL_KEY);
                let begun = (fields.key_of(&CELL_KEY), vec![point]);
                if let Some((key, points)) = last.replace(begun) {
                    curves.entry(key).or_default().extend(points);
                }
            }
        }
        Ok(())
    })?;
    if let Some((key, points)) = last {
        curves.entry(key).or_default().extend(points);
    }
    notes.extend(file.notes);
    Ok(curves)
}

fn read_cell(fields: &Fields<'_>, curves: &mut Curves) -> Result<CellResult, ReportError> {
    let word = fields.text("status").trim();
    let status = JobStatus::ALL
        .into_iter()
        .find(|status| status.name() == word)
        .ok_or_else(|| fields.fault(format!("`{word}` is no status")))?;
    let seed: u64 = fields
        .whole("seed")?
        .ok_or_else(|| fields.fault("the seed is empty".to_owned()))?;
    let job_id: JobId = fields
        .text("job_id")
        .trim()
        .parse()
        .map_err(|error| fields.fault(format!("job_id: {error}")))?;
    let score = |suffix: &str| -> Result<Option<ScoreMetrics>, ReportError> {
        let value = |metric: &str| fields.fraction(&format!("{metric}_{suffix}"));
        let metrics = ScoreMetrics {
            auc: value("auc")?,
            ap: value("ap")?,
            ano_auc: value("ano_auc")?,
            macro_auc: value("macro_auc")?,
            far: value("far")?,
            recall_at_fpr10: value("recall_at_fpr10")?,
        };
        Ok((metrics != ScoreMetrics::default()).then_some(metrics))
    };
    let metrics = FinalMetrics {
        d: score("d")?,
        g: score("g")?,
    };
    let auc = fields.fraction("auc")?;
    // `auc` is that of `score_by`: which one that was shows where both are known and differ.
    let auc_of = |score: Option<ScoreMetrics>| score.and_then(|score| score.auc);
    let by_generator = auc.is_some() && auc == auc_of(metrics.g) && auc != auc_of(metrics.d);
    let mut curve = curves.remove(&fields.key_of(&CELL_KEY)).unwrap_or_default();
    curve.sort_by_key(|point| (point.phase, point.epoch));
    let point = fields.point();
    let dataset = fields
        .extra()
        .iter()
        .position(|column| column == "dataset")
        .and_then(|index| point[index].as_ref().map(ToString::to_string))
        .unwrap_or_default();
    let duration_s = fields.number("duration_s")?.unwrap_or(0.0);
    let attempts = fields.whole("attempts")?.unwrap_or(0);
    let mut live = Vec::new();
    let record = if status == JobStatus::Done {
        Some(Arc::new(RunRecord {
            job_id,
            outcome: Outcome {
                curve,
                metrics,
                ..Outcome::default()
            },
            provenance: Provenance {
                attempt: AttemptNumber(u64::from(attempts)),
                worker: fields.text("worker").to_owned(),
                device: DeviceInfo {
                    kind: fields.text("device").to_owned(),
                    name: String::new(),
                },
                version: String::new(),
                trainer_revision: 0,
                dataset_digest: Digest([0; 32]),
                duration_s,
                resumed: 0,
                cached_since_ms: None,
                dataset: None,
            },
        }))
    } else {
        live = curve;
        None
    };
    let error = fields.text("error");
    // What pandas writes where it was told to write something for nothing.
    let error = if error == "NaN" { "" } else { error };
    Ok(CellResult {
        cell: Cell {
            variant: fields.text("variant").to_owned(),
            point,
            job: JobSpec {
                dataset: DatasetSource::Named(dataset),
                seed,
                parameters: Parameters::default(),
            },
            reporting: Reporting {
                score_by: if by_generator {
                    ScoreBy::Generator
                } else {
                    ScoreBy::Discriminator
                },
                ..Reporting::default()
            },
        },
        job_id,
        status,
        record,
        live,
        attempts,
        error: (!error.is_empty()).then(|| error.to_owned()),
    })
}
