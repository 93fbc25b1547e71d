//! Differences over other test videos: which pairs, what they say, and how they outlive the scores.

#![allow(clippy::unwrap_used)] // Helpers outside `#[test]` functions are tests too.

use crate::fabricated;

use std::collections::BTreeMap;

use metrics::artifact::Scores;
use metrics::{Frames, auc};
use rand_chacha::ChaCha8Rng;
use rand_core::{Rng, SeedableRng};
use reports::video_interval::{MOST_PAIRS, ReportedScores, video_intervals, video_pairs};
use reports::{SummaryRow, SweepResults, read_csv, summary, video_interval, write_csv};
use sweeps::{JobStatus, ScoreBy};

/// What a cell's job kept: scores of forty videos that follow the truth by `skill`.
fn artifact(cell: usize, skill: f32) -> Scores {
    let mut random = ChaCha8Rng::seed_from_u64(cell as u64);
    let mut noise = || random.next_u32() as f32 / u32::MAX as f32;
    let (mut frames, mut names, mut d, mut g) =
        (Frames::default(), Vec::new(), Vec::new(), Vec::new());
    for video in 0..40_u32 {
        let event = 24..24 + 8 * (video % 4);
        frames.push(10, 83, 8, std::slice::from_ref(&event));
        names.push(format!("v{video}"));
        for segment in 0..10 {
            let inside = event.contains(&(8 * segment));
            d.push(noise() + if inside { skill } else { 0.0 });
            g.push(noise());
        }
    }
    Scores {
        names,
        frames,
        frame_truth: None,
        d: Some(d),
        g: Some(g),
    }
}

/// The scores of a sweep's cells: of each later variant a little better, of each cell with other noise.
fn kept(results: &SweepResults) -> BTreeMap<usize, ReportedScores> {
    let rows = summary(results);
    let mut kept = BTreeMap::new();
    for (rank, row) in rows.iter().enumerate() {
        for cell in &row.cells {
            let scores = artifact(*cell, 0.2 * (rank + 1) as f32);
            kept.extend(ReportedScores::of(&results.cells[*cell], scores).map(|own| (*cell, own)));
        }
    }
    kept
}

#[test]
fn the_difference_is_the_mean_over_the_seeds_of_both_sides() {
    let mut results = fabricated::quickstart();
    // A seed that failed on one side is in neither mean.
    results.cells[7] = fabricated::ended(results.cells[7].clone(), JobStatus::Failed, None, 1);
    let rows = summary(&results);
    let pairs = video_pairs(&results);
    assert_eq!(pairs.len(), 1);
    assert_eq!(pairs[0].cells, [(5, 0), (6, 1), (8, 3), (9, 4)]);
    let mut scores = kept(&results);
    // A seed whose scores are gone, likewise.
    scores.remove(&1);
    results.video_intervals = video_intervals(&pairs, &scores);
    let found = video_interval(&results, &rows[1], &rows[0]).unwrap();
    assert_eq!(
        (found.seeds, found.videos, found.anomalous_videos),
        (3, 40, 30)
    );
    let mean = |cells: [usize; 3]| {
        let aucs = cells.map(|cell| auc(&scores[&cell].scores, &scores[&cell].frames).unwrap());
        aucs.iter().sum::<f64>() / 3.0
    };
    let expected = mean([5, 8, 9]) - mean([0, 3, 4]);
    assert!((found.difference - expected).abs() < 1e-12);
    assert!(found.interval.low < found.difference && found.difference < found.interval.high);
    let turned = video_interval(&results, &rows[0], &rows[1]).unwrap();
    assert_eq!(turned.difference, -found.difference);
    assert_eq!(turned.interval.low, -found.interval.high);
    assert_eq!(turned.left.variant, "AE_AllData");
    assert_eq!(video_interval(&results, &rows[0], &rows[0]), None);
}

#[test]
fn scores_are_those_that_the_sweep_reports() {
    let mut result = fabricated::quickstart().cells[5].clone();
    let own = artifact(0, 1.0);
    let of = |result: &sweeps::CellResult| ReportedScores::of(result, own.clone()).unwrap().scores;
    assert_eq!(Some(of(&result)), own.d);
    result.cell.reporting.score_by = ScoreBy::Generator;
    assert_eq!(Some(of(&result)), own.g);
    result.cell.reporting.score_smoothing = 2.0;
    let smoothed = metrics::smooth(own.g.as_ref().unwrap(), own.frames.videos(), 2.0);
    assert_eq!(of(&result), smoothed);
}

#[test]
fn pairs_are_bounded_and_a_reference_comes_first() {
    let mut results = fabricated::troubled();
    let name = |results: &SweepResults| -> Vec<(String, String)> {
        video_pairs(results)
            .into_iter()
            .map(|pair| (pair.left.variant, pair.right.variant))
            .collect()
    };
    let all = name(&results);
    assert_eq!(all.len(), 10, "five variants");
    assert!(all[..4].iter().all(|(_, right)| right == "AE_AllData"));
    results.report.reference = Some("GCL_B".into());
    let against = name(&results);
    assert_eq!(against.len(), 4);
    assert!(against.iter().all(|(_, right)| right == "GCL_B"));
    assert_eq!(name(&fabricated::wide()).len(), MOST_PAIRS);
    assert_eq!(name(&fabricated::supervision()).len(), 3, "of one variant");
    assert_eq!(name(&SweepResults::default()), []);
}

#[test]
fn other_videos_are_not_compared() {
    let results = fabricated::quickstart();
    let pairs = video_pairs(&results);
    let mut scores = kept(&results);
    assert_eq!(video_intervals(&pairs, &scores).len(), 1);
    scores.get_mut(&2).unwrap().names[3] = "other".into();
    assert_eq!(video_intervals(&pairs, &scores), []);
    assert_eq!(video_intervals(&pairs, &BTreeMap::new()), []);
}

#[test]
fn a_report_from_files_has_the_intervals_too() {
    for (mut results, axis) in [
        (fabricated::quickstart(), None),
        (fabricated::wide(), Some("negative_learning.sigma")),
        (fabricated::grid(), Some("threshold.generator")),
    ] {
        let pairs = video_pairs(&results);
        results.video_intervals = video_intervals(&pairs, &kept(&results));
        assert!(!results.video_intervals.is_empty(), "{axis:?}");
        let folder = tempfile::tempdir().unwrap();
        write_csv(&results, folder.path()).unwrap();
        let read = read_csv(folder.path()).unwrap();
        let again = &read[0];
        let (rows, rows_again) = (summary(&results), summary(again));
        // Lines of results.csv are sorted; rows are found by what they say.
        let same = |row: &SummaryRow| {
            let says = |row: &SummaryRow| (row.variant.clone(), row.short_point());
            let found = rows_again.iter().find(|other| says(other) == says(row));
            found.unwrap().clone()
        };
        let mut compared = 0;
        for left in &rows {
            for right in &rows {
                let known = video_interval(&results, left, right);
                let found = video_interval(again, &same(left), &same(right));
                assert_eq!(known.is_some(), found.is_some());
                if let (Some(known), Some(found)) = (known, found) {
                    assert_eq!(known.interval, found.interval);
                    assert_eq!(known.difference, found.difference);
                    assert_eq!((known.seeds, known.videos), (found.seeds, found.videos));
                    compared += 1;
                }
            }
        }
        assert_eq!(compared, 2 * results.video_intervals.len());
        write_csv(again, folder.path()).unwrap();
        let twice = read_csv(folder.path()).unwrap();
        assert_eq!(twice[0].video_intervals, again.video_intervals);
    }
}
