//! Controls stand below the main table, and nothing else of a page knows of them.

use std::sync::Arc;

use reports::{SweepResults, read_csv, render_figures, render_page, write_csv};
use sweeps::training::Control;

use super::world::{Fate, walk};
use super::{through_files, words};

/// The sweep with what it was before there were controls.
fn without(results: &SweepResults) -> SweepResults {
    let mut rest = results.clone();
    rest.cells.retain(|result| result.cell.control().is_none());
    rest
}

/// The part of a page under a heading, with its tags.
fn part(html: &str, id: &str) -> String {
    let start = html.find(&format!("<section aria-labelledby=\"{id}\">"));
    start.map_or_else(String::new, |start| {
        html[start..].split_once("</section>").unwrap().0.to_owned()
    })
}

/// Gives a control this AUC, in percent.
fn set(results: &mut SweepResults, control: Control, auc: f64) {
    for result in &mut results.cells {
        if result.cell.control() == Some(control) {
            let mut record = (**result.record.as_ref().unwrap()).clone();
            let score = record.outcome.metrics.g.as_mut().unwrap();
            score.auc = Some(auc / 100.0);
            score.macro_auc = Some(0.5);
            result.record = Some(Arc::new(record));
        }
    }
}

#[test]
fn no_comparison_and_no_figure_knows_of_a_control() {
    for name in ["table1", "table2", "shanghaitech-tracks", "small/table1"] {
        let mut results = walk(name, Fate::Perfect);
        let controls = results.cells.len() - without(&results).cells.len();
        let datasets = if name == "table2" { 2 } else { 1 };
        assert_eq!(controls, datasets * 7, "{name}");
        set(&mut results, Control::Length, 99.0);
        let rest = without(&results);
        assert_eq!(
            render_figures(std::slice::from_ref(&results)).unwrap(),
            render_figures(std::slice::from_ref(&rest)).unwrap(),
            "{name}"
        );
        let page = |results: &SweepResults| render_page(std::slice::from_ref(results)).unwrap();
        let (with, plain) = (page(&results), page(&rest));
        for id in [
            "comparisons",
            "orderings",
            "ablations",
            "settings",
            "figures",
        ] {
            assert_eq!(part(&with, id), part(&plain, id), "{name}: {id}");
        }
        assert!(!part(&plain, "results").contains("Controls"));
        assert!(part(&with, "results").contains("control: temporal-difference"));
        let all = part(&with, "raw");
        assert_eq!(all.matches("control: length").count(), datasets, "{name}");
    }
}

#[test]
fn a_control_that_is_ahead_is_said_in_a_plain_sentence() {
    let mut results = walk("table1", Fate::Perfect);
    for control in [Control::Length, Control::Place, Control::Norm, Control::Pca] {
        set(&mut results, control, 50.0);
    }
    set(&mut results, Control::PlaceLength, 50.0);
    set(&mut results, Control::TemporalDifference, 50.0);
    set(&mut results, Control::Knn, 50.0);
    assert!(!words(&results).contains("best unsupervised row"));
    set(&mut results, Control::Length, 92.14);
    set(&mut results, Control::Knn, 71.5);
    let sentence = "The length of the video alone, without any feature, has an AUC of 92.14%; the best unsupervised row (GCL_PT) has 70.13%. \
                    Ahead of that row, too: the distance to the nearest training segments (71.50%).";
    let told = words(&results);
    assert_eq!(told.matches(sentence).count(), 2, "{told}");
    assert!(words(&through_files(&results)).contains(sentence));
    // A supervised row may be above it: the sentence is about what is told nothing.
    assert!(told.contains("GCL_WS"));
}

/// The tables alone know no settings: then the name of a control's row tells it.
#[test]
fn tables_alone_know_a_control_by_its_name() {
    let mut results = walk("table1", Fate::Perfect);
    set(&mut results, Control::Length, 92.14);
    let folder = tempfile::tempdir().unwrap();
    write_csv(&results, folder.path()).unwrap();
    std::fs::remove_file(folder.path().join("sweep.json")).unwrap();
    let read = read_csv(folder.path()).unwrap().remove(0);
    let told = words(&read);
    let sentence =
        "has an AUC of 92.14%; the best row (GCL_WS; what it was told is not known here) has ";
    assert!(told.contains(sentence), "{told}");
    let html = render_page(std::slice::from_ref(&read)).unwrap();
    assert!(part(&html, "results").contains("<h3>Controls</h3>"));
    assert!(!part(&html, "comparisons").contains("control: "));
}

#[test]
fn a_control_that_failed_is_a_failure() {
    let told = words(&walk("table1", Fate::Failing));
    assert!(told.contains("no run (1 failed)"), "{told}");
}

#[test]
fn a_sweep_of_controls_alone_is_a_sweep() {
    let mut results = walk("table1", Fate::Perfect);
    results
        .cells
        .retain(|result| result.cell.control().is_some());
    let told = words(&results);
    assert!(told.contains("control: knn") && !told.contains("Controls learn"));
}
