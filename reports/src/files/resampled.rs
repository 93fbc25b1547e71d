//! Differences over resampled test videos in `sweep.json`.

use serde::{Deserialize, Serialize};

use super::cell_value::cell_value;
use crate::results::{RowKey, VideoInterval};
use statistics::Interval;

/// The difference of AUC between two rows over resampled test videos.
#[derive(Debug, Default, Serialize, Deserialize)]
#[serde(default)]
pub(super) struct Resampled {
    left: Row,
    right: Row,
    seeds: usize,
    videos: usize,
    anomalous_videos: usize,
    difference: f64,
    low: f64,
    high: f64,
}

#[derive(Debug, Default, Serialize, Deserialize)]
#[serde(default)]
struct Row {
    variant: String,
    /// Swept values as `results.csv` has them; empty where the variant has none.
    point: Vec<String>,
}

/// As `sweep.json` has it.
pub(super) fn resampled(found: &VideoInterval) -> Resampled {
    let row = |key: &RowKey| {
        let values = key.point.iter();
        Row {
            variant: key.variant.clone(),
            point: values
                .map(|value| value.as_ref().map_or_else(String::new, ToString::to_string))
                .collect(),
        }
    };
    Resampled {
        left: row(&found.left),
        right: row(&found.right),
        seeds: found.seeds,
        videos: found.videos,
        anomalous_videos: found.anomalous_videos,
        difference: found.difference,
        low: found.interval.low,
        high: found.interval.high,
    }
}

/// As a report has it whose columns are these; `written` are those of the file.
pub(super) fn video_interval(
    found: Resampled,
    written: &[String],
    columns: &[String],
) -> VideoInterval {
    // Files of earlier versions name no columns: their order is that of the table.
    let written = if written.is_empty() { columns } else { written };
    let value = |row: &Row, column: &String| {
        let at = written.iter().position(|name| name == column)?;
        cell_value(column, row.point.get(at)?, b',')
    };
    let key = |row: Row| RowKey {
        point: columns.iter().map(|column| value(&row, column)).collect(),
        variant: row.variant,
    };
    VideoInterval {
        left: key(found.left),
        right: key(found.right),
        seeds: found.seeds,
        videos: found.videos,
        anomalous_videos: found.anomalous_videos,
        difference: found.difference,
        interval: Interval {
            low: found.low,
            high: found.high,
        },
    }
}
