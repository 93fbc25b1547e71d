//! Which videos are labelled by a model of the others.

use crate::method::random_streams::{shuffle, stream};

/// The fold of each video: those of a random order are dealt out in turn.
pub(crate) fn deal(seed: u64, videos: usize, folds: usize) -> Vec<u32> {
    let mut order: Vec<u32> = (0..videos as u32).collect();
    shuffle(&mut stream(seed, "folds"), &mut order);
    let mut fold = vec![0; videos];
    for (place, video) in order.into_iter().enumerate() {
        fold[video as usize] = (place % folds.max(1)) as u32;
    }
    fold
}

/// Rows in a fold and all others, ascending. `fold`: of each row.
pub(crate) fn part(fold: &[u32], wanted: u32) -> (Vec<u32>, Vec<u32>) {
    (0..fold.len() as u32).partition(|row| fold[*row as usize] == wanted)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn folds_are_of_equal_size_and_follow_the_seed() {
        let fold = deal(3, 23, 5);
        let mut sizes = [0; 5];
        for fold in &fold {
            sizes[*fold as usize] += 1;
        }
        sizes.sort_unstable();
        assert_eq!(sizes, [4, 4, 5, 5, 5]);
        assert_eq!(fold, deal(3, 23, 5));
        assert_ne!(fold, deal(4, 23, 5));
    }

    /// Every record of a cross-fitted job hangs on it.
    #[test]
    fn the_deal_is_pinned() {
        assert_eq!(deal(0, 8, 3), PINNED);
    }
    const PINNED: [u32; 8] = [2, 0, 1, 1, 1, 2, 0, 0];

    #[test]
    fn a_part_and_the_others_are_all_rows() {
        assert_eq!(part(&[1, 0, 1, 2], 1), (vec![0, 2], vec![1, 3]));
    }
}
