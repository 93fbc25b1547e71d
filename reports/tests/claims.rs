//! Claims in a report: their looks travel through the CSV files, are taken again, and are named where the results are others.

#![allow(clippy::unwrap_used)] // Helpers outside `#[test]` functions are tests too.

use std::sync::Arc;

use looks::{Arm, ClaimText, ClaimsView, Family, Seed, Settings, Verdict, views};
use reports::{SweepResults, read_csv, render_page, write_csv};
use sweeps::{
    AttemptNumber, Cell, CellResult, DatasetSource, DeviceInfo, Digest, FinalMetrics, JobId,
    JobSpec, JobStatus, Outcome, Parameters, Provenance, Reporting, RunRecord, ScoreMetrics,
};

fn cell(variant: &str, seed: u64, auc: f64) -> CellResult {
    let score = ScoreMetrics {
        auc: Some(auc),
        ..ScoreMetrics::default()
    };
    let mut job_id = [0; 32];
    job_id[0] = variant.as_bytes()[0];
    job_id[1] = seed as u8;
    let job_id = JobId(job_id);
    CellResult {
        cell: Cell {
            variant: variant.to_owned(),
            point: Vec::new(),
            job: JobSpec {
                dataset: DatasetSource::Named("d".into()),
                seed,
                parameters: Parameters::default(),
            },
            reporting: Reporting::default(),
        },
        job_id,
        status: JobStatus::Done,
        record: Some(Arc::new(RunRecord {
            job_id,
            outcome: Outcome {
                metrics: FinalMetrics {
                    d: Some(score),
                    g: None,
                },
                ..Outcome::default()
            },
            provenance: Provenance {
                attempt: AttemptNumber(1),
                worker: "w".into(),
                device: DeviceInfo::default(),
                version: String::new(),
                trainer_revision: 2,
                dataset_digest: Digest([7; 32]),
                duration_s: 1.0,
                resumed: 0,
                cached_since_ms: None,
                dataset: None,
            },
        })),
        live: Vec::new(),
        attempts: 1,
        error: None,
    }
}

/// A claim that holds and one that does not, decided over seeds from 100 on.
fn sweep() -> SweepResults {
    let text = |left: &str, right: &str| ClaimText {
        left: left.into(),
        right: right.into(),
        place: Vec::new(),
    };
    let texts = [text("A", "B"), text("C", "B")];
    let (family, places) = Family::of_texts(Settings::up_to(20), &texts);
    let value = |variant: &str, seed: u64| match variant {
        "A" => 0.8 + 0.01 * ((seed * 7) % 5) as f64,
        "B" => 0.7 + 0.003 * ((seed * 3) % 4) as f64,
        _ => 0.5 + 0.2 * ((seed * 5) % 3) as f64,
    };
    let truth: Vec<Arm> = places
        .iter()
        .map(|(variant, _)| Arm {
            seeds: (100..120)
                .map(|seed| Seed::Value(value(variant, seed)))
                .collect(),
            work: 3,
        })
        .collect();
    let replay = family.replay(&truth);
    let mut cells = Vec::new();
    let mut given = Vec::new();
    for (((variant, _), arm), seeds) in places.iter().zip(&truth).zip(&replay.seeds) {
        let seeds = *seeds;
        cells.extend(
            (100..100 + seeds as u64).map(|seed| cell(variant, seed, value(variant, seed))),
        );
        given.push(Arm {
            seeds: arm.seeds[..seeds].to_vec(),
            ..arm.clone()
        });
    }
    let claims = ClaimsView {
        settings: family.settings,
        identity: "0123456789ab".into(),
        grows: true,
        claims: views(&family, &texts, &given, &replay.looks, true),
        looks: replay.looks,
    };
    SweepResults {
        name: "s".into(),
        cells,
        claims: Some(Box::new(claims)),
        ..SweepResults::default()
    }
}

#[test]
fn claims_travel_through_the_files() {
    let results = sweep();
    let view = results.claims.clone().unwrap();
    assert_eq!(view.claims[0].verdict, Verdict::Holds);
    assert_eq!(view.claims[1].verdict, Verdict::Undecided);
    let folder = tempfile::tempdir().unwrap();
    write_csv(&results, folder.path()).unwrap();
    let looks = std::fs::read_to_string(folder.path().join("looks.csv")).unwrap();
    assert_eq!(looks.lines().count(), view.looks.len() + 1);
    let again = read_csv(folder.path()).unwrap().remove(0);
    assert_eq!(again.claims.as_ref().unwrap(), &view);
    assert!(
        !again.notes.iter().any(|note| note.contains("The look at")),
        "{:?}",
        again.notes
    );
    let copy = tempfile::tempdir().unwrap();
    write_csv(&again, copy.path()).unwrap();
    assert_eq!(
        std::fs::read_to_string(copy.path().join("looks.csv")).unwrap(),
        looks
    );
}

#[test]
fn looks_of_other_results_are_named() {
    let folder = tempfile::tempdir().unwrap();
    write_csv(&sweep(), folder.path()).unwrap();
    let path = folder.path().join("results.csv");
    let text = std::fs::read_to_string(&path).unwrap();
    let other: Vec<String> = text
        .lines()
        .map(|line| {
            if line.starts_with("s,A,102,") {
                line.replace("0.8", "0.2")
            } else {
                line.to_owned()
            }
        })
        .collect();
    std::fs::write(&path, other.join("\n")).unwrap();
    let again = read_csv(folder.path()).unwrap().remove(0);
    let note = again
        .notes
        .iter()
        .find(|note| note.contains("\u{201c}A > B\u{201d}"));
    assert!(
        note.unwrap().contains("was taken of other results"),
        "{:?}",
        again.notes
    );
}

#[test]
fn the_page_says_what_was_decided_and_under_which_assumption() {
    let results = sweep();
    let page = render_page(std::slice::from_ref(&results)).unwrap();
    for said in [
        "Claims that were looked at while seeds arrived: 1 of 2 claims are decided.",
        "A &gt; B",
        "holds",
        "a skewed null",
        "family of 2 (Holm)",
        "settings 0123456789ab",
        "These tests are of a number of seeds that was fixed before.",
        "it has the most seeds that it may have",
    ] {
        assert!(page.contains(said), "{said}");
    }
    let headline = reports::headline(&results);
    assert_eq!(headline[0], "1 of 2 claims are decided.");
    assert!(
        headline[1].starts_with("\u{201c}A > B\u{201d} holds after"),
        "{headline:?}"
    );
    // Without claims nothing of it is said.
    let plain = SweepResults {
        claims: None,
        ..results
    };
    let page = render_page(&[plain]).unwrap();
    assert!(!page.contains("looked at while seeds arrived") && !page.contains("was fixed before"));
}
