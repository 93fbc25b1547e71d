use proptest::prelude::*;

use super::*;
use crate::{Frames, auc};

/// Uniform in 0 … 1.
fn uniform(random: &mut ChaCha8Rng) -> f64 {
    f64::from(random.next_u32()) / 4_294_967_296.0
}

/// About standard normal: a sum of twelve.
fn normal(random: &mut ChaCha8Rng) -> f64 {
    (0..12).map(|_| uniform(random)).sum::<f64>() - 6.0
}

fn seeded(seed: u64) -> ChaCha8Rng {
    ChaCha8Rng::seed_from_u64(seed)
}

/// Two methods on `anomalous` + `normal` videos, some frames of the former anomalous. Each video is easier for one of the
/// methods than for the other, which is what resampling of videos must see.
fn world(
    random: &mut ChaCha8Rng,
    anomalous: usize,
    normal_videos: usize,
) -> (Frames, [Vec<f32>; 2]) {
    let mut frames = Frames::default();
    let mut scores = [Vec::new(), Vec::new()];
    for video in 0..anomalous + normal_videos {
        let segments = 4 + (random.next_u32() % 9) as usize;
        let first = random.next_u32() % segments as u32;
        let event = if video < anomalous {
            first * 8..(first + 2) * 8
        } else {
            0..0
        };
        frames.push(
            segments,
            segments as u32 * 8,
            8,
            std::slice::from_ref(&event),
        );
        for (method, scores) in scores.iter_mut().enumerate() {
            let (offset, shift) = (
                0.7 * normal(random),
                1.0 + 0.3 * method as f64 + 0.5 * normal(random),
            );
            for segment in 0..segments as u32 {
                let inside = event.contains(&(segment * 8));
                let signal = if inside { shift } else { 0.0 };
                scores.push((offset + signal + normal(random)) as f32);
            }
        }
    }
    (frames, scores)
}

/// The frames and scores of a resample, written out.
fn written_out(frames: &Frames, scores: &[f32], counts: &[f64]) -> (Frames, Vec<f32>) {
    let (mut all, mut repeated) = (Frames::default(), Vec::new());
    for (video, count) in frames.videos().iter().zip(counts) {
        for _ in 0..*count as usize {
            all.push_counts(
                &frames.positives()[video.clone()],
                &frames.negatives()[video.clone()],
            );
            repeated.extend_from_slice(&scores[video.clone()]);
        }
    }
    (all, repeated)
}

#[test]
fn a_resample_has_the_auc_of_its_frames() {
    let mut random = seeded(1);
    for (anomalous, normal_videos) in [(12, 15), (10, 0), (3, 2)] {
        let (frames, mut scores) = world(&mut random, anomalous, normal_videos);
        // Many ties, within and between videos.
        for score in scores.iter_mut().flatten() {
            *score = (*score * 4.0).round() / 4.0;
        }
        let other: Vec<f32> = scores[0].iter().map(|score| -score * score).collect();
        let left = VideoPairs::count(&frames, [&scores[0][..], &other]).unwrap();
        let right = VideoPairs::count(&frames, [&scores[1][..]]).unwrap();
        assert_eq!((left.runs(), right.runs()), (2, 1));
        let form = Form::new(&left, &right);
        let mut draws = Draws::new(&left);
        for _ in 0..20 {
            let counts = draws.next().to_vec();
            let of = |scores: &[f32]| {
                let (frames, scores) = written_out(&frames, scores, &counts);
                auc(&scores, &frames).unwrap()
            };
            let expected = f64::midpoint(of(&scores[0]), of(&other)) - of(&scores[1]);
            let found = form.difference(&counts).unwrap();
            assert!((found - expected).abs() < 1e-12, "{found} {expected}");
            let drawn: f64 = counts.iter().sum();
            assert_eq!(drawn as usize, anomalous + normal_videos);
            let of_anomalous: f64 = counts[..anomalous].iter().sum();
            assert_eq!(of_anomalous as usize, anomalous, "strata stay");
        }
    }
}

#[test]
fn the_difference_is_that_of_the_records() {
    let (frames, scores) = world(&mut seeded(2), 12, 15);
    let [left, right] = scores
        .each_ref()
        .map(|s| VideoPairs::count(&frames, [&s[..]]).unwrap());
    let found = compare_videos(&left, &right).unwrap();
    let expected = auc(&scores[0], &frames).unwrap() - auc(&scores[1], &frames).unwrap();
    assert!((found.difference - expected).abs() < 1e-14);
    assert_eq!((found.videos, found.anomalous), (27, 12));
    assert!(found.low < found.difference && found.difference < found.high);
    assert_eq!(compare_videos(&left, &right), Some(found), "again");
    let turned = compare_videos(&right, &left).unwrap();
    assert!((turned.low + found.high).abs() < 1e-15 && (turned.high + found.low).abs() < 1e-15);
}

#[test]
fn equal_scores_differ_by_nothing() {
    let (frames, scores) = world(&mut seeded(3), 12, 15);
    let pairs = VideoPairs::count(&frames, [&scores[0][..], &scores[1]]).unwrap();
    let turned = VideoPairs::count(&frames, [&scores[1][..], &scores[0]]).unwrap();
    let found = compare_videos(&pairs, &turned).unwrap();
    assert_eq!((found.difference, found.low, found.high), (0.0, 0.0, 0.0));
}

#[test]
fn what_cannot_be_said_is_not() {
    let mut random = seeded(4);
    let count = |frames: &Frames, scores: &[f32]| VideoPairs::count(frames, [scores]);
    let (frames, scores) = world(&mut random, 9, 20);
    let few = count(&frames, &scores[0]).unwrap();
    assert_eq!(compare_videos(&few, &few), None, "nine anomalous videos");
    let (frames, scores) = world(&mut random, 20, 9);
    let few = count(&frames, &scores[0]).unwrap();
    assert_eq!(compare_videos(&few, &few), None, "nine normal videos");
    let (frames, scores) = world(&mut random, 0, 30);
    assert_eq!(count(&frames, &scores[0]), None, "no anomalous frame");
    let (frames, scores) = world(&mut random, 12, 0);
    let (others, of_others) = world(&mut random, 12, 0);
    let (left, right) = (
        count(&frames, &scores[0]).unwrap(),
        count(&others, &of_others[0]).unwrap(),
    );
    assert_eq!(compare_videos(&left, &right), None, "other videos");
    assert!(compare_videos(&left, &left).is_some());
    assert_eq!(
        VideoPairs::count(&frames, std::iter::empty()),
        None,
        "no runs"
    );
    // Videos that are anomalous throughout leave no normal frame in most resamples.
    let mut frames = Frames::default();
    for video in 0..12 {
        let end = if video == 0 { 7 } else { 8 };
        frames.push(1, 8, 8, std::slice::from_ref(&(0..end)));
    }
    let scores: Vec<f32> = (0..12).map(|video| video as f32).collect();
    let pairs = count(&frames, &scores).unwrap();
    assert!(
        compare_videos(&pairs, &pairs).is_some(),
        "in 65% of resamples there is one"
    );
}

#[test]
fn too_much_work_is_refused() {
    let mut frames = Frames::default();
    for _ in 0..1100 {
        frames.push(1, 16, 16, std::slice::from_ref(&(0..8)));
    }
    let scores = vec![0.5; 1100];
    assert_eq!(VideoPairs::count(&frames, [&scores[..]]), None);
}

/// Of worlds whose videos are drawn from one population, the interval should cover the population's difference in about 95%.
#[test]
fn the_interval_covers_what_other_videos_would_show() {
    let mut random = seeded(5);
    let truth = {
        let (frames, scores) = world(&mut random, 4000, 4000);
        let of = |scores: &[f32]| auc(scores, &frames).unwrap();
        of(&scores[0]) - of(&scores[1])
    };
    // The bar of every interval in a report: 93% of 95%, less two standard errors of the simulation.
    for (anomalous, normal_videos, worlds) in [(10, 10, 500), (30, 30, 300), (14, 40, 400)] {
        let mut covered = 0;
        for _ in 0..worlds {
            let (frames, scores) = world(&mut random, anomalous, normal_videos);
            let [left, right] = scores
                .each_ref()
                .map(|s| VideoPairs::count(&frames, [&s[..]]).unwrap());
            let found = resample(&left, &right, 500).unwrap();
            covered += usize::from(found.low <= truth && truth <= found.high);
        }
        let share = f64::from(covered as u32) / f64::from(worlds);
        assert!(
            (0.91..0.985).contains(&share),
            "{anomalous} and {normal_videos} videos: {share}"
        );
    }
}

#[test]
fn the_tails_are_those_of_students_t() {
    // SciPy: norm.cdf(-sqrt(n/(n-1)) * t.ppf(0.975, n-1)).
    for (n, expected) in [
        (10, 0.008_550_639),
        (14, 0.012_483_255),
        (30, 0.018_753_900),
        (140, 0.023_612_477),
    ] {
        assert!((tail(n) - expected).abs() < 2e-5, "{n}: {}", tail(n));
    }
}

proptest! {
    /// Pairs of videos add up to the pairs of all frames.
    #[test]
    fn the_pairs_add_up(seed in 0_u64..1000, levels in 1_u32..40) {
        let (frames, mut scores) = world(&mut seeded(seed), 3, 2);
        for score in &mut scores[0] {
            *score = (*score * levels as f32).round();
        }
        let pairs = VideoPairs::count(&frames, [&scores[0][..]]).unwrap();
        let total = |counts: &[u32]| counts.iter().map(|count| f64::from(*count)).sum::<f64>();
        let all = total(frames.positives()) * total(frames.negatives());
        let found = pairs.doubled.iter().sum::<f64>() / (2.0 * all);
        prop_assert_eq!(Some(found), auc(&scores[0], &frames));
    }
}
