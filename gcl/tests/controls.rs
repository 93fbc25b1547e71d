//! Controls: what a run gives, and the numbers of an independent NumPy study on real data.

#![allow(clippy::unwrap_used, clippy::print_stdout)]

use crate::support;

use std::path::{Path, PathBuf};

use gcl::{Prepared, Request, StopFlag, Trained, train};
use metrics::artifact::Scores;
use metrics::data_card::{DATA_CARD, DataCard};
use metrics::{AlarmRule, G_RECALL, evaluate};
use support::{cpu, job};
use sweeps::training::{Control, FeatureScaling};
use sweeps::{Choice, Regime, Synthetic};

fn run(control: &str, seed: u64, data: &Prepared, threads: usize) -> Trained {
    let parameters = [
        ("method", "control".into()),
        ("control", control.into()),
        ("feature_scaling", data.scaling().word().into()),
    ];
    train(
        &Request {
            job: &job(seed, &parameters),
            dataset: data,
            device: &cpu(threads),
            stop: &StopFlag::new(),
            checkpoint: None,
        },
        &mut (),
    )
    .unwrap()
}

/// The card is an artifact of the job that is asked for it, and nothing else of the job moves.
#[test]
fn a_control_that_is_asked_for_a_card_makes_one() {
    let data = Prepared::new(&synthetic(), FeatureScaling::Standard).unwrap();
    let parameters = [
        ("method", "control".into()),
        ("feature_scaling", "standard".into()),
        ("artifacts.data_card", "on".into()),
    ];
    let request = Request {
        job: &job(0, &parameters),
        dataset: &data,
        device: &cpu(2),
        stop: &StopFlag::new(),
        checkpoint: None,
    };
    let (mut with, plain) = (
        train(&request, &mut ()).unwrap(),
        run("length", 0, &data, 1),
    );
    let (name, bytes) = with.artifacts.pop().unwrap();
    assert_eq!((name.as_str(), &with), (DATA_CARD, &plain));
    let card = gcl::data_card(&data, &cpu(1), &StopFlag::new()).unwrap();
    assert_eq!(DataCard::decode(&bytes).unwrap(), card);
    assert_eq!(card.feature_scaling, "standard");
    // Its AUC of a control is that of the control's own job.
    for word in Control::WORDS {
        let own = run(word, 0, &data, 1).outcome.metrics.g.unwrap();
        let found = card.control(word).unwrap();
        assert_eq!(
            (found.auc, found.within_videos),
            (own.auc, own.macro_auc),
            "{word}"
        );
    }
}

fn scores(trained: &Trained) -> Scores {
    Scores::decode(&trained.artifacts[0].1).unwrap()
}

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

#[test]
fn every_control_has_one_score_and_the_same_bits_for_all_seeds_and_threads() {
    let data = Prepared::new(&synthetic(), FeatureScaling::Standard).unwrap();
    for word in Control::WORDS {
        let trained = run(word, 0, &data, 1);
        assert_eq!(trained, run(word, 7, &data, 3), "{word}");
        let metrics = &trained.outcome.metrics;
        assert!(metrics.d.is_none() && metrics.g.is_some(), "{word}");
        let found = scores(&trained);
        let again = evaluate(
            found.g.as_ref().unwrap(),
            &found.scored(),
            AlarmRule::Recall(G_RECALL),
        );
        assert_eq!(
            metrics.g,
            Some(again),
            "{word}: its artifact has its metrics"
        );
        assert_eq!(trained.outcome.curve.len(), 1, "{word}");
        assert_eq!(trained.outcome.curve[0].auc_g, again.auc, "{word}");
        assert_eq!(found.frames, *data.frames(), "{word}");
    }
}

#[test]
fn length_and_place_are_of_frames() {
    let dataset = synthetic();
    let data = Prepared::new(&dataset, FeatureScaling::None).unwrap();
    let (length, place) = (run("length", 0, &data, 1), run("place", 0, &data, 1));
    let lengths = scores(&length).g.unwrap();
    let frames = data.frames();
    for (video, own) in dataset.test.videos.iter().zip(frames.videos()) {
        let expected = -(video.frames as f32);
        assert!(lengths[own.clone()].iter().all(|score| *score == expected));
    }
    // The same in every frame of a video tells its frames not apart.
    assert_eq!(length.outcome.metrics.g.unwrap().macro_auc, Some(0.5));
    let found = scores(&place);
    let places = found.g.as_ref().unwrap();
    let truth = found.frame_truth.as_ref().unwrap();
    let mut start = 0;
    for video in &dataset.test.videos {
        for frame in 0..video.frames {
            let at = start + frame as usize;
            let count = f64::from(video.frames);
            let expected = f64::from(frame.min(video.frames - 1 - frame)) / count;
            assert!((f64::from(places[at]) - expected).abs() < 1e-7);
            let inside = video.anomalous.iter().any(|range| range.contains(&frame));
            assert_eq!(truth[at], inside);
        }
        start += video.frames as usize;
    }
    assert_eq!(places.len(), start);
}

/// Data in memory know their frames by segments alone: then a segment has the mean of its frames.
#[test]
fn without_single_frames_a_segment_is_scored() {
    let data = Prepared::from_parts(support::world(5, 1), FeatureScaling::None).unwrap();
    let found = scores(&run("place", 0, &data, 1));
    assert!(found.frame_truth.is_none());
    assert_eq!(found.g.unwrap().len(), data.frames().segments());
}

#[test]
fn crops_of_a_segment_are_averaged_and_no_video_has_a_difference_to_the_one_before() {
    let parts = support::world(6, 3);
    let (values, columns) = (parts.test.clone(), 6);
    let videos = parts.frames.videos().to_vec();
    let data = Prepared::from_parts(parts, FeatureScaling::None).unwrap();
    let row = |segment: usize, crop: usize| values.row(3 * segment + crop);
    let distance = |x: &[f32], y: &[f32]| -> f64 {
        let pairs = x.iter().zip(y).map(|(x, y)| f64::from(x - y));
        pairs
            .map(|difference| difference * difference)
            .sum::<f64>()
            .sqrt()
    };
    let found = scores(&run("temporal-difference", 0, &data, 1)).g.unwrap();
    for video in videos {
        for segment in video.clone() {
            let expected: f64 = (0..3)
                .filter(|_| segment > video.start)
                .map(|crop| distance(row(segment, crop), row(segment - 1, crop)) / 3.0)
                .sum();
            assert!((f64::from(found[segment]) - expected).abs() < 1e-5);
        }
    }
    let norms = scores(&run("norm", 0, &data, 1)).g.unwrap();
    let zero = vec![0.0; columns];
    let expected: f64 = (0..3).map(|crop| distance(row(4, crop), &zero) / 3.0).sum();
    assert!((f64::from(norms[4]) - expected).abs() < 1e-5);
}

fn shared(name: &str) -> Option<PathBuf> {
    let folder = std::env::var_os("GCL_SHARED").map_or_else(
        || Path::new(env!("CARGO_MANIFEST_DIR")).join("../../shared"),
        PathBuf::from,
    );
    let data = folder.join("data").join(name);
    data.is_dir().then_some(data)
}

/// The AUCs of a study in NumPy (standard scaling, whole videos); with scores smoothed over two segments; length over clips of 20 segments.
#[test]
fn the_real_tracks_come_out_as_in_numpy() {
    let Some(folder) = shared("shanghaitech-tracks") else {
        println!("skipped: needs the folder of real data (GCL_SHARED)");
        return;
    };
    let dataset = datasets::open(&folder).unwrap();
    let data = Prepared::new(&dataset, FeatureScaling::Standard).unwrap();
    for (control, expected, smoothed) in [
        ("length", 92.14, None),
        ("place", 65.78, None),
        ("place-length", 87.50, None),
        ("norm", 71.07, None),
        ("temporal-difference", 70.42, None),
        ("pca", 76.28, Some(78.90)),
        ("knn", 75.21, Some(76.56)),
    ] {
        let trained = run(control, 0, &data, 2);
        let auc = |scores: &[f32]| 100.0 * metrics::auc(scores, data.frames()).unwrap();
        let found = 100.0 * trained.outcome.metrics.g.unwrap().auc.unwrap();
        println!("{control:20} {found:.2}, expected {expected}");
        assert!((found - expected).abs() < 0.05, "{control}: {found}");
        if let Some(expected) = smoothed {
            let scores = scores(&trained).g.unwrap();
            let found = auc(&metrics::smooth(&scores, data.frames().videos(), 2.0));
            println!("{control:20} {found:.2} smoothed, expected {expected}");
            assert!((found - expected).abs() < 0.05, "{control}: {found}");
        }
    }
    // −(segments of the clip), as the study had it.
    let clips = data.frames().clips(20);
    let lengths = clips.videos().iter();
    let scores: Vec<f32> = lengths
        .flat_map(|clip| std::iter::repeat_n(-(clip.len() as f32), clip.len()))
        .collect();
    let found = 100.0 * metrics::auc(&scores, &clips).unwrap();
    assert!((found - 46.9).abs() < 0.05, "{found}");
}
