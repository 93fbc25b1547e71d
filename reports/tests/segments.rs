//! Figures of scores for any number of frames per segment: what they say is what the record says.

#![allow(clippy::unwrap_used)] // Helpers outside `#[test]` functions are tests too.

use crate::fabricated;

use metrics::artifact::{EpochScores, Scores};
use metrics::{Frames, auc};
use rand_chacha::ChaCha8Rng;
use rand_core::{Rng, SeedableRng};
use reports::figures::{Figure, redraw};
use reports::video_scores::{keep_epochs, videos_of};
use reports::{CellScores, SweepResults, render_figures};

/// Scores of a job on twelve videos, with many ties: last segments that are ragged, videos of more frames than their segments
/// stand for, videos of fewer, events of any length anywhere.
fn world(frames_per_segment: u32) -> (Scores, EpochScores) {
    let mut random = ChaCha8Rng::seed_from_u64(u64::from(frames_per_segment));
    let mut below = |n: u32| random.next_u32() % n;
    let (mut frames, mut names) = (Frames::default(), Vec::new());
    let (mut d, mut g) = (Vec::new(), Vec::new());
    for video in 0..12 {
        let segments = 5 + below(20);
        let whole = segments * frames_per_segment;
        let count = match video % 3 {
            0 => whole - below(frames_per_segment),
            1 => whole + below(5 * frames_per_segment),
            _ => whole - 2 * frames_per_segment,
        };
        let start = below(count - 1);
        let event = start..start + 1 + below(count - start);
        let events = if video % 4 == 3 {
            Vec::new()
        } else {
            vec![event.clone()]
        };
        frames.push(segments as usize, count, frames_per_segment, &events);
        names.push(format!("video{video:02}"));
        for segment in 0..segments {
            let inside = events
                .iter()
                .any(|event| event.contains(&(segment * frames_per_segment)));
            let mut level = || below(8) as f32 + if inside { 3.0 } else { 0.0 };
            d.push(level() / 10.0);
            g.push(level() * 2.0);
        }
    }
    let epochs = EpochScores {
        names: names.clone(),
        all: true,
        frames: frames.clone(),
        epochs: 2,
        d: Some([d.iter().map(|d| d / 2.0).collect(), d.clone()].concat()),
        g: Some([g.clone(), g.clone()].concat()),
    };
    let scores = Scores {
        names,
        frames,
        frame_truth: None,
        d: Some(d),
        g: Some(g),
    };
    (scores, epochs)
}

fn results(scores: &Scores, epochs: &EpochScores) -> SweepResults {
    let mut results = fabricated::quickstart();
    results.report.figures = ["fig4", "fig7", "fig8"].map(String::from).to_vec();
    // As a reader gets them: through the artifacts' bytes.
    let scores = Scores::decode(&scores.encode().unwrap()).unwrap();
    let epochs = EpochScores::decode(&epochs.encode().unwrap()).unwrap();
    let mut videos = videos_of(&scores);
    assert!(keep_epochs(&epochs, &mut videos));
    results.scores = vec![CellScores {
        cell: 5,
        videos,
        embedding: Vec::new(),
    }];
    results
}

fn columns(figure: &Figure, names: &[&str]) -> Vec<Vec<String>> {
    let mut reader = csv::Reader::from_reader(figure.csv.as_bytes());
    let header = reader.headers().unwrap().clone();
    let places: Vec<usize> = names
        .iter()
        .map(|name| header.iter().position(|other| other == *name).unwrap())
        .collect();
    let lines = reader.records();
    lines
        .map(|line| {
            let line = line.unwrap();
            places.iter().map(|place| line[*place].to_owned()).collect()
        })
        .collect()
}

fn number(text: &str) -> f64 {
    text.parse().unwrap()
}

#[test]
fn figures_of_scores_say_what_the_record_says() {
    for frames_per_segment in [1, 8, 16, 24] {
        let (scores, epochs) = world(frames_per_segment);
        let results = results(&scores, &epochs);
        let figures = render_figures(&[results]).unwrap();
        let find = |name: &str| figures.iter().find(|figure| figure.name == name).unwrap();
        let recorded = |network: &str| {
            let values = if network == "D" { &scores.d } else { &scores.g };
            auc(values.as_ref().unwrap(), &scores.frames).unwrap()
        };
        let roc = columns(
            find("roc"),
            &["network", "auc", "false_positive_rate", "recall"],
        );
        for network in ["D", "G"] {
            let own: Vec<_> = roc.iter().filter(|line| line[0] == network).collect();
            assert!((number(&own[0][1]) - recorded(network)).abs() < 1e-12);
            // Few levels: no point is thinned away, and the area below what is drawn is the record's AUC, too.
            let area: f64 = own
                .windows(2)
                .map(|pair| {
                    let width = number(&pair[1][2]) - number(&pair[0][2]);
                    width * f64::midpoint(number(&pair[1][3]), number(&pair[0][3]))
                })
                .sum();
            assert!((area - recorded(network)).abs() < 1e-12, "{area}");
        }
        let sum = |counts: &[u32]| counts.iter().map(|count| u64::from(*count)).sum::<u64>();
        let (normal, anomalous) = (
            sum(scores.frames.negatives()),
            sum(scores.frames.positives()),
        );
        let bins = columns(
            find("fig4"),
            &["network", "auc", "normal_frames", "anomalous_frames"],
        );
        for network in ["D", "G"] {
            let own: Vec<_> = bins.iter().filter(|line| line[0] == network).collect();
            assert!((number(&own[0][1]) - recorded(network)).abs() < 1e-12);
            let total = |place: usize| own.iter().map(|line| number(&line[place])).sum::<f64>();
            assert_eq!(
                (total(2) as u64, total(3) as u64),
                (normal, anomalous),
                "each frame in a bar"
            );
        }
        for name in ["fig7", "fig8"] {
            check_places(find(name), &scores);
        }
        let folder = tempfile::tempdir().unwrap();
        for name in ["roc", "fig4", "fig7", "fig8"] {
            let path = folder.path().join("figure.csv");
            std::fs::write(&path, &find(name).csv).unwrap();
            assert_eq!(redraw(&path).unwrap(), *find(name));
        }
    }
}

/// Each segment of a timeline stands where its frames are, with its anomalous frames.
fn check_places(figure: &Figure, scores: &Scores) {
    let lines = columns(figure, &["video", "epoch", "from", "to", "truth"]);
    let series: Vec<&[Vec<String>]> = lines
        .chunk_by(|left, right| left[..2] == right[..2])
        .collect();
    assert!(series.len() >= 4, "{}", figure.name);
    let mut normal = 0;
    for series in series {
        let place = scores.names.iter().position(|name| *name == series[0][0]);
        let own = scores.frames.videos()[place.unwrap()].clone();
        assert_eq!(series.len(), own.len());
        let mut end = 0;
        for (line, segment) in series.iter().zip(own.clone()) {
            let (positive, negative) = (
                u64::from(scores.frames.positives()[segment]),
                u64::from(scores.frames.negatives()[segment]),
            );
            assert_eq!(line[2], end.to_string());
            end += positive + negative;
            assert_eq!(line[3], end.to_string());
            let anomalous: u64 = line[4]
                .split_whitespace()
                .map(|range| {
                    let (from, to) = range.split_once('-').unwrap();
                    to.parse::<u64>().unwrap() - from.parse::<u64>().unwrap()
                })
                .sum();
            assert_eq!(anomalous, positive);
        }
        normal += usize::from(!scores.frames.is_anomalous(&own));
    }
    assert!(normal > 0, "{} shows a normal video", figure.name);
    assert!(figure.caption.contains("How the videos were chosen: "));
}

/// Where there is room for one run, a method with a D is shown, wherever it stands in the sweep, and at its first point.
#[test]
fn the_run_that_is_shown_is_the_last_with_a_discriminator() {
    let (scores, epochs) = world(16);
    let mut results = results(&scores, &epochs);
    results.cells.push(results.cells[0].clone());
    results.cells[10].cell.variant = "PCA".into();
    let own = results.scores[0].clone();
    let mut plain = own.clone();
    for video in &mut plain.videos {
        video.d.clear();
    }
    // An autoencoder before it, another seed of its own after it, and a method without a D at the end.
    results.scores = [(0, &plain), (5, &own), (6, &own), (10, &plain)]
        .map(|(cell, scores)| CellScores {
            cell,
            ..scores.clone()
        })
        .to_vec();
    for figure in render_figures(&[results]).unwrap() {
        if ["fig7", "fig8"].contains(&figure.name.as_str()) {
            let lines = columns(&figure, &["variant", "seed"]);
            assert!(lines.iter().all(|line| line[..] == ["GCL_B", "0"]));
        }
    }
}

#[test]
fn a_timeline_that_contradicts_itself_is_refused_with_its_line() {
    let (scores, epochs) = world(8);
    let figures = render_figures(&[results(&scores, &epochs)]).unwrap();
    let figure = figures.iter().find(|figure| figure.name == "fig7").unwrap();
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("fig7.csv");
    let header = figure.csv.lines().next().unwrap();
    for (lines, expected) in [
        (
            "fig7,q,GCL_B,0,a,1,16,8,,0.5\n",
            "line 2: no segment has the frames from 16 to 8",
        ),
        (
            "fig7,q,GCL_B,0,a,1,0,8589934592,,0.5\n",
            "line 2: no segment has the frames",
        ),
        (
            "fig7,q,GCL_B,0,a,1,0,8,4-12,0.5\n",
            "line 2: column `truth` holds ranges",
        ),
        (
            "fig7,q,GCL_B,0,a,1,0,8,,0.5\nfig7,q,GCL_B,0,a,2,0,16,,0.5\n",
            "line 3: `from`, `to` and `truth`",
        ),
    ] {
        // What follows the known columns says where the figure comes from: empty here.
        let width = header.split(',').count();
        let mut padded = format!("{header}\n");
        for line in lines.lines() {
            let missing = width - line.split(',').count();
            padded += &format!("{line}{}\n", ",".repeat(missing));
        }
        std::fs::write(&path, padded).unwrap();
        let error = redraw(&path).unwrap_err().to_string();
        assert!(error.contains(expected), "{error}");
    }
}
