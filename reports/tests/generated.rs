//! Sweeps over settings of generated data, each seed with data of its own.

use reports::{SweepResults, render_figures, render_page, summary};

mod fabricated;
mod support;

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
        let of = rows.iter().filter(|row| row.variant == variant);
        of.skip(at).next().unwrap().auc.mean.unwrap() * 100.0
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
