//! A figure from its own CSV: the same bytes as when the report was made.
//!
//! The file's first column names the figure. What it holds is the data that the figure was drawn from, and the same code
//! draws it.

use std::path::Path;

use sweeps::{
    Cell, CellResult, DatasetSource, JobId, JobSpec, JobStatus, Parameters, Reporting, Value,
    spelling,
};

use super::Figure;
use super::against::against;
use super::cells::{Cells, seed};
use super::convergence::convergence;
use super::curves::Curves;
use super::dots::dots;
use super::embedding::embeddings;
use super::gain::gain;
use super::heatmap::heatmap;
use super::histograms::{Histogram, histograms};
use super::intervals::intervals;
use super::network::Network;
use super::overlay::overlay;
use super::profile::profile;
use super::roc::{Curve, roc};
use super::scores::Origin;
use super::source::Source;
use super::timeline::{evolution, videos};
use crate::error::ReportError;
use crate::files::{CsvFile, Fields, columns_of};
use crate::results::{
    CellScores, DatasetInfo, EmbeddedSegment, SegmentFrames, SweepResults, VideoScores,
};

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

/// Whether a file is the CSV of a figure: whether its first column is `figure`, an index that pandas writes aside.
pub fn is_figure_data(path: &Path) -> bool {
    let columns = columns_of(path);
    let first = columns.iter().find(|column| !spelling::is_index(column));
    first.is_some_and(|column| column == "figure")
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
    // `s2-fig10` is `fig10` of the second sweep of a report, `all-fig10` that of all sweeps as one.
    let plain = name
        .rsplit_once('-')
        .map_or(name.as_str(), |(_, plain)| plain);
    let drawn = match plain {
        "auc" | "seeds" => dots(&cells(path)?),
        "against" | "fig9" => against(&cells(path)?),
        "gain" => gain(&cells(path)?),
        "heatmap" => heatmap(&cells(path)?, "AUC"),
        "thresholds" => heatmap(&cells(path)?, "Thresholds: AUC"),
        "intervals" => intervals(&cells(path)?),
        "profile" => profile(&cells(path)?, true),
        "epochs" | "fig10" => overlay(&curves(path)?),
        "convergence" | "fig5" => convergence(&curves(path)?),
        "histograms" | "fig4" => {
            let file = CsvFile::read(path, &SCORE_COLUMNS)?;
            histograms(&named(&file)?, &read_histograms(&file)?, &name)
        }
        "roc" => {
            let file = CsvFile::read(path, &ROC_COLUMNS)?;
            roc(&named(&file)?, &read_roc(&file)?, &name)
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

fn cells(path: &Path) -> Result<Cells, ReportError> {
    Cells::from_csv(&CsvFile::read(path, Cells::columns())?)
}

fn curves(path: &Path) -> Result<Curves, ReportError> {
    Curves::from_csv(&CsvFile::read(path, &super::curves_csv::COLUMNS)?)
}

/// A sweep of which only its name and columns are known, and what the figure says besides.
fn named(file: &CsvFile<'_>) -> Result<SweepResults, ReportError> {
    let source = Source::read(file)?;
    let info = |name: &String| DatasetInfo {
        name: name.clone(),
        ..DatasetInfo::default()
    };
    Ok(SweepResults {
        name: source.sweep,
        columns: source.columns,
        command: source.about.command,
        rehearsal: source.about.rehearsal,
        datasets: source.about.datasets.iter().map(info).collect(),
        ..SweepResults::default()
    })
}

fn point(fields: &Fields<'_>) -> Vec<Option<Value>> {
    let columns = fields.extra().iter();
    columns
        .filter(|column| *column != super::about::ABOUT)
        .map(|column| fields.value(column))
        .collect()
}

/// A cell of which a figure knows no more than it draws.
fn cell(fields: &Fields<'_>) -> Result<CellResult, ReportError> {
    Ok(CellResult {
        cell: Cell {
            variant: fields.text("variant").to_owned(),
            point: point(fields),
            job: JobSpec {
                dataset: DatasetSource::Named(String::new()),
                seed: seed(fields)?,
                parameters: Parameters::default(),
            },
            reporting: Reporting::default(),
        },
        job_id: JobId([0; 32]),
        status: JobStatus::Done,
        record: None,
        live: Vec::new(),
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
        let count = |column: &str| fields.whole(column);
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
    let cell = cell(fields)?;
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
    let mut results = named(file)?;
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
    let mut results = named(file)?;
    for fields in file.lines() {
        let epoch: Option<u32> = fields.whole("epoch")?;
        let segment = segment(&fields)?;
        let score = needed(&fields, "score")? as f32;
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
        let index = match epoch {
            None => video.d.len(),
            Some(epoch) => match video.epochs.last() {
                Some((last, values)) if *last == epoch => values.len(),
                _ => 0,
            },
        };
        // Every series of a video has the same segments; the first brings them.
        match video.segments.get(index) {
            None => video.segments.push(segment),
            Some(known) if *known == segment => {}
            Some(_) => {
                return Err(fields.fault(format!(
                    "`from`, `to` and `truth` are not those of this segment of `{name}` in the lines above"
                )));
            }
        }
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

/// The frames of a line's segment.
fn segment(fields: &Fields<'_>) -> Result<SegmentFrames, ReportError> {
    let frame =
        |column: &str| -> Result<u64, ReportError> { Ok(fields.whole(column)?.unwrap_or(0)) };
    let (from, to) = (frame("from")?, frame("to")?);
    let frames = to
        .checked_sub(from)
        .and_then(|frames| u32::try_from(frames).ok())
        .ok_or_else(|| fields.fault(format!("no segment has the frames from {from} to {to}")))?;
    let mut anomalous = 0_u32;
    for range in fields.text("truth").split_whitespace() {
        let count = range
            .split_once('-')
            .and_then(|(start, end)| {
                let (start, end): (u64, u64) = (start.parse().ok()?, end.parse().ok()?);
                let inside = from <= start && start <= end && end <= to;
                inside.then_some((end - start) as u32)
            })
            .ok_or_else(|| {
                fields.fault(
                    "column `truth` holds ranges of the segment's frames such as 320-336".into(),
                )
            })?;
        anomalous = anomalous.saturating_add(count).min(frames);
    }
    Ok(SegmentFrames { frames, anomalous })
}
