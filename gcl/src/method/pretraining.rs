//! Which rows pre-train G (§3.3).

use sweeps::Training;
use sweeps::training::{DifferenceBound, DifferenceScale, Pretraining};

use crate::data::features::Features;
use crate::data::prepared::Prepared;
use crate::data::scaling::norm;
use crate::error::TrainError;

/// The rows that differ little from the segment before them.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Selection {
    /// The kept rows, ascending.
    pub(crate) rows: Vec<u32>,
    /// D_th.
    pub(crate) threshold: f64,
    /// The share of the rows with a predecessor that is kept.
    pub(crate) share: f64,
}

/// The rows that pre-train G, or all.
pub(crate) fn selected_rows(
    training: &Training,
    dataset: &Prepared,
) -> Result<Selection, TrainError> {
    let everything = |rows: Vec<u32>| Selection {
        rows,
        threshold: 0.0,
        share: 1.0,
    };
    Ok(match training.pretraining {
        Pretraining::Off => everything(Vec::new()),
        Pretraining::TemporalDifference { bound, scale } => {
            by_difference(&dataset.train, &dataset.video, dataset.crops, bound, scale)
        }
        Pretraining::NormalOnly => {
            let rows = rows_of_videos(&dataset.video, |video| dataset.labels[video] == Some(false));
            if rows.is_empty() {
                return Err(TrainError::bad_data(
                    "pretraining = \"normal-only\" needs training videos labelled normal, and train.csv has none",
                ));
            }
            everything(rows)
        }
    })
}

/// The rows of those videos that are wanted. `video`: the video of each row.
pub(crate) fn rows_of_videos(video: &[u32], is_wanted: impl Fn(usize) -> bool) -> Vec<u32> {
    (0..video.len() as u32)
        .filter(|row| is_wanted(video[*row as usize] as usize))
        .collect()
}

/// Rows whose features differ by at most D_th from those one segment earlier in the same video (and the same crop).
/// The first segment of a video has no predecessor and is left out. A quantile interpolates linearly between order
/// statistics, as NumPy and PyTorch do.
///
/// # Shapes
/// `video`: the video of each row of `features`; `crops` rows a segment.
pub(crate) fn by_difference(
    features: &Features,
    video: &[u32],
    crops: usize,
    bound: DifferenceBound,
    scale: DifferenceScale,
) -> Selection {
    let differences = differences(features, video, crops, scale);
    let threshold = match bound {
        DifferenceBound::Threshold(threshold) => threshold,
        DifferenceBound::Quantile(share) => {
            quantile(differences.iter().map(|(_, difference)| *difference), share)
        }
    };
    let rows: Vec<u32> = differences
        .iter()
        .filter(|(_, difference)| *difference <= threshold)
        .map(|(row, _)| *row)
        .collect();
    Selection {
        share: if differences.is_empty() {
            0.0
        } else {
            rows.len() as f64 / differences.len() as f64
        },
        rows,
        threshold,
    }
}

/// Rows with a predecessor, and how far they are from it. Each row is read once.
fn differences(
    features: &Features,
    video: &[u32],
    crops: usize,
    scale: DifferenceScale,
) -> Vec<(u32, f64)> {
    let unit = |row: &[f32]| match scale {
        DifferenceScale::UnitNorm => 1.0 / norm(row).max(1e-12),
        DifferenceScale::AsIs => 1.0,
    };
    // The last row of every crop, with its factor: row r − crops lies where r's own will.
    let mut last = vec![(vec![0.0; features.columns()], 1.0); crops];
    let mut row = vec![0.0; features.columns()];
    let mut differences = Vec::new();
    for index in 0..features.rows() {
        features.copy_row(index, &mut row);
        let here = unit(&row);
        let (before_row, before) = &mut last[index % crops];
        if index >= crops && video[index] == video[index - crops] {
            let difference = row
                .iter()
                .zip(&*before_row)
                .map(|(x, y)| {
                    let difference = f64::from(*x) * here - f64::from(*y) * *before;
                    difference * difference
                })
                .sum::<f64>()
                .sqrt();
            differences.push((index as u32, difference));
        }
        std::mem::swap(before_row, &mut row);
        *before = here;
    }
    differences
}

fn quantile(values: impl Iterator<Item = f64>, share: f64) -> f64 {
    let mut values: Vec<f64> = values.collect();
    values.sort_unstable_by(f64::total_cmp);
    let Some(last) = values.len().checked_sub(1) else {
        return 0.0;
    };
    let place = share * last as f64;
    let below = (place.floor() as usize).min(last);
    let above = (below + 1).min(last);
    values[below] + (values[above] - values[below]) * (place - below as f64)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::data::matrix::Matrix;

    #[test]
    fn the_first_segment_of_a_video_is_left_out() {
        let features = Features::from(Matrix::new(vec![1.0, 1.5, 9.0, 9.0, 9.1, 1.0], 1));
        let video = [0, 0, 0, 1, 1, 1];
        let found = by_difference(
            &features,
            &video,
            1,
            DifferenceBound::Threshold(0.7),
            DifferenceScale::AsIs,
        );
        assert_eq!(found.rows, [1, 4]);
        assert_eq!(found.share, 0.5);
        // Differences 0.5, 7.5, 0.1, 8.1: the median lies between 0.5 and 7.5.
        let half = by_difference(
            &features,
            &video,
            1,
            DifferenceBound::Quantile(0.5),
            DifferenceScale::AsIs,
        );
        assert_eq!(half.rows, [1, 4]);
        assert!((half.threshold - 4.0).abs() < 1e-6);
    }

    #[test]
    fn unit_norm_compares_directions_and_crops_compare_with_their_own() {
        // Two crops a segment; the second segment is twice the first, with the crops kept apart.
        let features = Features::from(Matrix::new(vec![1.0, 0.0, 0.0, 1.0, 2.0, 0.0, 0.0, 2.0], 2));
        let kept = |scale| {
            by_difference(
                &features,
                &[0; 4],
                2,
                DifferenceBound::Threshold(0.7),
                scale,
            )
            .rows
        };
        assert_eq!(kept(DifferenceScale::UnitNorm), [2, 3]);
        assert!(kept(DifferenceScale::AsIs).is_empty());
    }
}
