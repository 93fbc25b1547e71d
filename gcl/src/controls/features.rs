//! The simplest scores that can be made of features: how long they are, how much they move.

use std::ops::Range;

use crate::baselines::fit::{Fault, FitContext};
use crate::baselines::numbers::{CHUNK, each};
use crate::data::scaling::norm;

/// ‖f‖₂ of every test row.
pub(crate) fn norms(context: &FitContext<'_>) -> Result<Vec<f64>, Fault> {
    each_row(context, |_, row| norm(row))
}

/// ‖f(t) − f(t−1)‖₂ of every test row, with the same crop of the segment before it; 0 in the first segment of a video.
///
/// # Shapes
/// `videos`: the segments of each test video; `crops` rows a segment.
pub(crate) fn temporal_differences(
    context: &FitContext<'_>,
    videos: &[Range<usize>],
    crops: usize,
) -> Result<Vec<f64>, Fault> {
    let mut first = vec![false; context.test.rows()];
    for video in videos.iter().filter(|video| !video.is_empty()) {
        first[video.start * crops..][..crops].fill(true);
    }
    each_row(context, |index, row| {
        if first[index] {
            return 0.0;
        }
        let mut scratch = Vec::new();
        distance(row, context.test.row(index - crops, &mut scratch))
    })
}

/// ‖x − y‖₂.
pub(crate) fn distance(x: &[f32], y: &[f32]) -> f64 {
    x.iter()
        .zip(y)
        .map(|(x, y)| {
            let difference = f64::from(*x) - f64::from(*y);
            difference * difference
        })
        .sum::<f64>()
        .sqrt()
}

/// What `score` makes of every test row, side by side on the threads.
fn each_row(
    context: &FitContext<'_>,
    score: impl Fn(usize, &[f32]) -> f64 + Sync + Send,
) -> Result<Vec<f64>, Fault> {
    let count = context.test.rows();
    let parts = each(context.threads, count.div_ceil(CHUNK), |part| {
        context.go_on()?;
        let mut scratch = Vec::new();
        let rows = part * CHUNK..((part + 1) * CHUNK).min(count);
        Ok(rows
            .map(|row| score(row, context.test.row(row, &mut scratch)))
            .collect::<Vec<f64>>())
    });
    Ok(parts.into_iter().collect::<Result<Vec<_>, _>>()?.concat())
}
