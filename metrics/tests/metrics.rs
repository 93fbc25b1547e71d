//! Metrics against scikit-learn's on recorded scores with ties (`fixtures/metrics.py`), and on those of
//! a job that ran (`fixtures/recorded.py`).

#![allow(clippy::unwrap_used, clippy::print_stdout)]

use metrics::{AlarmRule, D_THRESHOLD, Frames, G_RECALL, auc, evaluate};
use serde_json::Value;

fn number(value: &Value) -> f64 {
    value.as_f64().unwrap()
}

#[test]
fn metrics_are_those_of_scikit_learn() {
    let cases: Value = serde_json::from_str(include_str!("fixtures/metrics.json")).unwrap();
    for case in cases.as_array().unwrap() {
        let (mut frames, mut scores) = (Frames::default(), Vec::new());
        for video in case["videos"].as_array().unwrap() {
            let own = video["scores"].as_array().unwrap();
            let ranges: Vec<_> = video["anomalous"]
                .as_array()
                .unwrap()
                .iter()
                .map(|range| range[0].as_u64().unwrap() as u32..range[1].as_u64().unwrap() as u32)
                .collect();
            let count = video["frames"].as_u64().unwrap() as u32;
            frames.push(own.len(), count, 16, &ranges);
            scores.extend(own.iter().map(|score| number(score) as f32));
        }
        let d = evaluate(&scores, &frames, AlarmRule::At(D_THRESHOLD));
        let g = evaluate(&scores, &frames, AlarmRule::Recall(G_RECALL));
        assert_eq!(d.auc, auc(&scores, &frames));
        for (name, found, expected) in [
            ("auc", d.auc, &case["auc"]),
            ("ap", d.ap, &case["ap"]),
            ("ano_auc", d.ano_auc, &case["ano_auc"]),
            ("macro_auc", d.macro_auc, &case["macro_auc"]),
            ("far of D", d.far, &case["far_at_half"]),
            ("far of G", g.far, &case["far_at_recall"]),
            ("recall", d.recall_at_fpr10, &case["recall_at_fpr10"]),
        ] {
            let (found, expected) = (found.unwrap(), number(expected));
            assert!(
                (found - expected).abs() < 1e-12,
                "{name}: {found} {expected}"
            );
        }
    }
}

#[test]
fn metrics_of_a_real_run_are_those_of_scikit_learn() {
    let run: Value = serde_json::from_str(include_str!("fixtures/recorded.json")).unwrap();
    let counts = |name: &str| -> Vec<u32> {
        let values = run[name].as_array().unwrap();
        values
            .iter()
            .map(|value| value.as_u64().unwrap() as u32)
            .collect()
    };
    let (positives, negatives) = (counts("positives"), counts("negatives"));
    let (mut frames, mut start) = (Frames::default(), 0);
    for segments in counts("segments") {
        let own = start..start + segments as usize;
        frames.push_counts(&positives[own.clone()], &negatives[own.clone()]);
        start = own.end;
    }
    assert!(start > 300, "some hundred segments, not {start}");
    for (name, rule) in [
        ("d", AlarmRule::At(D_THRESHOLD)),
        ("g", AlarmRule::Recall(G_RECALL)),
    ] {
        let scores = run[format!("score_{name}")].as_array().unwrap();
        let scores: Vec<f32> = scores.iter().map(|score| number(score) as f32).collect();
        let own = evaluate(&scores, &frames, rule);
        for (metric, found) in [
            ("auc", own.auc),
            ("ap", own.ap),
            ("ano_auc", own.ano_auc),
            ("macro_auc", own.macro_auc),
            ("far", own.far),
            ("recall_at_fpr10", own.recall_at_fpr10),
        ] {
            let (found, expected) = (found.unwrap(), number(&run[name][metric]));
            assert!(
                (found - expected).abs() < 1e-9,
                "{metric} of {name}: {found} {expected}"
            );
        }
    }
}
