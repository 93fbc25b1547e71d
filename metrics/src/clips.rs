//! Test videos cut into clips of about equal length, so that how long a video is says nothing.

use std::cmp::Ordering;
use std::ops::Range;

use crate::frames::Frames;

impl Frames {
    /// The same segments with every video of T segments cut into max(1, round(T/`segments`)) clips, the j-th of k from
    /// segment round(j·T/k) on; halves are rounded to the even number, as Python and NumPy do. A clip is a video to every metric: it is
    /// anomalous where any of its frames is.
    ///
    /// # Panics
    /// If `segments` is 0.
    #[must_use]
    pub fn clips(&self, segments: u32) -> Self {
        let mut clips = Self::default();
        for video in self.videos() {
            for clip in cut(video.len(), segments as usize) {
                let own = video.start + clip.start..video.start + clip.end;
                clips.push_counts(&self.positives()[own.clone()], &self.negatives()[own]);
            }
        }
        clips
    }
}

/// The clips of a video of `length` segments; one, if it has none.
fn cut(length: usize, segments: usize) -> impl Iterator<Item = Range<usize>> {
    let clips = rounded(length, segments).max(1);
    let bound = move |clip: usize| rounded(clip * length, clips);
    (0..clips).map(move |clip| bound(clip)..bound(clip + 1))
}

/// The whole number next to numerator/denominator; of two the even one.
fn rounded(numerator: usize, denominator: usize) -> usize {
    let (whole, rest) = (numerator / denominator, numerator % denominator);
    match (2 * rest).cmp(&denominator) {
        Ordering::Less => whole,
        Ordering::Equal => whole + whole % 2,
        Ordering::Greater => whole + 1,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{AlarmRule, evaluate};
    use proptest::prelude::*;

    fn bounds(length: usize, segments: usize) -> Vec<usize> {
        cut(length, segments).map(|clip| clip.end).collect()
    }

    #[test]
    fn clips_are_of_about_the_length_that_is_asked_for() {
        assert_eq!(bounds(7, 20), [7], "a short video stays whole");
        assert_eq!(bounds(29, 20), [29]);
        // Python: k = max(1, round(T / N)); [round(j * T / k) for j in range(1, k + 1)].
        assert_eq!(bounds(30, 20), [15, 30], "1.5 clips are two");
        assert_eq!(bounds(50, 20), [25, 50], "and so are 2.5");
        assert_eq!(bounds(61, 20), [20, 41, 61]);
        assert_eq!(bounds(5, 2), [2, 5], "the middle of 5 is 2");
        assert_eq!(bounds(7, 4), [4, 7], "and that of 7 is 4");
        assert_eq!(bounds(0, 20), [0]);
    }

    proptest! {
        /// Every segment is in one clip, in its order; clips of a video differ by one segment at most.
        #[test]
        fn clips_are_the_video(length in 0_usize..500, segments in 1_usize..60) {
            let clips: Vec<_> = cut(length, segments).collect();
            let all: Vec<usize> = clips.iter().cloned().flatten().collect();
            prop_assert_eq!(all, (0..length).collect::<Vec<_>>());
            let lengths = || clips.iter().map(ExactSizeIterator::len);
            prop_assert!(lengths().max().unwrap() - lengths().min().unwrap() <= 1);
        }
    }

    #[test]
    fn the_pooled_auc_stays_and_a_clip_is_a_video() {
        let mut frames = Frames::default();
        // Anomalous at its end alone: cut in two, its first half is a normal clip.
        frames.push(4, 64, 16, std::slice::from_ref(&(40..64)));
        frames.push(2, 32, 16, &[]);
        let clips = frames.clips(2);
        assert_eq!(clips.videos(), [0..2, 2..4, 4..6]);
        let scores = [0.9, 0.1, 0.4, 0.8, 0.3, 0.2];
        let of = |frames: &Frames| evaluate(&scores, frames, AlarmRule::At(0.5));
        let (whole, cut) = (of(&frames), of(&clips));
        assert_eq!((whole.auc, whole.ap), (cut.auc, cut.ap));
        // Of the anomalous clip alone: its first segment has 8 normal frames, and scores below the second.
        assert_eq!(cut.ano_auc, cut.macro_auc);
        assert!(cut.macro_auc > whole.macro_auc);
        assert_eq!((whole.far, cut.far), (Some(0.0), Some(0.25)));
    }
}
