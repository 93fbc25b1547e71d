//! Reading the CSV files back, so that a report can be made where nothing else is left.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;

use sweeps::{
    AttemptNumber, Cell, CellResult, DatasetSource, DeviceInfo, Digest, EpochPoint, FinalMetrics,
    JobId, JobSpec, JobStatus, Outcome, Parameters, Phase, Provenance, Reporting, RunRecord,
    ScoreBy, ScoreMetrics, Value,
};

use super::{EPOCH_COLUMNS, RESULT_COLUMNS};
use crate::error::ReportError;
use crate::results::{LostCurve, SweepResults};

/// The columns that tell a cell from the others, beside the swept ones.
const CELL_KEY: [&str; 4] = ["sweep", "variant", "seed", "job_id"];
/// Lines that are read from one file at most: a bound on memory, far above the largest sweep.
const LARGEST: usize = 20_000_000;

/// Reads `results.csv` and, where they are there, `epochs.csv` and `sweep.json` of `folder`; a path to either CSV file means
/// its folder. The tables alone know no hyper-parameters beyond the swept ones, no warnings and no data sets; `sweep.json`
/// does, and without it the report says so.
pub fn read_csv(folder: &Path) -> Result<Vec<SweepResults>, ReportError> {
    let folder = if folder
        .extension()
        .is_some_and(|extension| extension == "csv")
    {
        folder.parent().unwrap_or(folder)
    } else {
        folder
    };
    let path = folder.join("results.csv");
    let results = CsvFile::read(&path, &RESULT_COLUMNS)?;
    let mut curves = read_epochs(folder)?;
    let mut sweeps: Vec<SweepResults> = Vec::new();
    let mut seen: BTreeMap<Vec<String>, u64> = BTreeMap::new();
    for fields in results.lines() {
        if let Some(before) = seen.insert(fields.key_of(&["sweep", "variant", "seed"]), fields.line)
        {
            return Err(fields.fault(format!(
                "it is the cell of line {before} again: each cell of a sweep has one line"
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
            && let Some(epochs) = fields.parsed("epochs", "a whole number")?
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
    let known = super::about::read_about(folder, &mut sweeps)?;
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
    Ok(sweeps)
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

fn read_epochs(folder: &Path) -> Result<Curves, ReportError> {
    let path = folder.join("epochs.csv");
    if !path.exists() {
        return Ok(Curves::new());
    }
    let mut curves = Curves::new();
    // Lines of one cell lie together, mostly: its key is made once.
    let mut last: (Vec<String>, Vec<EpochPoint>) = (Vec::new(), Vec::new());
    CsvFile::stream(&path, &EPOCH_COLUMNS, |fields| {
        let phase = match fields.text("phase") {
            "pretrain-generator" => Phase::PretrainGenerator,
            "pretrain-discriminator" => Phase::PretrainDiscriminator,
            "train" => Phase::Train,
            other => return Err(fields.fault(format!("`{other}` is no phase"))),
        };
        let epoch = fields.parsed("epoch", "a whole number")?.unwrap_or(0);
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
        if !fields.has_key(&last.0) {
            let (key, points) = std::mem::replace(&mut last, (fields.key(), Vec::new()));
            curves.entry(key).or_default().extend(points);
        }
        last.1.push(point);
        Ok(())
    })?;
    curves.entry(last.0).or_default().extend(last.1);
    Ok(curves)
}

fn read_cell(fields: &Fields<'_>, curves: &mut Curves) -> Result<CellResult, ReportError> {
    let word = fields.text("status");
    let status = JobStatus::ALL
        .into_iter()
        .find(|status| status.name() == word)
        .ok_or_else(|| fields.fault(format!("`{word}` is no status")))?;
    let seed: u64 = fields
        .parsed("seed", "a whole number")?
        .ok_or_else(|| fields.fault("the seed is empty".to_owned()))?;
    let job_id: JobId = fields
        .text("job_id")
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
    let mut curve = curves.remove(&fields.key()).unwrap_or_default();
    curve.sort_by_key(|point| (point.phase, point.epoch));
    let point: Vec<Option<Value>> = fields.extra_texts().map(parse_value).collect();
    let dataset = fields
        .file
        .extra
        .iter()
        .position(|column| column == "dataset")
        .and_then(|index| point[index].as_ref().map(ToString::to_string))
        .unwrap_or_default();
    let duration_s = fields.number("duration_s")?.unwrap_or(0.0);
    let attempts = fields.parsed("attempts", "a whole number")?.unwrap_or(0);
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
                dataset: None,
            },
        }))
    } else {
        live = curve;
        None
    };
    let error = fields.text("error");
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

/// A swept value as its text says: a number where it reads as one and shows the same again, a text otherwise.
pub(crate) fn parse_value(text: &str) -> Option<Value> {
    if text.is_empty() {
        return None;
    }
    let candidates = [
        text.parse().ok().map(Value::Boolean),
        text.parse().ok().map(Value::Integer),
        text.parse()
            .ok()
            .filter(|number: &f64| number.is_finite())
            .map(Value::Float),
    ];
    let shown_alike = candidates
        .into_iter()
        .flatten()
        .find(|value| value.to_string() == text);
    Some(
        shown_alike
            .or_else(|| respelt(text))
            .unwrap_or_else(|| Value::Text(text.to_owned())),
    )
}

/// A number as other programs write it: `33.0`, `1e-05`. What begins like a code, such as `007`, stays a text.
fn respelt(text: &str) -> Option<Value> {
    let digits = text.strip_prefix('-').unwrap_or(text);
    let plain = digits
        .bytes()
        .all(|byte| byte.is_ascii_digit() || matches!(byte, b'.' | b'e' | b'E' | b'-' | b'+'));
    let code = digits.len() > 1 && digits.starts_with('0') && !digits.starts_with("0.");
    let number: f64 = text
        .parse()
        .ok()
        .filter(|number: &f64| number.is_finite())?;
    (plain && !code && digits.starts_with(|first: char| first.is_ascii_digit()))
        .then_some(Value::Float(number))
}

/// A CSV file whose known columns are there, each line as wide as the header.
pub(crate) struct CsvFile<'a> {
    path: &'a Path,
    header: BTreeMap<String, usize>,
    /// Columns beyond the known ones, in order: the swept parameters.
    pub(crate) extra: Vec<String>,
    /// Where each of them is.
    extra_at: Vec<usize>,
    rows: Vec<(u64, csv::StringRecord)>,
}

impl<'a> CsvFile<'a> {
    pub(crate) fn read(path: &'a Path, known: &[&str]) -> Result<Self, ReportError> {
        let mut rows = Vec::new();
        let mut file = Self::stream(path, known, |fields| {
            rows.push((fields.line, fields.row.clone()));
            Ok(())
        })?;
        file.rows = rows;
        Ok(file)
    }

    /// Hands each line to `each` and keeps none: `epochs.csv` can have millions.
    fn stream(
        path: &'a Path,
        known: &[&str],
        mut each: impl FnMut(&Fields<'_>) -> Result<(), ReportError>,
    ) -> Result<Self, ReportError> {
        let file = std::fs::File::open(path).map_err(ReportError::read(path))?;
        let mut reader = csv::Reader::from_reader(std::io::BufReader::new(file));
        let fault = |error: &csv::Error| ReportError::Csv {
            path: path.to_owned(),
            line: error.position().map(csv::Position::line),
            message: format!("{error}: the columns of DESIGN.md are expected, in UTF-8"),
        };
        let names: Vec<String> = reader
            .headers()
            .map_err(|error| fault(&error))?
            .iter()
            .map(str::to_owned)
            .collect();
        let mut file = Self {
            path,
            header: BTreeMap::new(),
            extra: Vec::new(),
            extra_at: Vec::new(),
            rows: Vec::new(),
        };
        for (index, name) in names.into_iter().enumerate() {
            // A swept parameter may bear the name of a fixed column, such as `epochs`: the fixed one comes first.
            if known.contains(&name.as_str()) && !file.header.contains_key(&name) {
                file.header.insert(name, index);
            } else {
                file.header.entry(name.clone()).or_insert(index);
                file.extra.push(name);
                file.extra_at.push(index);
            }
        }
        if let Some(absent) = known.iter().find(|name| !file.header.contains_key(**name)) {
            return Err(ReportError::Csv {
                path: path.to_owned(),
                line: Some(1),
                message: format!("there is no column `{absent}`: is this a file of gcl-sweep?"),
            });
        }
        let mut row = csv::StringRecord::new();
        for _ in 0..LARGEST {
            if !reader
                .read_record(&mut row)
                .map_err(|error| fault(&error))?
            {
                break;
            }
            each(&Fields {
                file: &file,
                line: row.position().map_or(0, csv::Position::line),
                row: &row,
            })?;
        }
        Ok(file)
    }
}

impl CsvFile<'_> {
    /// The lines in order.
    pub(crate) fn lines(&self) -> impl Iterator<Item = Fields<'_>> {
        self.rows.iter().map(|(line, row)| Fields {
            file: self,
            line: *line,
            row,
        })
    }
}

/// One line, by the names of its columns.
pub(crate) struct Fields<'a> {
    file: &'a CsvFile<'a>,
    line: u64,
    row: &'a csv::StringRecord,
}

impl<'a> Fields<'a> {
    pub(crate) fn text(&self, column: &str) -> &'a str {
        self.file
            .header
            .get(column)
            .and_then(|index| self.row.get(*index))
            .unwrap_or("")
    }

    pub(crate) fn parsed<T: std::str::FromStr>(
        &self,
        column: &str,
        expected: &str,
    ) -> Result<Option<T>, ReportError> {
        let text = self.text(column);
        if text.is_empty() {
            return Ok(None);
        }
        let shown: String = text.chars().take(80).collect();
        text.parse()
            .map(Some)
            .map_err(|_| self.fault(format!("`{shown}` in column `{column}` is not {expected}")))
    }

    pub(crate) fn number(&self, column: &str) -> Result<Option<f64>, ReportError> {
        self.parsed(column, "a number")
    }

    pub(crate) fn fault(&self, message: String) -> ReportError {
        ReportError::Csv {
            path: self.file.path.to_owned(),
            line: Some(self.line),
            message,
        }
    }

    /// The columns beyond the known ones.
    pub(crate) fn extra(&self) -> &'a [String] {
        &self.file.extra
    }

    /// The texts of the columns beyond the known ones.
    fn extra_texts(&self) -> impl Iterator<Item = &'a str> + use<'a> {
        let row = self.row;
        self.file
            .extra_at
            .iter()
            .map(move |index| row.get(*index).unwrap_or(""))
    }

    /// A metric, which is a fraction; what is not a number is none.
    fn fraction(&self, column: &str) -> Result<Option<f64>, ReportError> {
        let value = self.number(column)?.filter(|value| !value.is_nan());
        match value {
            Some(value) if !(0.0..=1.0).contains(&value) => Err(self.fault(format!(
                "`{}` in column `{column}` is no fraction: it lies between 0 and 1",
                self.text(column)
            ))),
            value => Ok(value),
        }
    }

    /// What tells a cell from the others.
    fn key(&self) -> Vec<String> {
        self.key_of(&CELL_KEY)
    }

    /// Whether that is its key.
    fn has_key(&self, key: &[String]) -> bool {
        let fixed = CELL_KEY.iter().map(|column| self.text(column));
        fixed
            .chain(self.extra_texts())
            .eq(key.iter().map(String::as_str))
    }

    /// The texts of `columns` and of the swept parameters.
    pub(crate) fn key_of(&self, columns: &[&str]) -> Vec<String> {
        columns
            .iter()
            .map(|column| self.text(column))
            .chain(self.extra_texts())
            .map(str::to_owned)
            .collect()
    }
}
