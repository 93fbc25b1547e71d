//! Scores per segment of a cell on the test split: what Fig. 4, 7, 8 and ROC curves are drawn from.
//!
//! A segment carries its own number of frames and how many of them are anomalous, as the trainer recorded them; no number
//! of frames per segment is assumed. Which of a segment's frames are anomalous is not kept: histograms and ROC curves need
//! no more, and the edge of a shaded event can be off by less than a segment.

use std::ops::Range;

use metrics::Frames;
use metrics::artifact::{EpochScores, Scores};

/// Scores of one test video.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct VideoScores {
    /// Its name.
    pub name: String,
    /// What each segment's score stands for.
    pub segments: Vec<SegmentFrames>,
    /// D's score per segment after the last epoch; empty without a D.
    pub d: Vec<f32>,
    /// G's score per segment after the last epoch.
    pub g: Vec<f32>,
    /// The reported score per segment after earlier epochs, where it was kept.
    pub epochs: Vec<(u32, Vec<f32>)>,
}

/// The frames that a segment's score stands for.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct SegmentFrames {
    /// Their number.
    pub frames: u32,
    /// How many of them are anomalous.
    pub anomalous: u32,
}

impl VideoScores {
    /// A video without scores whose segments stand for `frames_per_segment` frames each, the last for all the rest;
    /// `anomalous` has its anomalous frames, ascending.
    pub fn with_truth(
        name: &str,
        segments: usize,
        frames: u32,
        frames_per_segment: u32,
        anomalous: &[Range<u32>],
    ) -> Self {
        let mut split = Frames::default();
        split.push(segments, frames, frames_per_segment, anomalous);
        Self {
            name: name.to_owned(),
            segments: segments_of(&split, 0..segments),
            ..Self::default()
        }
    }

    /// The number of its frames.
    pub fn frames(&self) -> u64 {
        self.segments
            .iter()
            .map(|segment| u64::from(segment.frames))
            .sum()
    }

    /// Whether it has an anomalous frame.
    pub fn is_anomalous(&self) -> bool {
        self.segments.iter().any(|segment| segment.anomalous > 0)
    }

    /// For each segment: its first frame, the frame after its last, and how many of its frames are anomalous.
    pub fn spans(&self) -> impl Iterator<Item = (u64, u64, u64)> + '_ {
        self.segments.iter().scan(0, |end, segment| {
            let from = *end;
            *end += u64::from(segment.frames);
            Some((from, *end, u64::from(segment.anomalous)))
        })
    }

    /// Ranges of anomalous frames, the end not included, with the recorded number in each segment. Where a segment is
    /// anomalous in part, its anomalous frames are those beside the neighbour's.
    pub fn anomalous_ranges(&self) -> Vec<(u64, u64)> {
        let mut ranges: Vec<(u64, u64)> = Vec::new();
        for (index, (from, to, anomalous)) in self.spans().enumerate() {
            if anomalous == 0 {
                continue;
            }
            let goes_on = self
                .segments
                .get(index + 1)
                .is_some_and(|next| next.anomalous > 0);
            let from_before = ranges.last().is_some_and(|range| range.1 == from);
            let range = if goes_on && !from_before {
                (to - anomalous, to)
            } else {
                (from, from + anomalous)
            };
            match ranges.last_mut() {
                Some(last) if last.1 == range.0 => last.1 = range.1,
                _ => ranges.push(range),
            }
        }
        ranges
    }

    /// The area under the ROC curve of the frames of this video alone; `None` with one class.
    pub fn auc_within(&self, scores: &[f32]) -> Option<f64> {
        let segments = self.segments.iter().zip(scores);
        metrics::Roc::new(segments.map(|(segment, score)| {
            (
                *score,
                u64::from(segment.anomalous),
                u64::from(segment.frames - segment.anomalous.min(segment.frames)),
            )
        }))
        .auc()
    }
}

fn segments_of(frames: &Frames, video: Range<usize>) -> Vec<SegmentFrames> {
    let (positives, negatives) = (frames.positives(), frames.negatives());
    video
        .map(|segment| SegmentFrames {
            frames: positives[segment].saturating_add(negatives[segment]),
            anomalous: positives[segment],
        })
        .collect()
}

/// The videos of a job's final scores.
pub fn videos_of(scores: &Scores) -> Vec<VideoScores> {
    let part = |values: &Option<Vec<f32>>, video: &Range<usize>| {
        let values = values.as_deref().unwrap_or_default();
        values.get(video.clone()).unwrap_or_default().to_vec()
    };
    scores
        .names
        .iter()
        .zip(scores.frames.videos())
        .map(|(name, video)| VideoScores {
            name: name.clone(),
            segments: segments_of(&scores.frames, video.clone()),
            d: part(&scores.d, video),
            g: part(&scores.g, video),
            epochs: Vec::new(),
        })
        .collect()
}

/// Puts the scores after each epoch, D's where there is a D, beside the final ones of each video that was kept. Answers
/// whether they are of the same segments.
pub fn keep_epochs(scores: &EpochScores, videos: &mut [VideoScores]) -> bool {
    let Some(values) = scores.d.as_ref().or(scores.g.as_ref()) else {
        return false;
    };
    let width = scores.frames.segments();
    for (name, own) in scores.names.iter().zip(scores.frames.videos()) {
        let Some(video) = videos.iter_mut().find(|video| video.name == *name) else {
            continue;
        };
        if video.segments != segments_of(&scores.frames, own.clone()) {
            return false;
        }
        video.epochs = values
            .chunks_exact(width.max(1))
            .zip(1..)
            .map(|(row, epoch)| (epoch, row[own.clone()].to_vec()))
            .collect();
    }
    true
}

#[cfg(test)]
mod tests {
    use super::*;

    fn video(counts: &[(u32, u32)]) -> VideoScores {
        VideoScores {
            segments: counts
                .iter()
                .map(|(frames, anomalous)| SegmentFrames {
                    frames: *frames,
                    anomalous: *anomalous,
                })
                .collect(),
            ..VideoScores::default()
        }
    }

    #[test]
    fn an_event_over_several_segments_is_one_range() {
        let event = video(&[(16, 0), (16, 4), (16, 16), (16, 3), (20, 0)]);
        assert_eq!(event.anomalous_ranges(), [(28, 51)]);
        assert_eq!(event.frames(), 84);
        let two = video(&[(16, 16), (16, 0), (16, 5)]);
        assert_eq!(two.anomalous_ranges(), [(0, 16), (32, 37)]);
        let uneven = video(&[(1, 1), (8, 2), (0, 0), (24, 24), (7, 7)]);
        assert_eq!(uneven.anomalous_ranges(), [(0, 3), (9, 40)]);
    }

    #[test]
    fn a_video_says_which_segments_its_frames_are_in() {
        let video = VideoScores::with_truth("a", 3, 20, 8, &[6..10, 15..20]);
        let spans: Vec<_> = video.spans().collect();
        assert_eq!(spans, [(0, 8, 2), (8, 16, 3), (16, 20, 4)]);
        // More frames than the segments stand for, and fewer.
        let long = VideoScores::with_truth("a", 2, 30, 8, &[]);
        assert_eq!(long.spans().last(), Some((8, 30, 0)));
        let short = VideoScores::with_truth("a", 3, 5, 8, &[]);
        assert_eq!(short.spans().last(), Some((5, 5, 0)));
    }

    #[test]
    fn epochs_stand_beside_the_videos_they_are_of() {
        let mut frames = Frames::default();
        frames.push(2, 20, 8, &[]);
        frames.push(1, 9, 8, &[]);
        let mut videos = videos_of(&Scores {
            names: vec!["a".into(), "b".into()],
            frames: frames.clone(),
            frame_truth: None,
            d: None,
            g: Some(vec![0.1, 0.2, 0.3]),
        });
        assert_eq!((videos[0].g.len(), videos[1].g.len()), (2, 1));
        assert!(videos[0].d.is_empty());
        let mut kept = Frames::default();
        kept.push(1, 9, 8, &[]);
        let epochs = EpochScores {
            names: vec!["b".into()],
            all: false,
            frames: kept,
            epochs: 2,
            d: None,
            g: Some(vec![0.5, 0.6]),
        };
        assert!(keep_epochs(&epochs, &mut videos));
        assert!(videos[0].epochs.is_empty());
        assert_eq!(videos[1].epochs, [(1, vec![0.5]), (2, vec![0.6])]);
        let others = EpochScores {
            names: vec!["a".into()],
            ..epochs
        };
        assert!(!keep_epochs(&others, &mut videos), "another length");
    }
}
