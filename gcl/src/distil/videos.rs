//! Which rows are a video's.

use std::ops::Range;

/// The rows of each video, by its number; empty where it has none. `video`: of each row, video by video.
pub(crate) fn rows_of_each(video: &[u32], videos: usize) -> Vec<Range<usize>> {
    let mut rows = vec![0..0; videos];
    for (row, video) in video.iter().enumerate() {
        let range = &mut rows[*video as usize];
        if range.start == range.end {
            range.start = row;
        }
        range.end = row + 1;
    }
    rows
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_videos_rows_follow_each_other() {
        let video: Vec<u32> = (0..40).map(|row| u32::from(row >= 13)).collect();
        assert_eq!(rows_of_each(&video, 2), [0..13, 13..40]);
    }
}
