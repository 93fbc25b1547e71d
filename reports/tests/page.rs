//! The page and its figures: what they say, what they must never do, and that the same results give the same bytes.

#![allow(clippy::unwrap_used)] // Helpers outside `#[test]` functions are tests too.

use crate::fabricated;
use crate::support;

use proptest::prelude::*;
use reports::{SweepResults, render_figures, render_page, write_report};
use support::text;

fn page(results: &SweepResults) -> String {
    render_page(std::slice::from_ref(results)).unwrap()
}

/// The page that a person has looked at. After a change, `GCL_GOLDEN=write cargo test -p reports` writes it anew: look at it
/// in a browser before it is committed.
#[test]
fn the_page_is_the_reviewed_one() {
    let path =
        std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/golden/quickstart.html");
    let html = page(&fabricated::quickstart());
    if std::env::var_os("GCL_GOLDEN").is_some_and(|value| value == "write") {
        std::fs::write(&path, &html).unwrap();
    }
    let golden = std::fs::read_to_string(&path).unwrap();
    let differs = html
        .lines()
        .zip(golden.lines())
        .position(|(ours, theirs)| ours != theirs);
    assert_eq!(
        differs, None,
        "the page differs from tests/golden/quickstart.html in that line (counted from 0)"
    );
    assert_eq!(html.len(), golden.len());
}

#[test]
fn the_same_results_give_the_same_bytes() {
    let results = fabricated::troubled();
    assert_eq!(page(&results), page(&results.clone()));
    let figures = render_figures(&[results]).unwrap();
    let png = reports::figures::png(&figures[0]).unwrap();
    assert_eq!(png, reports::figures::png(&figures[0]).unwrap());
    assert!(png.starts_with(b"\x89PNG"));
    assert!(png.windows(4).any(|chunk| chunk == b"pHYs"));
}

/// Names from outside are shown, never run; and no address of the network is in the page, but those that XML names itself by.
#[test]
fn nothing_from_outside_gets_in_and_nothing_gets_out() {
    let html = page(&fabricated::troubled());
    assert!(!html.contains("<script>alert"));
    assert!(
        html.contains("&lt;script&gt;alert(&quot;x&quot;)&lt;/script&gt; &amp; 协同学习 ünïcode")
    );
    assert!(!html.contains("<b>at</b>"));
    let outside = html.replace("http://www.w3.org/2000/svg", "");
    assert!(
        !outside.contains("http://") && !outside.contains("https://") && !outside.contains("//cdn")
    );
    assert_eq!(html.matches("<script").count(), 1);
    assert!(html.contains("default-src 'none'"));
    assert!(!html.contains("unsafe-inline"));
    // The policy knows no inline styles and no handlers, so there must be none.
    assert!(!html.contains(" style=") && !html.contains(" onclick="));
}

#[test]
fn what_failed_and_what_is_missing_is_said() {
    let words = text(&page(&fabricated::troubled()));
    for expected in [
        "Undecided",
        "This sweep is not finished: 2 of 40 cells still to come",
        "40 cells asked for",
        "35 done",
        "1 quarantined",
        "66.92 ± 0.61",
        "8 of 10 (1 failed, 1 missing)",
        "67.09 ± 0.65",
        "diverged: the loss of G is NaN in epoch 3, step 17",
        "GCL_PT: no cell for seed 4",
        "labels-locked",
        "5 jobs were taken up again from a checkpoint",
        "n too small to say",
        "All numbers that the paper prints",
        "Two attempts of job 0123456789ab differ",
    ] {
        assert!(words.contains(expected), "{expected}");
    }
}

#[test]
fn synthetic_data_is_called_so_and_judged_by_nothing() {
    let words = text(&page(&fabricated::quickstart()));
    assert!(words.contains("Synthetic data."));
    assert!(words.contains("synthetic-fixed-cameras-120x40-d64-s1"));
    assert!(words.contains("Not comparable with the paper"));
    assert!(!words.contains("All numbers that the paper prints"));
}

/// Other features of the paper's data set: its numbers are shown, and nobody is called reproduced or not.
#[test]
fn other_features_are_not_comparable() {
    let mut results = fabricated::troubled();
    for result in &mut results.cells {
        result.cell.job.dataset = sweeps::DatasetSource::Named("shanghaitech-tracks".into());
    }
    let words = text(&page(&results));
    assert!(words.contains("72.41 †"));
    assert!(words.contains("not comparable (a)"));
    assert!(words.contains("(a) other features than ResNeXt"));
    assert!(words.contains("Not comparable with the paper"));
}

#[test]
fn a_sweep_without_any_result_has_a_page() {
    let mut results = fabricated::quickstart();
    for result in &mut results.cells {
        *result = fabricated::ended(result.clone(), sweeps::JobStatus::Pending, None, 0);
    }
    let html = page(&results);
    assert!(text(&html).contains("10 pending"));
    assert!(render_figures(&[results]).unwrap().is_empty());
    assert!(render_page(&[SweepResults::default()]).is_ok());
    assert!(render_page(&[]).is_err());
}

#[test]
fn several_sweeps_stand_side_by_side_without_sharing_identifiers() {
    let html = render_page(&[
        fabricated::quickstart(),
        fabricated::troubled(),
        fabricated::grid(),
    ])
    .unwrap();
    let mut ids: Vec<&str> = html
        .split(" id=\"")
        .skip(1)
        .map(|rest| rest.split('"').next().unwrap())
        .collect();
    let all = ids.len();
    ids.sort_unstable();
    ids.dedup();
    assert_eq!(ids.len(), all, "every id once");
    for link in html
        .split("href=\"#")
        .skip(1)
        .map(|rest| rest.split('"').next().unwrap())
    {
        assert!(ids.binary_search(&link).is_ok(), "#{link} leads somewhere");
    }
}

/// Two sweeps of the same methods on two data sets: one table, one set of figures, one mean over both.
#[test]
fn several_sweeps_have_one_table_and_one_mean() {
    let first = fabricated::quickstart();
    let mut second = first.clone();
    second.name = "the same elsewhere".into();
    second.datasets.clear();
    for cell in &mut second.cells {
        if let sweeps::DatasetSource::Synthetic(synthetic) = &mut cell.cell.job.dataset {
            synthetic.seed += 1;
        }
        cell.job_id.0[0] ^= 1;
    }
    let mut recorded = second.clone();
    for cell in &mut recorded.cells {
        cell.cell.job.dataset = sweeps::DatasetSource::Named("recorded".into());
    }
    let mixed = render_page(&[first.clone(), recorded]).unwrap();
    assert!(text(&mixed).contains("some are synthetic and some are not"));
    let html = render_page(&[first, second]).unwrap();
    let words = text(&html);
    assert!(words.contains("All sweeps together"));
    assert!(words.contains("Over all data sets"));
    assert!(words.contains("Seeds finished on all"));
    assert!(html.contains("figure-all-auc"));
    let names = render_figures(&[fabricated::quickstart(), fabricated::grid()]).unwrap();
    assert!(names.iter().any(|figure| figure.name.starts_with("all-")));
}

/// One method name with two meanings is two rows, and a job of two sweeps counts once.
#[test]
fn merged_sweeps_neither_mix_settings_nor_count_twice() {
    let first = fabricated::quickstart();
    let mut same = first.clone();
    same.name = "again".into();
    let given = |rate: f64| {
        let mut parameters = sweeps::Parameters::default();
        parameters.set("learning_rate", &rate.into()).unwrap();
        sweeps::JobSpec::resolve(sweeps::DatasetSource::Named("data".into()), 0, &parameters)
            .parameters
    };
    let with = |mut results: SweepResults, rate: f64| {
        for cell in &mut results.cells {
            cell.cell.job.parameters = given(rate);
        }
        results
    };
    let merged = reports::merge::merge(&[&with(first.clone(), 1e-4), &with(same.clone(), 1e-4)]);
    assert_eq!(merged.cells.len(), first.cells.len());
    for cell in &mut same.cells {
        cell.job_id.0[0] ^= 1;
    }
    let merged = reports::merge::merge(&[&with(first.clone(), 1e-4), &with(same, 2e-4)]);
    assert_eq!(merged.cells.len(), 2 * first.cells.len());
    let rows = reports::summary(&merged);
    assert_eq!(rows.len(), 4);
    assert!(rows.iter().any(|row| row.variant == "GCL_B (again)"));
}

/// Parameters that were drawn together are one factor, and a row of it says what each of them was.
#[test]
fn rows_of_draws_are_named_by_all_that_was_drawn() {
    let mut results = fabricated::quickstart();
    results.columns = vec!["learning_rate".into(), "optimizer.momentum".into()];
    for result in &mut results.cells {
        let draw = (result.cell.job.seed % 2) as i64;
        let values = [draw, 10 + draw].map(|value| Some(sweeps::Value::Integer(value)));
        result.cell.point = values.into();
    }
    let labels: Vec<String> = reports::summary(&results)
        .iter()
        .map(|row| row.point_label(&results.columns))
        .collect();
    for draw in [
        "learning_rate = 0, optimizer.momentum = 10",
        "learning_rate = 1, optimizer.momentum = 11",
    ] {
        assert!(labels.iter().any(|label| label == draw), "{labels:?}");
    }
}

/// Two versions of one sweep stand beside each other, told apart by their number, with what the later one changes; what is the same in
/// both stands once.
#[test]
fn versions_of_a_sweep_are_told_apart_and_what_changed_is_said() {
    let given = |rate: f64| {
        let mut parameters = sweeps::Parameters::default();
        parameters.set("learning_rate", &rate.into()).unwrap();
        sweeps::JobSpec::resolve(sweeps::DatasetSource::Named("data".into()), 0, &parameters)
            .parameters
    };
    let version = |rate: f64, other: u8| {
        let mut results = fabricated::quickstart();
        for cell in &mut results.cells {
            let changed = cell.cell.variant == "GCL_B";
            cell.cell.job.parameters = given(if changed { rate } else { 1e-4 });
            if changed {
                cell.job_id.0[0] ^= other;
            }
        }
        results
    };
    let (first, second) = (version(1e-4, 0), version(2e-4, 1));
    let html = reports::render_page(&[first.clone(), second.clone()]).unwrap();
    let words = text(&html);
    for name in ["GCL_B (version 1)", "GCL_B (version 2)"] {
        assert!(words.contains(name), "{name}");
    }
    // The other row has the same jobs in both: it stands once, and counts each once.
    assert!(!words.contains("AE_AllData (version"));
    assert!(
        words.contains("learning_rate 1e-4 → 2e-4 (GCL_B)"),
        "{words}"
    );
    // Given without numbers they are not mixed either.
    let merged = reports::merge::merge(&[&first, &second]);
    let asked = |row: &reports::SummaryRow| row.cells.len();
    let alone = reports::summary(&first);
    assert!(
        reports::summary(&merged)
            .iter()
            .all(|row| asked(row) == asked(&alone[0]))
    );
}

/// Nobody who opens any part of a rehearsal's page can take it for results.
#[test]
fn a_rehearsal_says_so_and_names_no_winner() {
    let mut results = fabricated::quickstart();
    results.rehearsal = true;
    let html = page(&results);
    assert!(html.contains("class=\"rehearsal\""));
    let words = text(&html);
    assert!(words.contains("Rehearsal: no number here is a result"));
    assert!(!words.contains("has the highest mean AUC"));
    for figure in render_figures(&[results]).unwrap() {
        assert!(figure.svg.contains("REHEARSAL") || figure.svg.contains("rehearsal"));
    }
}

#[test]
fn figures_fit_the_axes() {
    let names = |results: SweepResults| -> Vec<String> {
        render_figures(&[results])
            .unwrap()
            .into_iter()
            .map(|figure| figure.name)
            .collect()
    };
    assert_eq!(
        names(fabricated::quickstart()),
        ["auc", "epochs", "convergence"]
    );
    assert_eq!(
        names(fabricated::grid()),
        ["heatmap", "against", "convergence"]
    );
    assert_eq!(names(fabricated::wide()), ["against", "convergence"]);
    let mut asked = fabricated::supervision();
    asked.report.figures = vec!["fig9".into()];
    assert_eq!(names(asked)[0], "fig9");
    assert_eq!(
        names(fabricated::scores()),
        [
            "auc",
            "fig10",
            "convergence",
            "fig4",
            "roc",
            "fig6",
            "fig7",
            "fig8"
        ]
    );
    // What was asked for and cannot be drawn is said.
    let mut without = fabricated::quickstart();
    without.report.figures = vec!["fig7".into(), "fig10".into()];
    let words = text(&page(&without));
    assert!(words.contains("Asked for and not drawn: fig7."));
}

#[test]
fn every_figure_is_well_formed_names_itself_and_has_its_numbers() {
    for results in [
        fabricated::quickstart(),
        fabricated::troubled(),
        fabricated::grid(),
        fabricated::wide(),
        fabricated::supervision(),
        fabricated::scores(),
    ] {
        for figure in render_figures(&[results]).unwrap() {
            assert!(
                figure.svg.contains("role=\"img\"")
                    && figure.svg.contains("<title ")
                    && figure.svg.contains("<desc ")
            );
            let png = reports::figures::png(&figure).unwrap();
            assert!(png.len() > 10_000, "{}", figure.name);
            let rows = csv::Reader::from_reader(figure.csv.as_bytes())
                .into_records()
                .map(Result::unwrap)
                .count();
            assert!(rows > 0, "{}", figure.name);
            assert!(
                !figure.svg.contains("NaN") && !figure.svg.contains("inf"),
                "{}",
                figure.name
            );
        }
    }
}

#[test]
fn the_files_are_where_the_page_says() {
    let folder = tempfile::tempdir().unwrap();
    write_report(&[fabricated::quickstart()], folder.path()).unwrap();
    let html = std::fs::read_to_string(folder.path().join("index.html")).unwrap();
    let links: Vec<&str> = html
        .split("href=\"figures/")
        .skip(1)
        .map(|rest| rest.split('"').next().unwrap())
        .collect();
    // Three figures of three files: five seeds are too few for a performance profile.
    assert_eq!(links.len(), 9);
    for link in links {
        assert!(folder.path().join("figures").join(link).is_file(), "{link}");
    }
}

#[test]
fn a_thousand_jobs_make_less_than_five_megabytes() {
    assert!(page(&fabricated::large(1000)).len() < 5_000_000);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(12))]

    /// Any names and messages: no tag of theirs survives, the SVG parses, nothing panics.
    #[test]
    fn any_text_is_shown_as_text(name in "\\PC{0,40}", message in any::<String>(), auc in any::<f64>()) {
        let mut results = fabricated::quickstart();
        results.cells.truncate(7);
        results.name = format!("{name}<i>");
        results.description.clone_from(&message);
        results.source_text.clone_from(&message);
        for result in &mut results.cells {
            result.cell.variant = format!("<i>{name}");
        }
        results.cells[1] = fabricated::ended(results.cells[1].clone(), sweeps::JobStatus::Failed, Some(&message), 1);
        if let Some(record) = &mut results.cells[2].record {
            let record = std::sync::Arc::make_mut(record);
            record.outcome.curve[3].auc_g = Some(auc);
            record.outcome.metrics.g = Some(sweeps::ScoreMetrics { auc: Some(auc), ..Default::default() });
        }
        let html = page(&results);
        prop_assert!(!html.contains("<i>"));
        // Pixels of one figure: the renderer's parser is the check, and it is slow without optimisation.
        let figures = render_figures(&[results]).unwrap();
        prop_assert!(reports::figures::png(&figures[0]).is_ok());
    }
}

#[test]
fn device_hours_include_attempts_that_came_to_nothing() {
    let mut results = fabricated::troubled();
    let unknown = page(&results);
    assert!(unknown.contains("These results do not say how long they took"));
    results.lost_s = Some(7200.0);
    let html = page(&results);
    assert!(
        html.contains("2.0 h in attempts that ended without a result"),
        "said"
    );
    assert!(
        html.contains("<strong>2.6 h of device time</strong>"),
        "and summed"
    );
    // A report made from files knows it too.
    let folder = tempfile::tempdir().unwrap();
    reports::write_csv(&results, folder.path()).unwrap();
    let again = reports::read_csv(folder.path()).unwrap();
    assert_eq!(again[0].lost_s, Some(7200.0));
}

#[test]
fn every_cell_has_its_command() {
    let results = fabricated::troubled();
    let html = page(&results);
    let commands = html
        .matches("gcl-sweep run sweeps/table2.toml --only ")
        .count();
    // An example, one each in the list, one beside each job without a result.
    let without = results
        .cells
        .iter()
        .filter(|cell| cell.record.is_none())
        .count();
    assert_eq!(commands, 1 + results.cells.len() + without);
    assert!(html.contains("--only variant=GCL_PT,seed=3"));
    // From CSV files alone nobody knows how the sweep was run.
    let mut alone = results;
    alone.command.clear();
    assert!(!page(&alone).contains("--only"));
}
