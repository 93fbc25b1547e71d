use std::sync::Arc;

use metrics::data_card::DataCard;
use sweeps::training::FeatureScaling;
use sweeps::{Digest, Regime, Synthetic};

use super::{data_card, evenly};
use crate::data::matrix::Matrix;
use crate::data::prepared::{DataParts, Prepared};
use crate::device::open_device;
use crate::run::request::StopFlag;
use metrics::Frames;

fn synthetic() -> datasets::Dataset {
    datasets::synthesize(&Synthetic {
        videos: 30,
        mean_length: 10,
        dimension: 16,
        seed: 3,
        regime: Regime::FixedCameras,
    })
    .unwrap()
}

fn card(dataset: &Prepared, threads: usize) -> DataCard {
    let device = open_device("cpu", Some(threads)).unwrap();
    data_card(dataset, &device, &StopFlag::new()).unwrap()
}

/// Videos of eight segments of three numbers; `shift` is added to all of an anomalous video, `event` to its segments 2 to 5.
fn made(videos: usize, shift: f32, event: [f32; 3]) -> DataParts {
    let mut state = 7_u32;
    let mut random = move || {
        state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        (state >> 8) as f32 / 16_777_216.0 - 0.5
    };
    let (mut rows, mut video, mut truth, mut labels) = ([vec![], vec![]], vec![], vec![], vec![]);
    let mut frames = Frames::default();
    for index in 0..2 * videos {
        let (test, anomalous) = (index / videos, index % 2 == 1);
        for segment in 0..8_u32 {
            let moved = anomalous && (2..6).contains(&segment);
            rows[test].extend(event.map(|event| {
                let source = if anomalous { shift } else { 0.0 };
                random() + source + if moved { event } else { 0.0 }
            }));
            if test == 0 {
                video.push(index as u32);
                truth.push(moved);
            }
        }
        if test == 0 {
            labels.push(Some(anomalous));
        } else {
            let range = 32..96;
            let ranges = if anomalous {
                std::slice::from_ref(&range)
            } else {
                &[]
            };
            frames.push(8, 128, 16, ranges);
        }
    }
    let [train, test] = rows.map(|values| Matrix::new(values, 3));
    DataParts {
        digest: Digest([1; 32]),
        train,
        test,
        crops: 1,
        video,
        labels,
        truth: Some(truth),
        test_names: (0..videos).map(|video| video.to_string()).collect(),
        frames,
    }
}

fn prepared(parts: DataParts) -> Prepared {
    Prepared::from_parts(parts, FeatureScaling::None).unwrap()
}

#[test]
fn a_card_has_the_same_bits_at_any_number_of_threads() {
    let dataset = synthetic();
    for scaling in [FeatureScaling::None, FeatureScaling::Standard] {
        let data = Prepared::new(&dataset, scaling).unwrap();
        let one = card(&data, 1);
        assert_eq!(one.encode(), card(&data, 3).encode());
        let truth = one.truth.as_ref().unwrap();
        assert_eq!(truth.controls.len(), 7);
        for control in &truth.controls {
            assert!(control.auc.is_some() && control.within_videos.is_some());
        }
        assert!(truth.events.is_some() && truth.source.is_some());
        assert_eq!(one.sample.rows, data.train_rows() as u64);
        assert_eq!(DataCard::decode(&one.encode()).unwrap(), one);
    }
}

#[test]
fn what_needs_no_truth_is_said_without_any() {
    let mut dataset = synthetic();
    for split in [&mut dataset.train, &mut dataset.test] {
        for video in &mut split.videos {
            (video.label, video.anomalous) = (None, Vec::new());
        }
    }
    let found = card(&Prepared::new(&dataset, FeatureScaling::None).unwrap(), 1);
    assert!(found.truth.is_none() && found.norm.is_some() && found.change.is_some());
    let share = found.variance.unwrap().between_videos;
    assert!((0.0..=1.0).contains(&share));
}

/// Against the definitions, summed over all rows without any trick.
#[test]
fn spread_is_that_of_the_definitions() {
    let parts = made(6, 3.0, [1.0, 0.0, 0.0]);
    let rows: Vec<&[f32]> = (0..parts.train.rows())
        .map(|row| parts.train.row(row))
        .collect();
    let mean = |rows: &[&[f32]]| -> Vec<f64> {
        let sum = |column: usize| rows.iter().map(|row| f64::from(row[column])).sum::<f64>();
        (0..3)
            .map(|column| sum(column) / rows.len() as f64)
            .collect()
    };
    let squared = |x: &[f64], y: &[f64]| x.iter().zip(y).map(|(x, y)| (x - y).powi(2)).sum::<f64>();
    let all = mean(&rows);
    let wide = |row: &[f32]| {
        row.iter()
            .map(|value| f64::from(*value))
            .collect::<Vec<_>>()
    };
    let total: f64 = rows.iter().map(|row| squared(&wide(row), &all)).sum();
    let between: f64 = rows
        .chunks(8)
        .map(|video| 8.0 * squared(&mean(video), &all))
        .sum();
    let mut norms: Vec<f64> = rows
        .iter()
        .map(|row| squared(&wide(row), &[0.0; 3]).sqrt())
        .collect();
    norms.sort_by(f64::total_cmp);
    let changes: Vec<f64> = rows
        .chunks(8)
        .flat_map(|video| video.windows(2))
        .map(|pair| squared(&wide(pair[0]), &wide(pair[1])).sqrt())
        .collect();
    let found = card(&prepared(parts), 1);
    let variance = found.variance.unwrap();
    assert!((variance.between_videos - between / total).abs() < 1e-12);
    assert!((variance.by_chance - 5.0 / 47.0).abs() < 1e-15);
    let (norm, change) = (found.norm.unwrap(), found.change.unwrap());
    assert!((norm.median - norms[23]).abs() < 1e-12 && (norm.most - norms[47]).abs() < 1e-12);
    let most = changes.iter().copied().fold(0.0, f64::max);
    assert_eq!(changes.len(), 42);
    assert!((change.most - most).abs() < 1e-12);
    assert_eq!((found.constant_dimensions, found.zeros), (0, 0.0));
}

#[test]
fn events_that_go_one_way_are_coherent_and_noise_is_not() {
    let of = |event| {
        let found = card(&prepared(made(24, 0.0, event)), 1).truth.unwrap();
        (found.events.unwrap(), found.false_alarms.unwrap())
    };
    let (events, false_alarms) = of([5.0, -5.0, 0.0]);
    assert_eq!(events.videos, 12);
    assert!(events.mean_cosine > 0.97, "{events:?}");
    assert!(false_alarms.mean_cosine < 0.5, "{false_alarms:?}");
    let (events, _) = of([0.0; 3]);
    assert!(events.mean_cosine.abs() < 0.25, "{events:?}");
}

#[test]
fn a_source_is_told_by_normal_segments_alone() {
    let source = |shift, event| {
        let found = card(&prepared(made(24, shift, event)), 1).truth.unwrap();
        found.source.unwrap()
    };
    let shifted = source(1.0, [0.0; 3]);
    assert!(shifted.auc > 0.95, "{shifted:?}");
    let videos = (shifted.normal_videos, shifted.anomalous_videos);
    assert_eq!((videos, shifted.folds), ((24, 24), 5));
    assert_eq!(shifted.segments, 24 * 8 + 24 * 4);
    // An event is in no normal segment.
    let event = source(0.0, [50.0; 3]);
    assert!((0.3..0.7).contains(&event.auc), "{event:?}");
}

#[test]
fn rows_are_evenly_spaced() {
    assert_eq!(evenly(3..8, 10), [3, 4, 5, 6, 7]);
    assert_eq!(evenly(0..10, 4), [0, 2, 5, 7]);
    assert!(evenly(4..4, 3).is_empty());
}

#[test]
fn a_card_that_is_stopped_is_none() {
    let data = Arc::new(prepared(made(6, 0.0, [1.0; 3])));
    let stop = StopFlag::new();
    stop.stop();
    let device = open_device("cpu", Some(1)).unwrap();
    let fault = data_card(&data, &device, &stop).unwrap_err();
    assert_eq!(fault.to_string(), "stopped");
}
