//! A figure from its own CSV: the same bytes as when the report was made.
//!
//! The file's first column names the figure. What it holds is put back into the form that the figure was drawn from, and
//! drawn by the same code.

use std::path::Path;
use std::sync::Arc;

use sweeps::{
    AttemptNumber, Cell, CellResult, DatasetSource, DeviceInfo, Digest, EpochPoint, FinalMetrics,
    JobId, JobSpec, JobStatus, Outcome, Parameters, Phase, Provenance, Reporting, RunRecord,
    ScoreBy, ScoreMetrics, Value,
};

use super::data::{CELL_COLUMNS, EPOCH_COLUMNS};
use super::embedding::embeddings;
use super::histograms::{Histogram, histograms};
use super::roc::{Curve, roc};
use super::scores::Origin;
use super::series::Network;
use super::timeline::{evolution, videos};
use super::{Figure, figures_of};
use crate::error::ReportError;
use crate::files::{CsvFile, Fields, parse_value};
use crate::results::{CellScores, EmbeddedSegment, SweepResults, VideoScores};
use crate::summary::summary;

/// Columns of the figures of scores, before the swept parameters.
const SCORE_COLUMNS: [&str; 10] = [
    "figure",
    "sweep",
    "variant",
    "seed",
    "network",
    "auc",
    "from",
    "to",
    "normal_frames",
    "anomalous_frames",
];
const ROC_COLUMNS: [&str; 8] = [
    "figure",
    "sweep",
    "variant",
    "seed",
    "network",
    "auc",
    "false_positive_rate",
    "recall",
];
const EMBEDDING_COLUMNS: [&str; 7] = ["figure", "sweep", "variant", "seed", "x", "y", "anomalous"];
const VIDEO_COLUMNS: [&str; 10] = [
    "figure", "sweep", "variant", "seed", "video", "epoch", "from", "to", "truth", "score",
];

/// Whether a file is the CSV of a figure: whether its first column is `figure`.
pub fn is_figure_data(path: &Path) -> bool {
    use std::io::Read;
    let mut head = [0; 7];
    std::fs::File::open(path)
        .and_then(|mut file| file.read_exact(&mut head))
        .is_ok_and(|()| head == *b"figure,")
}

/// Draws the figure that wrote the CSV file.
pub fn redraw(path: &Path) -> Result<Figure, ReportError> {
    let file = CsvFile::read(path, &["figure", "sweep", "variant", "seed"])?;
    let fault = |line, message: String| ReportError::Csv {
        path: path.to_owned(),
        line,
        message,
    };
    let name = file
        .lines()
        .next()
        .map(|fields| fields.text("figure").to_owned())
        .ok_or_else(|| fault(None, "there is nothing to draw in it".into()))?;
    if let Some(other) = file.lines().find(|fields| fields.text("figure") != name) {
        return Err(other.fault(format!(
            "it belongs to another figure than `{name}` above it"
        )));
    }
    // `s2-fig10` is `fig10` of the second sweep of a report.
    let plain = name
        .split_once('-')
        .filter(|(sweep, _)| {
            sweep
                .strip_prefix('s')
                .is_some_and(|number| number.parse::<usize>().is_ok())
        })
        .map_or(name.as_str(), |(_, plain)| plain);
    let drawn = match plain {
        "auc" | "against" | "fig9" | "heatmap" | "profile" => {
            of_cells(path, &CELL_COLUMNS, &name, plain, read_cells)?
        }
        "epochs" | "fig10" | "convergence" | "fig5" => {
            of_cells(path, &EPOCH_COLUMNS, &name, plain, read_curves)?
        }
        "histograms" | "fig4" => {
            let file = CsvFile::read(path, &SCORE_COLUMNS)?;
            histograms(&named(&file), &read_histograms(&file)?, &name)
        }
        "roc" => {
            let file = CsvFile::read(path, &ROC_COLUMNS)?;
            roc(&named(&file), &read_roc(&file)?, &name)
        }
        "embedding" | "fig6" => {
            let file = CsvFile::read(path, &EMBEDDING_COLUMNS)?;
            embeddings(&read_embedding(&file)?, &name)
        }
        "evolution" | "fig7" | "videos" | "fig8" => {
            let file = CsvFile::read(path, &VIDEO_COLUMNS)?;
            let results = read_videos(&file)?;
            if matches!(plain, "evolution" | "fig7") {
                evolution(&results, &name)
            } else {
                videos(&results, &name)
            }
        }
        _ => {
            return Err(fault(
                Some(2),
                format!("this version draws no figure `{name}`"),
            ));
        }
    };
    drawn.ok_or_else(|| fault(None, format!("`{name}` cannot be drawn of what it holds")))
}

/// A figure that the defaults of a sweep have: the results are as they were, so the choice is.
fn of_cells(
    path: &Path,
    columns: &[&str],
    name: &str,
    plain: &str,
    read: impl Fn(&CsvFile<'_>, &mut SweepResults) -> Result<Published, ReportError>,
) -> Result<Option<Figure>, ReportError> {
    let file = CsvFile::read(path, columns)?;
    let mut results = named(&file);
    results.report.figures.push(plain.to_owned());
    let published = read(&file, &mut results)?;
    let rows = summary(&results);
    let published: Vec<_> = rows
        .iter()
        .map(|row| {
            let first = row.cells.first()?;
            published.get(*first).copied().flatten()
        })
        .collect();
    let prefix = name.strip_suffix(plain).unwrap_or_default();
    Ok(figures_of(&results, &rows, &published, prefix)
        .into_iter()
        .find(|figure| figure.name == name))
}

/// A published number per cell, in percent, with its spread.
type Published = Vec<Option<(f64, Option<f64>)>>;

/// A sweep of which only its name and columns are known.
fn named(file: &CsvFile<'_>) -> SweepResults {
    SweepResults {
        name: file
            .lines()
            .next()
            .map_or_else(String::new, |fields| fields.text("sweep").to_owned()),
        columns: file.extra.clone(),
        ..SweepResults::default()
    }
}

fn read_cells(file: &CsvFile<'_>, results: &mut SweepResults) -> Result<Published, ReportError> {
    let mut published = Published::new();
    for fields in file.lines() {
        let metrics = metrics(&fields)?;
        let auc = fields.number("auc")?;
        let by_generator = is_generators(auc, metrics.d, metrics.g);
        let status = status(&fields)?;
        results
            .cells
            .push(cell(&fields, status, by_generator, metrics, Vec::new())?);
        // Published numbers are decimals of a few digits: percent again, without the noise of the division.
        let percent = |value: f64| (value * 1e8).round() / 1e6;
        let std = fields.number("published_std")?.map(percent);
        published.push(
            fields
                .number("published")?
                .map(|value| (percent(value), std)),
        );
    }
    Ok(published)
}

fn read_curves(file: &CsvFile<'_>, results: &mut SweepResults) -> Result<Published, ReportError> {
    // A cell's lines stand together.
    let mut cells: Vec<(Vec<String>, Fields<'_>, bool, Vec<EpochPoint>)> = Vec::new();
    for fields in file.lines() {
        let key = fields.key_of(&["variant", "seed", "status"]);
        let epoch: Option<u32> = fields.parsed("epoch", "a whole number")?;
        let (auc, auc_d, auc_g) = (
            fields.number("auc")?,
            fields.number("auc_d")?,
            fields.number("auc_g")?,
        );
        let point = epoch.map(|epoch| EpochPoint {
            auc_d,
            auc_g,
            ..EpochPoint::new(Phase::Train, epoch)
        });
        let by_generator = auc.is_some() && auc != auc_d && auc == auc_g;
        match cells.last_mut() {
            Some((last, _, generator, curve)) if *last == key && point.is_some() => {
                curve.extend(point);
                *generator |= by_generator;
            }
            _ => cells.push((key, fields, by_generator, point.into_iter().collect())),
        }
    }
    for (_, fields, by_generator, curve) in cells {
        let status = status(&fields)?;
        let cell = cell(
            &fields,
            status,
            by_generator,
            FinalMetrics::default(),
            curve,
        )?;
        results.cells.push(cell);
    }
    Ok(Published::new())
}

fn is_generators(auc: Option<f64>, d: Option<ScoreMetrics>, g: Option<ScoreMetrics>) -> bool {
    let of = |score: Option<ScoreMetrics>| score.and_then(|score| score.auc);
    auc.is_some() && auc == of(g) && auc != of(d)
}

fn metrics(fields: &Fields<'_>) -> Result<FinalMetrics, ReportError> {
    let score = |column: &str| -> Result<Option<ScoreMetrics>, ReportError> {
        Ok(fields.number(column)?.map(|auc| ScoreMetrics {
            auc: Some(auc),
            ..ScoreMetrics::default()
        }))
    };
    Ok(FinalMetrics {
        d: score("auc_d")?,
        g: score("auc_g")?,
    })
}

fn status(fields: &Fields<'_>) -> Result<JobStatus, ReportError> {
    let word = fields.text("status");
    JobStatus::ALL
        .into_iter()
        .find(|status| status.name() == word)
        .ok_or_else(|| fields.fault(format!("`{word}` is no status")))
}

fn seed(fields: &Fields<'_>) -> Result<u64, ReportError> {
    fields
        .parsed("seed", "a whole number")?
        .ok_or_else(|| fields.fault("the seed is empty".to_owned()))
}

fn point(fields: &Fields<'_>) -> Vec<Option<Value>> {
    let columns = fields.extra().iter();
    columns
        .map(|column| parse_value(fields.text(column)))
        .collect()
}

/// A cell of which a figure knows no more than it draws.
fn cell(
    fields: &Fields<'_>,
    status: JobStatus,
    by_generator: bool,
    metrics: FinalMetrics,
    curve: Vec<EpochPoint>,
) -> Result<CellResult, ReportError> {
    let done = status == JobStatus::Done;
    let job_id = JobId([0; 32]);
    let (curve, live) = if done {
        (curve, Vec::new())
    } else {
        (Vec::new(), curve)
    };
    let record = RunRecord {
        job_id,
        outcome: Outcome {
            curve,
            metrics,
            ..Outcome::default()
        },
        provenance: Provenance {
            attempt: AttemptNumber(1),
            worker: String::new(),
            device: DeviceInfo {
                kind: String::new(),
                name: String::new(),
            },
            version: String::new(),
            trainer_revision: 0,
            dataset_digest: Digest([0; 32]),
            duration_s: 0.0,
            resumed: 0,
            dataset: None,
        },
    };
    Ok(CellResult {
        cell: Cell {
            variant: fields.text("variant").to_owned(),
            point: point(fields),
            job: JobSpec {
                dataset: DatasetSource::Named(String::new()),
                seed: seed(fields)?,
                parameters: Parameters::default(),
            },
            reporting: Reporting {
                score_by: if by_generator {
                    ScoreBy::Generator
                } else {
                    ScoreBy::Discriminator
                },
                score_smoothing: 0.0,
            },
        },
        job_id,
        status,
        record: done.then(|| Arc::new(record)),
        live,
        attempts: 1,
        error: None,
    })
}

fn origin(fields: &Fields<'_>) -> Result<Origin, ReportError> {
    Ok(Origin {
        variant: fields.text("variant").to_owned(),
        point: point(fields),
        seed: seed(fields)?,
        network: match fields.text("network") {
            "D" => Network::Discriminator,
            "G" => Network::Generator,
            other => return Err(fields.fault(format!("`{other}` is no network: D or G"))),
        },
    })
}

fn needed(fields: &Fields<'_>, column: &str) -> Result<f64, ReportError> {
    fields
        .number(column)?
        .ok_or_else(|| fields.fault(format!("column `{column}` is empty")))
}

fn read_histograms(file: &CsvFile<'_>) -> Result<Vec<Histogram>, ReportError> {
    let mut all: Vec<Histogram> = Vec::new();
    for fields in file.lines() {
        let origin = origin(&fields)?;
        let count = |column: &str| fields.parsed(column, "a whole number");
        let bin = (
            needed(&fields, "from")?,
            needed(&fields, "to")?,
            count("normal_frames")?.unwrap_or(0),
            count("anomalous_frames")?.unwrap_or(0),
        );
        match all.last_mut() {
            Some(last) if last.origin == origin => last.bins.push(bin),
            _ => all.push(Histogram {
                origin,
                auc: fields.number("auc")?,
                bins: vec![bin],
            }),
        }
    }
    Ok(all)
}

fn read_roc(file: &CsvFile<'_>) -> Result<Vec<Curve>, ReportError> {
    let mut all: Vec<Curve> = Vec::new();
    for fields in file.lines() {
        let origin = origin(&fields)?;
        let point = (
            needed(&fields, "false_positive_rate")?,
            needed(&fields, "recall")?,
        );
        match all.last_mut() {
            Some(last) if last.origin == origin => last.points.push(point),
            _ => all.push(Curve {
                origin,
                auc: needed(&fields, "auc")?,
                points: vec![point],
            }),
        }
    }
    Ok(all)
}

/// The scores of the line's cell, which is added where it is new.
fn scores_of<'a>(
    results: &'a mut SweepResults,
    fields: &Fields<'_>,
) -> Result<&'a mut CellScores, ReportError> {
    let cell = cell(
        fields,
        JobStatus::Done,
        false,
        FinalMetrics::default(),
        Vec::new(),
    )?;
    if results.cells.last().is_none_or(|last| {
        (&last.cell.variant, &last.cell.point, last.cell.job.seed)
            != (&cell.cell.variant, &cell.cell.point, cell.cell.job.seed)
    }) {
        results.scores.push(CellScores {
            cell: results.cells.len(),
            ..CellScores::default()
        });
        results.cells.push(cell);
    }
    let last = results.scores.len() - 1;
    Ok(&mut results.scores[last])
}

fn read_embedding(file: &CsvFile<'_>) -> Result<SweepResults, ReportError> {
    let mut results = named(file);
    for fields in file.lines() {
        let segment = EmbeddedSegment {
            x: needed(&fields, "x")? as f32,
            y: needed(&fields, "y")? as f32,
            anomalous: fields.text("anomalous") == "true",
        };
        scores_of(&mut results, &fields)?.embedding.push(segment);
    }
    Ok(results)
}

fn read_videos(file: &CsvFile<'_>) -> Result<SweepResults, ReportError> {
    let mut results = named(file);
    for fields in file.lines() {
        let epoch: Option<u32> = fields.parsed("epoch", "a whole number")?;
        let to: u64 = fields.parsed("to", "a whole number")?.unwrap_or(0);
        let score = needed(&fields, "score")? as f32;
        let mut truth = Vec::new();
        for range in fields.text("truth").split_whitespace() {
            let ends = range
                .split_once('-')
                .and_then(|(from, to)| Some((from.parse().ok()?, to.parse().ok()?)));
            truth.push(ends.ok_or_else(|| {
                fields.fault("column `truth` holds ranges of frames such as 320-336".into())
            })?);
        }
        let scores = scores_of(&mut results, &fields)?;
        let name = fields.text("video");
        if scores.videos.last().is_none_or(|last| last.name != name) {
            scores.videos.push(VideoScores {
                name: name.to_owned(),
                ..VideoScores::default()
            });
        }
        let Some(video) = scores.videos.last_mut() else {
            continue;
        };
        video.frames = video.frames.max(to);
        video.anomalous.extend(truth);
        match epoch {
            None => video.d.push(score),
            Some(epoch) => match video.epochs.last_mut() {
                Some((last, values)) if *last == epoch => values.push(score),
                _ => video.epochs.push((epoch, vec![score])),
            },
        }
    }
    Ok(results)
}
