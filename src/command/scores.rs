//! Scores per segment for the report's figures: fetched by digest, decoded from the trainer's artifact.
//!
//! The artifact says how many frames of each segment are anomalous, not which: within a segment the anomalous frames are
//! drawn beside those of its neighbour. Histograms and ROC curves are exact; the edges of a shaded event can be off by
//! less than a segment.

use std::collections::BTreeSet;
use std::ops::Range;
use std::sync::Arc;

use reports::results::{CellScores, EmbeddedSegment, VideoScores};
use safetensors::SafeTensors;
use sweeps::{CellResult, FinalMetrics};

use crate::client::Client;
use crate::error::CommandError;

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

/// The scores of the first seed of each variant and swept point, as far as figures ask for them.
pub async fn fetch(
    client: &Client,
    figures: &[String],
    cells: &[CellResult],
) -> Result<Vec<CellScores>, CommandError> {
    let asked = |names: &[&str]| {
        figures
            .iter()
            .any(|figure| names.contains(&figure.as_str()))
    };
    let (scores, epochs, embedding) = (
        asked(&FROM_SCORES),
        asked(&["fig7", "evolution"]),
        asked(&["fig6", "embedding"]),
    );
    let mut order: Vec<usize> = (0..cells.len()).collect();
    order.sort_by_key(|index| cells[*index].cell.job.seed);
    let mut seen = BTreeSet::new();
    let mut all = Vec::new();
    for index in order {
        let result = &cells[index];
        let place = (&result.cell.variant, format!("{:?}", result.cell.point));
        if !(scores || embedding) || result.record.is_none() || !seen.insert(place) {
            continue;
        }
        let mut found = CellScores {
            cell: index,
            ..CellScores::default()
        };
        if scores && let Some(bytes) = get(client, "scores", result).await? {
            found.videos = decode(&bytes)
                .map(|scores| videos(&scores))
                .ok_or_else(|| unreadable(result))?;
        }
        if epochs && let Some(bytes) = get(client, "epoch-scores", result).await? {
            evolution(&bytes, &mut found.videos).ok_or_else(|| unreadable(result))?;
        }
        if embedding && let Some(bytes) = get(client, "embedding", result).await? {
            found.embedding = embedded(&bytes).ok_or_else(|| unreadable(result))?;
        }
        all.push(found);
    }
    all.sort_by_key(|scores| scores.cell);
    Ok(all)
}

/// The bytes of a record's artifact, where it has one of that name.
async fn get(
    client: &Client,
    name: &str,
    result: &CellResult,
) -> Result<Option<Vec<u8>>, CommandError> {
    let mut artifacts = result
        .record
        .iter()
        .flat_map(|record| &record.outcome.artifacts);
    let Some(artifact) = artifacts.find(|artifact| artifact.name == name) else {
        return Ok(None);
    };
    let bytes = client.artifact(artifact.digest, MOST_BYTES).await;
    bytes.map(Some).map_err(|error| client.failed(error))
}

fn unreadable(result: &CellResult) -> CommandError {
    CommandError::Other(format!(
        "the scores of job {} cannot be read",
        result.job_id.short()
    ))
}

/// Puts the reported score after each epoch beside the final one of each video that was kept.
fn evolution(bytes: &[u8], videos: &mut [VideoScores]) -> Option<()> {
    let tensors = SafeTensors::deserialize(bytes).ok()?;
    let names = video_names(bytes, "gcl-epoch-scores")?;
    let scores = tensors
        .tensor("score_d")
        .or_else(|_| tensors.tensor("score_g"))
        .ok()?;
    let &[_, width] = scores.shape() else {
        return None;
    };
    let values = floats(scores.data());
    let mut start = 0_usize;
    for (name, count) in names
        .iter()
        .zip(words(tensors.tensor("segments").ok()?.data()))
    {
        let end = start
            .checked_add(count as usize)
            .filter(|end| *end <= width)?;
        if let Some(video) = videos.iter_mut().find(|video| video.name == *name) {
            let rows = values.chunks_exact(width.max(1)).zip(1..);
            video.epochs = rows
                .map(|(row, epoch)| (epoch, row[start..end].to_vec()))
                .collect();
        }
        start = end;
    }
    Some(())
}

/// Reconstructions of test segments in two dimensions.
fn embedded(bytes: &[u8]) -> Option<Vec<EmbeddedSegment>> {
    let tensors = SafeTensors::deserialize(bytes).ok()?;
    let points = floats(tensors.tensor("points").ok()?.data());
    let anomalous = tensors.tensor("anomalous").ok()?;
    let (points, _) = points.as_chunks::<2>();
    let pairs = points.iter().zip(anomalous.data());
    Some(
        pairs
            .map(|([x, y], anomalous)| EmbeddedSegment {
                x: *x,
                y: *y,
                anomalous: *anomalous > 0,
            })
            .collect(),
    )
}

fn words(data: &[u8]) -> Vec<u32> {
    data.as_chunks::<4>()
        .0
        .iter()
        .map(|bytes| u32::from_le_bytes(*bytes))
        .collect()
}

fn floats(data: &[u8]) -> Vec<f32> {
    data.as_chunks::<4>()
        .0
        .iter()
        .map(|bytes| f32::from_le_bytes(*bytes))
        .collect()
}

/// The names of the videos in an artifact's own description.
fn video_names(bytes: &[u8], key: &str) -> Option<Vec<String>> {
    let (_, metadata) = SafeTensors::read_metadata(bytes).ok()?;
    let header: serde_json::Value =
        serde_json::from_str(metadata.metadata().as_ref()?.get(key)?).ok()?;
    serde_json::from_value(header.get("videos")?.clone()).ok()
}

/// What an artifact of scores holds.
struct Scores {
    names: Vec<String>,
    /// Segments of each video.
    segments: Vec<Range<usize>>,
    positives: Vec<u32>,
    negatives: Vec<u32>,
    /// Empty without a D.
    d: Vec<f32>,
    /// Empty for a classifier.
    g: Vec<f32>,
}

/// `None` where the bytes are not what the trainer writes.
fn decode(bytes: &[u8]) -> Option<Scores> {
    let tensors = SafeTensors::deserialize(bytes).ok()?;
    let names = video_names(bytes, "gcl-scores")?;
    let counts = |name: &str| Some(words(tensors.tensor(name).ok()?.data()));
    let (positives, negatives) = (counts("positives")?, counts("negatives")?);
    let scores = |name: &str| {
        tensors
            .tensor(name)
            .map(|tensor| floats(tensor.data()))
            .unwrap_or_default()
    };
    let (d, g) = (scores("score_d"), scores("score_g"));
    let mut segments = Vec::new();
    let mut total = 0_usize;
    for count in counts("segments")? {
        let end = total.checked_add(count as usize)?;
        segments.push(total..end);
        total = end;
    }
    let fits = |length: usize| length == total || length == 0;
    let whole =
        positives.len() == total && negatives.len() == total && names.len() == segments.len();
    (whole && fits(g.len()) && fits(d.len())).then_some(Scores {
        names,
        segments,
        positives,
        negatives,
        d,
        g,
    })
}

fn videos(scores: &Scores) -> Vec<VideoScores> {
    let part = |values: &[f32], range: &Range<usize>| {
        values.get(range.clone()).unwrap_or_default().to_vec()
    };
    scores
        .names
        .iter()
        .zip(&scores.segments)
        .map(|(name, range)| {
            let (anomalous, frames) = ranges(
                &scores.positives[range.clone()],
                &scores.negatives[range.clone()],
            );
            let (d, g) = (part(&scores.d, range), part(&scores.g, range));
            VideoScores {
                name: name.clone(),
                frames,
                anomalous,
                d,
                g,
                epochs: Vec::new(),
            }
        })
        .collect()
}

/// Puts the metrics of smoothed scores where a sweep asks for smoothing. It is decided when reporting, so the record of
/// the job stays as it is; curves over epochs are those of unsmoothed scores. Answers what a reader must know of it.
pub async fn smooth(
    client: &Client,
    cells: &mut [CellResult],
) -> Result<Vec<String>, CommandError> {
    let mut smoothed = 0;
    for result in cells.iter_mut() {
        let sigma = result.cell.reporting.score_smoothing;
        let Some(record) = &result.record else {
            continue;
        };
        if sigma <= 0.0 {
            continue;
        }
        let Some(bytes) = get(client, "scores", result).await? else {
            continue;
        };
        let scores = decode(&bytes).ok_or_else(|| unreadable(result))?;
        let mut record = (**record).clone();
        record.outcome.metrics = smoothed_metrics(&scores, sigma)?;
        result.record = Some(Arc::new(record));
        smoothed += 1;
    }
    if smoothed == 0 {
        return Ok(Vec::new());
    }
    Ok(vec![format!(
        "The metrics of {smoothed} cells are of scores smoothed by a Gaussian within each video (score_smoothing); their curves over epochs are not smoothed."
    )])
}

#[cfg(feature = "train")]
#[expect(
    clippy::unnecessary_wraps,
    reason = "a build without metrics refuses here"
)]
fn smoothed_metrics(scores: &Scores, sigma: f64) -> Result<FinalMetrics, CommandError> {
    use gcl::metrics::{AlarmRule, D_THRESHOLD, Frames, G_RECALL, evaluate, smooth};
    let mut frames = Frames::default();
    for range in &scores.segments {
        frames.push_counts(
            &scores.positives[range.clone()],
            &scores.negatives[range.clone()],
        );
    }
    let metrics = |values: &[f32], rule: AlarmRule| {
        (!values.is_empty())
            .then(|| evaluate(&smooth(values, frames.videos(), sigma), &frames, rule))
    };
    Ok(FinalMetrics {
        d: metrics(&scores.d, AlarmRule::At(D_THRESHOLD)),
        g: metrics(&scores.g, AlarmRule::Recall(G_RECALL)),
    })
}

#[cfg(not(feature = "train"))]
fn smoothed_metrics(_: &Scores, _: f64) -> Result<FinalMetrics, CommandError> {
    Err(CommandError::Usage(
        "the sweep asks for score_smoothing, and this build has no metrics (it was made with --no-default-features): write its report with a full build".into(),
    ))
}

/// Ranges of anomalous frames with the right number in each segment, and the number of frames.
fn ranges(positives: &[u32], negatives: &[u32]) -> (Vec<(u64, u64)>, u64) {
    let mut ranges: Vec<(u64, u64)> = Vec::new();
    let mut first = 0;
    for (index, (positive, negative)) in positives.iter().zip(negatives).enumerate() {
        let (positive, negative) = (u64::from(*positive), u64::from(*negative));
        let end = first + positive + negative;
        if positive > 0 {
            let goes_on = positives.get(index + 1).is_some_and(|next| *next > 0);
            let from_before = ranges.last().is_some_and(|range| range.1 == first);
            let range = if goes_on && !from_before {
                (end - positive, end)
            } else {
                (first, first + positive)
            };
            match ranges.last_mut() {
                Some(last) if last.1 == range.0 => last.1 = range.1,
                _ => ranges.push(range),
            }
        }
        first = end;
    }
    (ranges, first)
}

#[cfg(test)]
mod tests {
    use super::ranges;

    #[test]
    fn an_event_over_several_segments_is_one_range() {
        assert_eq!(
            ranges(&[0, 4, 16, 3, 0], &[16, 12, 0, 13, 20]),
            (vec![(28, 51)], 84)
        );
        assert_eq!(
            ranges(&[16, 0, 5], &[0, 16, 11]),
            (vec![(0, 16), (32, 37)], 48)
        );
    }
}
