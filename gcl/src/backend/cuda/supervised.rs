//! The rows of a batch whose videos are known (Fig. 9), as kernels take them.

use sweeps::training::WeakSupervision;

use crate::method::labels::Supervision;

/// Places in a batch: those of normal videos, then those of anomalous ones, video by video and in order. Keeps its buffers.
#[derive(Debug, Default)]
pub(super) struct Supervised {
    /// Places of normal rows, places of anomalous ones, and where each anomalous video begins among those, with the end of the last.
    packed: Vec<u32>,
    normal: usize,
    anomalous: usize,
    /// Rows of the batch per video, then where its next one goes.
    next: Vec<u32>,
}

impl Supervised {
    /// Finds the rows of a batch; the videos of all must be in `supervision`. Anomalous ones only where their best is kept.
    pub(super) fn fill(&mut self, supervision: &Supervision<'_>, rows: &[u32]) {
        let video = |row: &u32| supervision.video[*row as usize] as usize;
        let top = supervision.mode == WeakSupervision::MaskTop;
        let anomalous = |video: usize| top && supervision.known[video] == Some(true);
        self.packed.clear();
        for (place, row) in rows.iter().enumerate() {
            if supervision.known[video(row)] == Some(false) {
                self.packed.push(place as u32);
            }
        }
        self.normal = self.packed.len();
        self.next.clear();
        self.next.resize(supervision.known.len(), 0);
        for video in rows.iter().map(video).filter(|video| anomalous(*video)) {
            self.next[video] += 1;
        }
        let mut begins = Vec::new();
        let mut total = 0;
        for next in self.next.iter_mut().filter(|count| **count > 0) {
            begins.push(total);
            total += std::mem::replace(next, total);
        }
        self.anomalous = total as usize;
        self.packed.resize(self.normal + self.anomalous, 0);
        for (place, row) in rows.iter().enumerate() {
            if anomalous(video(row)) {
                let next = &mut self.next[video(row)];
                self.packed[self.normal + *next as usize] = place as u32;
                *next += 1;
            }
        }
        if total > 0 {
            begins.push(total);
        }
        self.packed.extend(begins);
    }

    /// Whether it concerns no row.
    pub(super) fn is_empty(&self) -> bool {
        self.packed.is_empty()
    }

    /// All of it.
    pub(super) fn packed(&self) -> &[u32] {
        &self.packed
    }

    /// Rows of normal videos.
    pub(super) fn normal_rows(&self) -> usize {
        self.normal
    }

    /// Rows of anomalous videos.
    pub(super) fn anomalous_rows(&self) -> usize {
        self.anomalous
    }

    /// Anomalous videos that have rows in the batch.
    pub(super) fn anomalous_videos(&self) -> usize {
        (self.packed.len() - self.normal - self.anomalous).saturating_sub(1)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_are_sorted_by_video_and_stay_in_order() {
        let mut found = Supervised::default();
        // Rows of videos 2, 0, 3, 2, 1, 0, 3: normal, anomalous, unknown, anomalous.
        let supervision = |mode| Supervision {
            video: &[0, 0, 1, 2, 2, 3, 3],
            known: &[Some(true), None, Some(false), Some(true)],
            mode,
        };
        let rows = [3, 0, 5, 4, 2, 1, 6];
        found.fill(&supervision(WeakSupervision::MaskTop), &rows);
        assert_eq!(found.packed(), [0, 3, 1, 5, 2, 6, 0, 2, 4]);
        let sizes = (found.normal_rows(), found.anomalous_rows());
        assert_eq!((sizes, found.anomalous_videos()), ((2, 4), 2));
        found.fill(&supervision(WeakSupervision::Mask), &rows);
        assert_eq!(found.packed(), [0, 3]);
        assert_eq!(found.anomalous_videos(), 0);
        found.fill(&supervision(WeakSupervision::MaskTop), &[2, 2]);
        assert!(found.is_empty());
    }
}
