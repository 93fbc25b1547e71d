//! The metrics that a cell reports, from the scores that its job kept: smoothed, over clips, as its sweep file asks for.

use metrics::artifact::Scores;
use metrics::{AlarmRule, D_THRESHOLD, Frames, G_RECALL, evaluate, place, smooth};
use sweeps::training::Control;
use sweeps::{Cell, FinalMetrics};

/// The metrics of a job's scores as `cell` reports them. Scores are smoothed in whole videos, which are cut into clips afterwards. A
/// control that reads where a frame is reads it in the clip.
pub fn reported_metrics(cell: &Cell, scores: &Scores) -> FinalMetrics {
    let reporting = cell.reporting;
    let frames: Frames = match reporting.clip_segments {
        Some(segments) => scores.scored_clips(segments),
        None => scores.scored().into_owned(),
    };
    let metrics = |values: &Option<Vec<f32>>, rule: AlarmRule| {
        let values = values.as_ref()?;
        let whole = scores.scored();
        let values = match cell.control() {
            Some(Control::Length) if reporting.clip_segments.is_some() => place::segments(&frames),
            Some(Control::Length) => place::length(&frames),
            Some(Control::Place) => place::place(&frames, 1),
            Some(Control::PlaceLength) => place::place(&frames, 2),
            _ => smooth(values, whole.videos(), reporting.score_smoothing),
        };
        Some(evaluate(&values, &frames, rule))
    };
    FinalMetrics {
        d: metrics(&scores.d, AlarmRule::At(D_THRESHOLD)),
        g: metrics(&scores.g, AlarmRule::Recall(G_RECALL)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use sweeps::{DatasetSource, JobSpec, Parameters, Reporting, Value};

    /// A long normal video and a short anomalous one.
    fn scores() -> Scores {
        let mut frames = Frames::default();
        frames.push(8, 8 * 16, 16, &[]);
        frames.push(2, 37, 16, std::slice::from_ref(&(12..28)));
        let truth = (0..8 * 16 + 37_u32).map(|frame| (8 * 16 + 12..8 * 16 + 28).contains(&frame));
        Scores {
            names: vec!["long".into(), "short".into()],
            frame_truth: Some(truth.collect()),
            d: None,
            g: Some(vec![0.0; 8 * 16 + 37]),
            frames,
        }
    }

    fn cell(settings: &[(&str, Value)]) -> Cell {
        let mut given = Parameters::default();
        for (name, value) in settings {
            given.set(name, value).unwrap();
        }
        Cell {
            variant: "v".into(),
            point: Vec::new(),
            job: JobSpec::resolve(DatasetSource::Named("d".into()), 0, &given),
            reporting: Reporting::of(&given),
        }
    }

    #[test]
    fn what_length_gives_is_gone_in_clips_of_equal_length() {
        let whole = [("method", "control".into()), ("control", "length".into())];
        let segments = Scores {
            frame_truth: None,
            g: Some(vec![0.0; 10]),
            ..scores()
        };
        let auc = |cell: &Cell, scores: &Scores| reported_metrics(cell, scores).g.unwrap().auc;
        // Of the short video 16 frames are anomalous and 21 are not: those tie, the 128 of the long one lie below.
        let pairs = (128.0 + 21.0 / 2.0) / 149.0;
        let found = auc(&cell(&whole), &segments).unwrap();
        assert!((found - pairs).abs() < 1e-12, "{found}");
        let clips = [&whole[..], &[("evaluation.clip_segments", 2.into())]].concat();
        // Five clips of two segments: the frames of the last segment, five more than of the others, tell nothing.
        let found = auc(&cell(&clips), &segments).unwrap();
        assert!((found - 0.5).abs() < 1e-12, "{found}");
        // By place the single frames of each clip are counted again.
        let place = cell(&[
            ("method", "control".into()),
            ("control", "place".into()),
            ("evaluation.clip_segments", 2.into()),
        ]);
        let found = reported_metrics(&place, &scores()).g.unwrap();
        let mut expected = Frames::default();
        for _ in 0..4 {
            expected.push(32, 32, 1, &[]);
        }
        expected.push(37, 37, 1, std::slice::from_ref(&(12..28)));
        let again = place::place(&expected, 1);
        assert_eq!(
            found,
            evaluate(&again, &expected, AlarmRule::Recall(G_RECALL))
        );
    }

    #[test]
    fn scores_are_smoothed_in_whole_videos_and_then_cut() {
        let scores = Scores {
            frame_truth: None,
            g: Some((0..10).map(|i| (i * 7 % 5) as f32).collect()),
            ..scores()
        };
        let smoothed = [("method", "pca".into()), ("score_smoothing", 2.0.into())];
        let cut = [&smoothed[..], &[("evaluation.clip_segments", 3.into())]].concat();
        let of = |settings: &[(&str, Value)]| reported_metrics(&cell(settings), &scores).g.unwrap();
        let (whole, cut) = (of(&smoothed), of(&cut));
        assert_eq!((whole.auc, whole.ap), (cut.auc, cut.ap));
        assert!(whole.far.is_some());
    }
}
