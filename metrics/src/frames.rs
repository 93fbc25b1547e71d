//! The frames of a split by segments and videos. Nothing is ever expanded to frames: counts say how many of a segment's
//! frames are anomalous and how many normal, for any number of frames per segment.

use std::ops::Range;

use crate::roc::Roc;

/// What the frames of the test videos are: for every segment how many frames its score stands for, by truth.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Frames {
    /// Anomalous frames per segment.
    positives: Vec<u32>,
    /// Normal frames per segment.
    negatives: Vec<u32>,
    /// The segments of each video.
    videos: Vec<Range<usize>>,
}

impl Frames {
    /// Adds a video of `frames` frames in `segments` segments of `frames_per_segment`, whose anomalous frames are those of
    /// `anomalous` (ascending, not overlapping). Segment i stands for the frames from i·`frames_per_segment`, the last one
    /// for all the rest.
    pub fn push(
        &mut self,
        segments: usize,
        frames: u32,
        frames_per_segment: u32,
        anomalous: &[Range<u32>],
    ) {
        let first = self.positives.len();
        for segment in 0..segments {
            let start = (segment as u32)
                .saturating_mul(frames_per_segment)
                .min(frames);
            let end = if segment + 1 == segments {
                frames
            } else {
                start.saturating_add(frames_per_segment).min(frames)
            };
            let positive: u32 = anomalous
                .iter()
                .map(|range| range.end.min(end).saturating_sub(range.start.max(start)))
                .sum();
            let positive = positive.min(end - start);
            self.positives.push(positive);
            self.negatives.push(end - start - positive);
        }
        self.videos.push(first..self.positives.len());
    }

    /// Adds a video whose segments stand for these anomalous and normal frames, as an artifact of scores says.
    pub fn push_counts(&mut self, positives: &[u32], negatives: &[u32]) {
        let first = self.positives.len();
        for (positive, negative) in positives.iter().zip(negatives) {
            self.positives.push(*positive);
            self.negatives.push(*negative);
        }
        self.videos.push(first..self.positives.len());
    }

    /// The frames of the same videos one by one, each a segment of its own; `truth` says of each whether it is anomalous. Frames beyond
    /// its end are left out.
    #[must_use]
    pub fn one_by_one(&self, truth: &[bool]) -> Self {
        let mut single = Self::default();
        let mut rest = truth;
        for video in &self.videos {
            let (own, after) = rest.split_at(self.count(video).min(rest.len()));
            rest = after;
            let positives: Vec<u32> = own.iter().map(|anomalous| u32::from(*anomalous)).collect();
            let negatives: Vec<u32> = positives.iter().map(|positive| 1 - positive).collect();
            single.push_counts(&positives, &negatives);
        }
        single
    }

    /// Whether `truth`, frame by frame, is that of these segments.
    pub(crate) fn has_frames(&self, truth: &[bool]) -> bool {
        let mut rest = truth;
        for (positive, negative) in self.positives.iter().zip(&self.negatives) {
            let count = *positive as usize + *negative as usize;
            let Some((own, after)) = rest.split_at_checked(count) else {
                return false;
            };
            rest = after;
            let found = own.iter().filter(|anomalous| **anomalous).count();
            if found != *positive as usize {
                return false;
            }
        }
        rest.is_empty()
    }

    /// Frames of those segments.
    fn count(&self, segments: &Range<usize>) -> usize {
        let own = segments.clone();
        own.map(|segment| self.positives[segment] as usize + self.negatives[segment] as usize)
            .sum()
    }

    /// Number of segments.
    pub fn segments(&self) -> usize {
        self.positives.len()
    }

    /// The segments of each video.
    pub fn videos(&self) -> &[Range<usize>] {
        &self.videos
    }

    /// Anomalous frames per segment.
    pub fn positives(&self) -> &[u32] {
        &self.positives
    }

    /// Normal frames per segment.
    pub fn negatives(&self) -> &[u32] {
        &self.negatives
    }

    /// Whether a video has an anomalous frame.
    pub fn is_anomalous(&self, video: &Range<usize>) -> bool {
        self.positives[video.clone()].iter().any(|count| *count > 0)
    }

    /// The ROC curve of the frames of these videos.
    ///
    /// # Shapes
    /// `scores`: one finite number per segment of all videos.
    pub fn roc(&self, scores: &[f32], videos: impl Iterator<Item = Range<usize>>) -> Roc {
        Roc::new(videos.flatten().map(|segment| {
            (
                scores[segment],
                u64::from(self.positives[segment]),
                u64::from(self.negatives[segment]),
            )
        }))
    }
}
