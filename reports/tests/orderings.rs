//! The paper's orderings and the leaders of the sweeps that ship.

#![allow(clippy::unwrap_used)] // Helpers outside `#[test]` functions are tests too.

use crate::fabricated;

use std::path::Path;
use std::sync::Arc;

use fabricated::{Learner, cell};
use reports::leaders::leaders;
use reports::pairing::{Decided, decided};
use reports::study::orderings::{Ordering, orderings};
use reports::{SweepResults, summary};
use statistics::Verdict;
use sweeps::{Limits, Parameters, expand_text};

/// A shipped sweep with fabricated results: `auc` by variant and by what is swept, in percent.
fn shipped(name: &str, auc: impl Fn(&str, &str) -> f64) -> SweepResults {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(format!("../sweeps/{name}.toml"));
    let text = std::fs::read_to_string(path).unwrap();
    let (_, expansion) = expand_text(name, &text, Limits { max_jobs: 100_000 }).unwrap();
    let cells = expansion.cells.iter().map(|asked| {
        let point: Vec<String> = asked
            .point
            .iter()
            .flatten()
            .map(ToString::to_string)
            .collect();
        let learner = Learner {
            name: "any",
            start: 50.0,
            end: auc(&asked.variant, &point.join(" ")),
            spread: 0.02,
            has_d: !asked.variant.starts_with("AE"),
        };
        let mut made = cell(learner, &asked.job.dataset, &asked.point, asked.job.seed, 2);
        let record = Arc::make_mut(made.record.as_mut().unwrap());
        let score = sweeps::ScoreMetrics {
            auc: Some((learner.end + 0.01 * (asked.job.seed % 4) as f64) / 100.0),
            ..sweeps::ScoreMetrics::default()
        };
        record.outcome.metrics.d = learner.has_d.then_some(score);
        record.outcome.metrics.g = Some(score);
        made.cell = asked.clone();
        made
    });
    SweepResults {
        name: name.into(),
        columns: expansion.columns.clone(),
        cells: cells.collect(),
        ..SweepResults::default()
    }
}

fn words(found: &[Ordering]) -> Vec<String> {
    found
        .iter()
        .map(|ordering| ordering.claim.words())
        .collect()
}

#[test]
fn the_shipped_sweeps_show_their_claims() {
    for (name, claims, points) in [
        ("fig5", 7, 2),
        ("fig9", 5, 2),
        ("fig10", 3, 2),
        ("table2", 9, 2),
        ("table1", 7, 1),
        ("thresholds", 0, 2),
    ] {
        let mut results = shipped(name, |_, _| 70.0);
        let rows = summary(&results);
        let found = orderings(&results, &rows);
        assert_eq!(found.len(), claims * points, "{name}: {:?}", words(&found));
        for ordering in &found {
            let (left, right) = (&rows[ordering.left], &rows[ordering.right]);
            let column = results.columns.iter().position(|name| name == "dataset");
            if let Some(column) = column {
                assert_eq!(left.point[column], right.point[column], "{name}");
            }
            // Its own family, or that of the table of comparisons where the two rows are compared there.
            let table = reports::pairing::comparisons(&results, &rows).len();
            let family = ordering.decision.rule.family;
            assert!(family == found.len() || family == table, "{name}: {family}");
        }
        // From CSV files nobody knows the parameters: the same claims by the same names.
        for result in &mut results.cells {
            result.cell.job.parameters = Parameters::default();
        }
        let again = orderings(&results, &summary(&results));
        assert_eq!(words(&again), words(&found), "{name}");
    }
}

#[test]
fn a_claim_holds_where_the_runs_show_it() {
    let results = shipped("fig10", |variant, point| {
        match (variant, point.contains("ucf")) {
            ("GCL_PT", true) | ("GCL_B", false) => 71.0,
            _ => 68.0,
        }
    });
    let rows = summary(&results);
    let found = orderings(&results, &rows);
    let verdicts: Vec<Verdict> = found
        .iter()
        .filter(|ordering| ordering.claim.words() == "GCL_PT > GCL_B")
        .map(|ordering| ordering.decision.verdict)
        .collect();
    // ShanghaiTech's row comes before UCF-Crime's.
    assert_eq!(verdicts, [Verdict::Fails, Verdict::Holds]);
    let leading = leaders(&results, &rows, &decided(&results, &rows));
    assert_eq!(leading.len(), 2, "one a data set");
    for (leader, name) in leading.iter().zip(["GCL_B", "GCL_PT"]) {
        assert_eq!(rows[leader.best].variant, name);
        let decision = leader.decision.as_ref().unwrap();
        assert_eq!((decision.ahead, decision.pairs), (20, 20));
        assert_eq!(decision.verdict, Verdict::Holds);
        let next = &rows[leader.next.unwrap()].variant;
        assert_eq!(decision.outcome(name, next), format!("{name} is better"));
    }
}

/// Orderings of one sweep that have the same words stand at different points, and the first sentences of a page say at which.
#[test]
fn the_headline_says_where_an_ordering_holds() {
    let results = shipped("fig10", |_, _| 70.0);
    let said = reports::headline(&results).join(" ");
    let places: Vec<&str> = said
        .split("GCL_PT > GCL_B (")
        .skip(1)
        .filter_map(|text| text.split(')').next())
        .collect();
    assert_eq!(places.len(), 2, "{said}");
    assert_ne!(places[0], places[1], "{said}");
    let mut results = shipped("fig9", |_, _| 70.0);
    results.columns.push("epochs".into());
    let mut again = results.cells.clone();
    for (epochs, cells) in [(15, &mut results.cells), (30, &mut again)] {
        for result in cells {
            result.cell.point.push(Some(sweeps::Value::Integer(epochs)));
        }
    }
    results.cells.extend(again);
    let said = reports::headline(&results).join(" ");
    assert!(
        said.contains("at epochs = 15;") && said.contains("at epochs = 30;"),
        "{said}"
    );
    // A setting of generated data is named once, not as the data set besides.
    *results.columns.last_mut().unwrap() = "dataset.synthetic.dimension".into();
    let said = reports::headline(&results).join(" ");
    assert!(
        said.contains("at dataset.synthetic.dimension = 15;"),
        "{said}"
    );
    assert!(!said.contains("dimension = 15, at"), "{said}");
}

/// A variant called `none` whose negative learning is on is not the paper's GCL_w/oNL.
#[test]
fn a_name_alone_is_no_arm_where_settings_are_known() {
    let mut results = shipped("fig5", |_, _| 70.0);
    let ones = |results: &SweepResults| {
        let mut cells = results.cells.iter();
        let found = cells.find(|result| result.cell.variant == "ones").unwrap();
        found.cell.job.parameters.clone()
    };
    let parameters = ones(&results);
    for result in &mut results.cells {
        if result.cell.variant == "none" {
            result.cell.job.parameters = parameters.clone();
        }
    }
    let found = orderings(&results, &summary(&results));
    assert!(words(&found).iter().all(|claim| !claim.contains("w/oNL")));
    assert_eq!(found.len(), 4 * 2);
}

#[test]
fn one_variant_is_led_by_a_point_of_each_data_set() {
    let results = shipped(
        "fig9",
        |_, point| {
            if point.contains("66") { 80.0 } else { 70.0 }
        },
    );
    let rows = summary(&results);
    let leading = leaders(&results, &rows, &decided(&results, &rows));
    assert_eq!(leading.len(), 2);
    for leader in &leading {
        assert_eq!(leader.rows.len(), 4);
        let best = rows[leader.best].label(&results.columns);
        assert!(best.contains("supervision_percent = 66"), "{best}");
        assert!(leader.decision.is_some());
    }
    // Nothing finished, nobody leads.
    let mut nothing = results;
    for result in &mut nothing.cells {
        result.record = None;
        result.status = sweeps::JobStatus::Pending;
    }
    assert!(leaders(&nothing, &summary(&nothing), &Decided::default()).is_empty());
    assert!(leaders(&SweepResults::default(), &[], &Decided::default()).is_empty());
    assert!(orderings(&SweepResults::default(), &[]).is_empty());
}
