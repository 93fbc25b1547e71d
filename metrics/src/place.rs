//! Scores of where a frame is, without a look at it: what a test split gives away by how it was cut.
//!
//! A detector that cannot beat them has shown nothing about what it sees. They need the numbers of frames alone.

use crate::frames::Frames;

/// −(frames of the video) for each of its segments: short videos score high.
pub fn length(frames: &Frames) -> Vec<f32> {
    each_video(frames, |lengths, out| {
        let total: u64 = lengths.iter().map(|length| u64::from(*length)).sum();
        out.extend(lengths.iter().map(|_| -(total as f64) as f32));
    })
}

/// −(segments of the clip) for each of them: clips are cut in segments, of which a video's last may have more or fewer frames than the others.
pub fn segments(frames: &Frames) -> Vec<f32> {
    each_video(frames, |lengths, out| {
        out.extend(lengths.iter().map(|_| -(lengths.len() as f64) as f32));
    })
}

/// min(i, n − 1 − i)/nᵖ of frame i of a video's n, `power` = p: the mean over the frames of a segment, which is the frame's own where every
/// segment is one frame.
pub fn place(frames: &Frames, power: i32) -> Vec<f32> {
    each_video(frames, |lengths, out| {
        let total: u64 = lengths.iter().map(|length| u64::from(*length)).sum();
        let mut start = 0_u64;
        for length in lengths {
            let end = start + u64::from(*length);
            // Whole numbers until the division: frames before the middle count up, those after it down.
            let sum: u64 = (start..end).map(|i| i.min(total - 1 - i)).sum();
            let mean = sum as f64 / (end - start).max(1) as f64;
            out.push((mean / (total as f64).powi(power)) as f32);
            start = end;
        }
    })
    .into_iter()
    // A segment without frames, in a video without any.
    .map(|score| if score.is_finite() { score } else { 0.0 })
    .collect()
}

/// What `score` makes of the number of frames of each segment, video by video.
fn each_video(frames: &Frames, score: impl Fn(&[u32], &mut Vec<f32>)) -> Vec<f32> {
    let mut scores = Vec::with_capacity(frames.segments());
    for video in frames.videos() {
        let counts = video.clone();
        let lengths: Vec<u32> = counts
            .map(|segment| frames.positives()[segment].saturating_add(frames.negatives()[segment]))
            .collect();
        score(&lengths, &mut scores);
    }
    scores
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Videos of so many frames in segments of `per_segment`.
    fn frames(videos: &[u32], per_segment: u32) -> Frames {
        let mut frames = Frames::default();
        for count in videos {
            let segments = (count / per_segment).max(1) as usize;
            frames.push(segments, *count, per_segment, &[]);
        }
        frames
    }

    #[test]
    fn every_segment_has_the_length_of_its_video() {
        let lengths = length(&frames(&[37, 16, 5], 16));
        assert_eq!(lengths, [-37.0, -37.0, -16.0, -5.0]);
    }

    #[test]
    fn a_frame_in_the_middle_scores_highest() {
        let found = place(&frames(&[5, 4, 1], 1), 1);
        let expected = [0.0, 1.0, 2.0, 1.0, 0.0, 0.0, 1.0, 1.0, 0.0, 0.0];
        let of = |index: usize| [5.0, 5.0, 5.0, 5.0, 5.0, 4.0, 4.0, 4.0, 4.0, 1.0][index];
        for (index, (found, expected)) in found.iter().zip(expected).enumerate() {
            assert!((f64::from(*found) - expected / of(index)).abs() < 1e-7);
        }
        let by_length = place(&frames(&[5, 4], 1), 2);
        assert!((f64::from(by_length[2]) - 2.0 / 25.0).abs() < 1e-7);
        assert!((f64::from(by_length[6]) - 1.0 / 16.0).abs() < 1e-7);
    }

    #[test]
    fn a_segment_has_the_mean_of_its_frames() {
        let (one, many) = (place(&frames(&[70], 1), 1), place(&frames(&[70], 16), 1));
        let parts = [0..16, 16..32, 32..48, 48..70];
        assert_eq!(many.len(), parts.len());
        for (part, found) in parts.into_iter().zip(many) {
            let count = part.len() as f64;
            let mean = one[part].iter().map(|x| f64::from(*x)).sum::<f64>() / count;
            assert!((mean - f64::from(found)).abs() < 1e-7);
        }
    }

    #[test]
    fn segments_without_frames_have_a_score() {
        let mut empty = Frames::default();
        empty.push(2, 0, 16, &[]);
        empty.push(3, 16, 16, &[]);
        for scores in [length(&empty), place(&empty, 1), place(&empty, 2)] {
            assert_eq!(scores.len(), 5);
            assert!(scores.iter().all(|score| score.is_finite()));
        }
    }
}
