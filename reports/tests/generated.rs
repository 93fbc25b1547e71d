//! Sweeps over settings of generated data, each seed with data of its own.

#![allow(clippy::unwrap_used)] // Helpers outside `#[test]` functions are tests too.

use reports::{SweepResults, render_figures, render_page, summary};

use crate::fabricated;
use crate::support;

use support::text;

fn page(results: &SweepResults) -> String {
    text(&render_page(std::slice::from_ref(results)).unwrap())
}

#[test]
fn a_gain_is_drawn_against_what_was_turned() {
    let figures = render_figures(&[fabricated::coherence()]).unwrap();
    let gain = figures.iter().find(|figure| figure.name == "gain").unwrap();
    assert_eq!(gain.title, "Gain over AE_AllData against coherence");
    // The paired differences by value, in the words of those who cannot see it, and in the caption.
    let rows = summary(&fabricated::coherence());
    let results = fabricated::coherence();
    let row = |variant: &str, at: usize| {
        let mut of = rows.iter().filter(|row| row.variant == variant);
        of.nth(at).unwrap().auc.mean.unwrap() * 100.0
    };
    assert_eq!(results.columns, ["dataset.synthetic.coherence"]);
    for (at, value) in ["0", "0.3", "0.9"].into_iter().enumerate() {
        let mean = row("GCL_B", at) - row("AE_AllData", at);
        let number = format!("{mean:+.2}").replace('-', "−");
        assert!(gain.caption.contains(&number), "{number}: {}", gain.caption);
        assert!(gain.svg.contains(&number));
        assert!(gain.caption.contains(&format!("at coherence {value}")));
    }
    assert!(gain.caption.contains("4 pairs at each value"));
    assert!(!gain.svg.contains("control"), "controls are no competitors");
    assert!(gain.svg.contains("12 synthetic data sets"));
}

#[test]
fn without_a_reference_there_is_no_gain() {
    let mut results = fabricated::coherence();
    results.report.reference = None;
    let figures = render_figures(std::slice::from_ref(&results)).unwrap();
    assert!(figures.iter().all(|figure| figure.name != "gain"));
    let missing = reports::not_drawn(&results, &figures);
    assert!(missing[0].needs.starts_with("a `reference`"), "{missing:?}");
}

/// Worlds of different coherence are different data: no table pools them, no comparison subtracts them, and twelve sets that differ in
/// their seeds are three.
#[test]
fn what_was_turned_tells_data_sets_apart() {
    let results = fabricated::coherence();
    let words = page(&results);
    assert!(
        words.contains("synthetic-coherent-events-coherence0-12x25-d128 (4 seeds)"),
        "{words}"
    );
    assert!(!words.contains("over all variants and other settings together"));
    assert!(words.contains("one is shown here"));
    let rows = summary(&results);
    for (left, right) in reports::pairing::comparisons(&results, &rows) {
        assert_eq!(rows[left].point, rows[right].point);
    }
}

#[test]
fn with_one_coherence_the_seeds_are_worlds_of_one_data_set() {
    let mut results = fabricated::coherence();
    results.columns.clear();
    results
        .cells
        .retain(|result| result.cell.point[0] == Some(0.9.into()));
    for result in &mut results.cells {
        result.cell.point.clear();
    }
    results.source_text.clear();
    let controls = summary(&results);
    let control = controls
        .iter()
        .find(|row| row.variant.starts_with("control"))
        .unwrap();
    assert_eq!(
        (control.auc.n, control.deterministic),
        (4, false),
        "a control of four worlds"
    );
    let words = page(&results);
    assert!(words.contains("The data sets synthetic-coherent-events-12x25-d128 (4 seeds) were"));
    // Two reports as one: the seeds are still no data sets that are compared.
    let mut other = results.clone();
    other.name = "again".into();
    let merged = reports::merge::merge(&[&results, &other]);
    assert!(
        !merged.columns.contains(&"dataset".to_owned()),
        "{:?}",
        merged.columns
    );
}

/// The study's page has the curve's numbers, from CSV files alone, and refuses those of other data.
#[test]
fn a_curve_is_a_section_of_the_studys_page() {
    let folder = tempfile::tempdir().unwrap();
    let (files, out) = (folder.path().join("sweeps"), folder.path().join("out"));
    std::fs::create_dir_all(&files).unwrap();
    std::fs::create_dir_all(out.join("curve")).unwrap();
    let mut results = fabricated::coherence();
    for result in &mut results.cells {
        let sweeps::DatasetSource::Synthetic(synthetic) = &result.cell.job.dataset else {
            panic!();
        };
        result.job_id = result.cell.job.id(synthetic.digest());
    }
    std::fs::write(files.join("curve.toml"), &results.source_text).unwrap();
    let page = || {
        let study = reports::study::read_study(&files, &out)?;
        Ok::<_, reports::ReportError>(reports::study::study_page(&study))
    };
    assert!(
        page()
            .unwrap()
            .contains("Not run yet. `sweeps/study/curve.toml`")
    );
    reports::write_csv(&results, &out.join("curve")).unwrap();
    let text = page().unwrap();
    let rows = summary(&results);
    let row = |variant: &str| {
        let mut of = rows.iter().filter(|row| row.variant == variant);
        of.next_back().unwrap()
    };
    let pairs = row("GCL_B").pairs(row("AE_AllData"), &results);
    let mean = pairs.iter().map(|(left, right)| left - right).sum::<f64>() / 4.0 * 100.0;
    let line = text
        .lines()
        .find(|line| line.starts_with("| 0.9 | "))
        .unwrap();
    assert!(line.contains(&format!("| {mean:+.2} [+")), "{mean} {line}");
    assert!(line.contains(", 4 of 4 |"), "{line}");
    assert!(
        text.contains(
            "| coherence | AE_AllData, AUC % | GCL_B − AE_AllData | best control, AUC % |"
        )
    );
    assert!(
        !text.contains("## At a glance\n\n| claim | paper | curve"),
        "a curve is no column of claims"
    );
    let other = results.source_text.replace("0.3", "0.4");
    std::fs::write(files.join("curve.toml"), other).unwrap();
    let error = page().unwrap_err().to_string();
    assert!(error.contains("other settings, other data"), "{error}");
}
