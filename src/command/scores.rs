//! Scores per segment for the report: fetched by digest, decoded by `metrics`.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use metrics::artifact::{
    ArtifactError, EMBEDDING, EPOCH_SCORES, Embedding, EpochScores, SCORES, Scores,
};
use metrics::data_card::{DATA_CARD, DataCard};
use reports::SweepResults;
use reports::results::{CellScores, EmbeddedSegment};
use reports::video_interval::{ReportedScores, video_intervals, video_pairs};
use reports::video_scores::{keep_epochs, videos_of};
use sweeps::{ArtifactRef, CellResult};

use crate::command::source::Results;
use crate::error::CommandError;
use crate::output::counted;

/// Figures that are drawn from final scores.
const FROM_SCORES: [&str; 7] = [
    "fig4",
    "histograms",
    "fig7",
    "evolution",
    "fig8",
    "videos",
    "roc",
];
/// A larger artifact than this is not one of scores.
const MOST_BYTES: u64 = 256 << 20;
/// Scores that are fetched at most to resample test videos: what does not fit is left out, the last pairs first.
const MOST_RESAMPLED_BYTES: u64 = 512 << 20;

/// The scores of the first seed of each variant and swept point, as far as figures ask for them; and what of them cannot be
/// read, for the page: another seed takes its place.
pub async fn fetch(
    client: &impl Results,
    figures: &[String],
    cells: &[CellResult],
) -> Result<(Vec<CellScores>, Vec<String>), CommandError> {
    let asked = |names: &[&str]| {
        figures
            .iter()
            .any(|figure| names.contains(&figure.as_str()))
    };
    let wanted = Wanted {
        scores: asked(&FROM_SCORES),
        epochs: asked(&["fig7", "evolution"]),
        embedding: asked(&["fig6", "embedding"]),
    };
    let mut order: Vec<usize> = (0..cells.len()).collect();
    order.sort_by_key(|index| cells[*index].cell.job.seed);
    let mut seen = BTreeSet::new();
    let (mut all, mut lost) = (Vec::new(), Vec::new());
    for index in order {
        let result = &cells[index];
        let place = (&result.cell.variant, format!("{:?}", result.cell.point));
        // Figures show no controls.
        let drawn = result.record.is_some() && result.cell.control().is_none();
        if !(wanted.scores || wanted.embedding) || !drawn || seen.contains(&place) {
            continue;
        }
        match fetch_one(client, &wanted, index, result).await {
            Ok(found) => {
                seen.insert(place);
                all.push(found);
            }
            Err(error @ (CommandError::Unreachable(_) | CommandError::Interrupted(_))) => {
                return Err(error);
            }
            Err(error) => lost.push(format!("job {}: {error}", result.job_id.short())),
        }
    }
    all.sort_by_key(|scores| scores.cell);
    let notes = lost.first().map(|first| {
        let more = lost.len() - 1;
        let more = if more > 0 {
            format!(", and those of {more} more")
        } else {
            String::new()
        };
        format!(
            "Scores cannot be read ({first}{more}): figures that need them are of another seed, or missing. The results themselves are whole; \
             `gcl-sweep audit` runs such jobs again and keeps their scores anew."
        )
    });
    Ok((all, notes.into_iter().collect()))
}

/// Which artifacts figures ask for.
struct Wanted {
    scores: bool,
    epochs: bool,
    embedding: bool,
}

async fn fetch_one(
    client: &impl Results,
    wanted: &Wanted,
    index: usize,
    result: &CellResult,
) -> Result<CellScores, CommandError> {
    let mut found = CellScores {
        cell: index,
        ..CellScores::default()
    };
    if wanted.scores
        && let Some(bytes) = get(client, SCORES, result).await?
    {
        let scores = Scores::decode(&bytes).map_err(|error| unreadable(&error))?;
        found.videos = videos_of(&scores);
    }
    if wanted.epochs
        && let Some(bytes) = get(client, EPOCH_SCORES, result).await?
    {
        let epochs = EpochScores::decode(&bytes).map_err(|error| unreadable(&error))?;
        if !keep_epochs(&epochs, &mut found.videos) {
            return Err(unreadable(&ArtifactError {
                artifact: EPOCH_SCORES,
                message: "has other segments than its scores".to_owned(),
            }));
        }
    }
    if wanted.embedding
        && let Some(bytes) = get(client, EMBEDDING, result).await?
    {
        let map = Embedding::decode(&bytes).map_err(|error| unreadable(&error))?;
        let points = map.points.iter().zip(&map.anomalous);
        found.embedding = points
            .map(|([x, y], anomalous)| EmbeddedSegment {
                x: *x,
                y: *y,
                anomalous: *anomalous,
            })
            .collect();
    }
    Ok(found)
}

/// A record's artifact of that name.
fn kept<'a>(name: &str, result: &'a CellResult) -> Option<&'a ArtifactRef> {
    let mut artifacts = result
        .record
        .iter()
        .flat_map(|record| &record.outcome.artifacts);
    artifacts.find(|artifact| artifact.name == name)
}

/// Its bytes.
async fn get(
    client: &impl Results,
    name: &str,
    result: &CellResult,
) -> Result<Option<Vec<u8>>, CommandError> {
    let Some(artifact) = kept(name, result) else {
        return Ok(None);
    };
    client.artifact(artifact.digest, MOST_BYTES).await.map(Some)
}

fn unreadable(error: &ArtifactError) -> CommandError {
    CommandError::Other(error.to_string())
}

/// What kind of data the data sets are, by name, as far as a job of theirs said it; and what of that cannot be read, for the page. No report
/// fails for it: of jobs of earlier versions nothing is there.
pub async fn cards(
    client: &impl Results,
    cells: &[CellResult],
) -> Result<(BTreeMap<String, DataCard>, Vec<String>), CommandError> {
    let (mut found, mut notes) = (BTreeMap::new(), Vec::new());
    for result in cells {
        let name = result.cell.job.dataset.to_string();
        if found.contains_key(&name) {
            continue;
        }
        let card = match get(client, DATA_CARD, result).await {
            Ok(None) => continue,
            Ok(Some(bytes)) => DataCard::decode(&bytes).map_err(|error| error.to_string()),
            Err(error @ (CommandError::Unreachable(_) | CommandError::Interrupted(_))) => {
                return Err(error);
            }
            Err(error) => Err(error.to_string()),
        };
        match card {
            Ok(card) => {
                found.insert(name, card);
            }
            Err(error) => notes.push(format!(
                "What kind of data {name} is cannot be read (job {}: {error}); `gcl-sweep data inspect --regime` says it again.",
                result.job_id.short()
            )),
        }
    }
    Ok((found, notes))
}

/// Puts the metrics of smoothed scores, or of clips, where a sweep asks for them. It is decided when reporting, so the record of
/// the job stays as it is; curves over epochs are those of the record. Answers what a reader must know of it.
pub async fn evaluate_again(
    client: &impl Results,
    cells: &mut [CellResult],
) -> Result<Vec<String>, CommandError> {
    let (mut smoothed, mut cut) = (0, BTreeMap::new());
    for result in cells.iter_mut() {
        let reporting = result.cell.reporting;
        let Some(record) = &result.record else {
            continue;
        };
        if reporting.is_of_record() {
            continue;
        }
        let Some(bytes) = get(client, SCORES, result).await? else {
            continue;
        };
        let scores = Scores::decode(&bytes).map_err(|error| {
            CommandError::Other(format!(
                "job {}: {error}: it cannot be evaluated again; `gcl-sweep audit` runs it again and keeps its scores anew",
                result.job_id.short()
            ))
        })?;
        let mut record = (**record).clone();
        record.outcome.metrics = reports::reported_metrics(&result.cell, &scores);
        result.record = Some(Arc::new(record));
        smoothed += usize::from(reporting.score_smoothing > 0.0);
        if let Some(segments) = reporting.clip_segments {
            *cut.entry(segments).or_insert(0_usize) += 1;
        }
    }
    let mut notes = Vec::new();
    if smoothed > 0 {
        notes.push(format!(
            "The metrics of {} are of scores smoothed by a Gaussian within each video (score_smoothing); their curves over epochs are not smoothed.",
            counted(smoothed, "cell")
        ));
    }
    for (segments, cells) in cut {
        notes.push(format!(
            "The metrics of {cells} cells are of clips: every test video is cut into clips of about {segments} segments, each taken for a video (evaluation.clip_segments); their curves over epochs are of whole videos."
        ));
    }
    Ok(notes)
}

/// Adds how the differences between rows would move with other test videos, from the scores of all seeds. No report fails
/// for it: runs whose scores are not there or cannot be read are left out, and a note counts the latter.
pub async fn resample(client: &impl Results, results: &mut SweepResults) {
    let pairs = video_pairs(results);
    let mut scores: BTreeMap<usize, ReportedScores> = BTreeMap::new();
    let (mut budget, mut unread) = (MOST_RESAMPLED_BYTES, BTreeSet::new());
    let cells = pairs.iter().flat_map(|pair| &pair.cells);
    for cell in cells.flat_map(|(left, right)| [*left, *right]) {
        let result = &results.cells[cell];
        let size = kept(SCORES, result).map_or(0, |artifact| artifact.bytes);
        if size == 0 || size > budget || scores.contains_key(&cell) || unread.contains(&cell) {
            continue;
        }
        let found = match get(client, SCORES, result).await {
            Ok(Some(bytes)) => {
                budget = budget.saturating_sub(bytes.len() as u64);
                Scores::decode(&bytes)
                    .ok()
                    .and_then(|scores| ReportedScores::of(result, scores))
            }
            _ => None,
        };
        match found {
            Some(found) => {
                scores.insert(cell, found);
            }
            None => {
                unread.insert(cell);
            }
        }
    }
    results.video_intervals = video_intervals(&pairs, &scores);
    if !unread.is_empty() {
        results.notes.push(format!(
            "The scores of {} cells cannot be read: they are in no interval over test videos.",
            unread.len()
        ));
    }
}
