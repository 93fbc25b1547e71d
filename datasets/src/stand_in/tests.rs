use std::ops::Range;

use sweeps::{Regime, Synthetic};

use super::*;
use crate::{open, write};

fn counts(videos: &[VideoShape]) -> (usize, usize, u64, u64) {
    let anomalous = |video: &VideoShape| -> u64 {
        let ranges = video.anomalous.iter();
        ranges.map(|range| u64::from(range.end - range.start)).sum()
    };
    (
        videos.len(),
        videos
            .iter()
            .filter(|video| video.label == Some(true))
            .count(),
        videos.iter().map(|video| u64::from(video.frames)).sum(),
        videos.iter().map(anomalous).sum(),
    )
}

#[test]
fn the_shapes_that_ship_are_the_published_ones() {
    let ucf = published("ucf-crime-resnext").unwrap();
    assert_eq!(counts(&ucf.shape.train), (1610, 810, 12_656_615, 0));
    assert_eq!(counts(&ucf.shape.test), (290, 140, 1_111_808, 84_182));
    let campus = published("shanghaitech-tracks").unwrap();
    assert_eq!(counts(&campus.shape.train), (238, 63, 173_437, 9_364));
    assert_eq!(counts(&campus.shape.test), (199, 44, 141_869, 7_962));
    assert_eq!(campus.shape.rows(), [10_972, 8_980]);
    let ped2 = published("ucsd-ped2").unwrap();
    assert_eq!((ped2.shape.train.len(), ped2.shape.test.len()), (18, 10));
    for name in ["UCF_Crime", "ucfcrime", "my ShanghaiTech i3d"] {
        assert!(published(name).is_some(), "{name}");
    }
    assert!(published("avenue").is_none());
}

/// What `open` demands of a folder, of every stand-in: written, read back, with the right number of videos.
#[test]
fn a_stand_in_is_a_folder_like_any_other() {
    let folder = tempfile::tempdir().unwrap();
    for name in ["ucf-crime-resnext", "shanghaitech-resnext", "ucsd-ped2"] {
        let shape = published(name).unwrap().shape;
        let made = stand_in(name, &shape, "what is published");
        let path = folder.path().join(name);
        write(&made, &path).unwrap();
        let read = open(&path).unwrap();
        assert!(read.synthetic);
        assert_eq!(read.metadata.name, name);
        assert_eq!(read.metadata.feature_dim, DIMENSION);
        for (split, shape) in [(&read.train, &shape.train), (&read.test, &shape.test)] {
            assert_eq!(split.videos.len(), shape.len());
            for (video, shape) in split.videos.iter().zip(shape) {
                assert_eq!(video.label, shape.label);
                assert_eq!(video.anomalous.is_empty(), shape.anomalous.is_empty());
                assert!(video.frames <= shape.frames);
            }
            assert!(split.segments() < 4500, "{}", split.segments());
        }
        let anomalous: u64 = read.test.videos.iter().map(Video::anomalous_frames).sum();
        assert!(anomalous > 0 && anomalous < read.test.frames());
    }
}

#[test]
fn a_stand_in_is_the_same_every_time_and_another_for_another_name() {
    let shape = Shape::synthetic(None).unwrap();
    assert_eq!((shape.train.len(), shape.test.len()), (60, 30));
    let digest = |name: &str| stand_in(name, &shape, "any").digest;
    assert_eq!(digest("a"), digest("a"));
    assert_ne!(digest("a"), digest("b"));
}

#[test]
fn crops_truth_layout_and_odd_lengths_are_kept() {
    let video = |frames, segments, label, anomalous: &[Range<u32>]| VideoShape {
        frames,
        segments,
        label,
        anomalous: anomalous.to_vec(),
    };
    let shape = Shape {
        frames_per_segment: 8,
        crops: 3,
        train: vec![
            video(80_000, 10_000, None, &[]),
            video(3, 1, Some(false), &[]),
            video(80_005, 10_000, Some(true), &[]),
        ],
        test: vec![
            video(16_000, 1_999, Some(true), &[0..1, 5..6, 15_990..16_000]),
            video(17, 3, Some(false), &[]),
        ],
    };
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("odd");
    write(&stand_in("odd", &shape, "any"), &path).unwrap();
    let read = Shape::of(&open(&path).unwrap());
    assert_eq!((read.crops, read.frames_per_segment), (3, 8));
    let labels: Vec<_> = read.train.iter().map(|video| video.label).collect();
    assert_eq!(labels, [None, Some(false), Some(true)]);
    assert_eq!(read.train[1], shape.train[1]);
    assert_eq!(read.train[2].frames % 8, 5);
    assert_eq!((read.test[1].frames, read.test[1].segments), (1, 1));
    assert!(read.test[0].anomalous.len() >= 2);
    assert_eq!(
        read.test[0].anomalous.last().unwrap().end,
        read.test[0].frames
    );
    assert!(read.rows()[0] < 2_000);
}

/// Settings that would take a machine's memory have a shape all the same.
#[test]
fn the_shape_of_a_large_synthetic_set_is_not_drawn() {
    let settings = Synthetic {
        videos: 100_000,
        mean_length: 10_000,
        dimension: 16_384,
        seed: 1,
        regime: Regime::HardBursts,
    };
    let shape = Shape::synthetic(Some(&settings)).unwrap();
    assert_eq!((shape.train.len(), shape.test.len()), (66_667, 33_333));
}

/// Small data sets are as they are.
#[test]
fn what_is_small_is_not_scaled() {
    let shape = published("ucsd-ped2").unwrap().shape;
    assert_eq!(shape.scaled_down(), shape);
}
