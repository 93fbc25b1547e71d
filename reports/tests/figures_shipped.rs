//! Every sweep file that ships gets the figures that it asks for, split by data set, from fabricated results of all its cells.

#![allow(clippy::unwrap_used)] // Helpers outside `#[test]` functions are tests too.

use crate::fabricated;
use crate::support;

use std::path::Path;

use fabricated::Learner;
use reports::figures::Figure;
use reports::{CellScores, ReportRequest, SweepResults, render_figures, render_page};
use support::shipped_files;
use sweeps::{CellResult, Limits, expand_text};

/// All cells of a sweep file as done, after an edit of its text.
fn results(path: &Path, edit: impl Fn(String) -> String) -> SweepResults {
    let text = edit(std::fs::read_to_string(path).unwrap());
    let (spec, expansion) = expand_text(&path.to_string_lossy(), &text, Limits::default()).unwrap();
    let cells: Vec<CellResult> = expansion
        .cells
        .into_iter()
        .map(|cell| {
            let learner = Learner {
                name: "learner",
                start: 55.0,
                end: 70.0,
                spread: 1.0,
                has_d: cell.variant.contains("GCL"),
            };
            let epochs = if cell.variant.contains("Sultani") {
                100
            } else {
                15
            };
            let mut result = fabricated::cell(
                learner,
                &cell.job.dataset,
                &cell.point,
                cell.job.seed,
                epochs,
            );
            result.cell = cell;
            result
        })
        .collect();
    let mut results = SweepResults {
        name: spec.name.clone(),
        columns: expansion.columns,
        command: format!("gcl-sweep run sweeps/{}.toml", spec.name),
        report: ReportRequest {
            figures: spec.report.figures,
            tables: spec.report.tables,
            reference: spec.report.reference,
            ..ReportRequest::default()
        },
        cells,
        ..SweepResults::default()
    };
    let first: Vec<usize> = (0..results.cells.len())
        .filter(|index| results.cells[*index].cell.job.seed == 0)
        .collect();
    let made_up = fabricated::scores().scores.remove(2);
    let scores = |cell| CellScores {
        cell,
        ..made_up.clone()
    };
    results.scores = first.into_iter().map(scores).collect();
    results
}

fn named<'a>(figures: &'a [Figure], name: &str) -> &'a Figure {
    figures
        .iter()
        .find(|figure| figure.name == name)
        .unwrap_or_else(|| {
            panic!(
                "{name} is not among {:?}",
                figures
                    .iter()
                    .map(|figure| &figure.name)
                    .collect::<Vec<_>>()
            )
        })
}

#[test]
fn every_file_gets_the_figures_that_it_asks_for() {
    for path in shipped_files() {
        let results = results(&path, |text| text);
        let figures = render_figures(std::slice::from_ref(&results)).unwrap();
        for asked in &results.report.figures {
            assert!(
                figures.iter().any(|figure| figure.name == *asked),
                "{}: {asked} is not drawn",
                path.display()
            );
        }
        assert!(
            figures.iter().all(|figure| figure.name != "heatmap"),
            "{}: nothing is crossed with a data set",
            path.display()
        );
        let html = render_page(&[results]).unwrap();
        assert!(
            !html.contains("Asked for and not drawn"),
            "{}",
            path.display()
        );
    }
}

#[test]
fn a_data_set_is_a_panel_in_every_figure() {
    let sweeps = Path::new(env!("CARGO_MANIFEST_DIR")).join("../sweeps");
    for (file, asked) in [
        ("fig5", "fig5"),
        ("fig9", "fig9"),
        ("fig10", "fig10"),
        ("thresholds", "thresholds"),
        ("table2", "intervals"),
    ] {
        let mut results = results(&sweeps.join(format!("{file}.toml")), |text| text);
        results.report.figures = vec![asked.to_owned(), "seeds".into()];
        let figures = render_figures(&[results]).unwrap();
        for name in [asked, "seeds"] {
            let svg = &named(&figures, name).svg;
            for dataset in ["ucf-crime-resnext", "shanghaitech-resnext"] {
                assert!(
                    svg.contains(&format!(">{dataset}</text>"))
                        || svg.contains(&format!("{dataset}</text>")),
                    "{name}: no panel of {dataset}"
                );
            }
            assert!(
                !svg.contains(">batch_size") && !svg.contains("batch_size ="),
                "{name}: what moves with the data set is no factor"
            );
            assert!(
                svg.contains(&format!("sweep {file}<")),
                "{name} says its sweep"
            );
            assert!(
                svg.contains("Made by: gcl-sweep run"),
                "{name} says its command"
            );
        }
    }
}

#[test]
fn figures_of_scores_name_the_data_set_and_not_what_moves_with_it() {
    let sweeps = Path::new(env!("CARGO_MANIFEST_DIR")).join("../sweeps");
    for name in ["fig4", "fig6", "fig7", "fig8"] {
        let mut results = results(&sweeps.join(format!("{name}.toml")), |text| text);
        results.rehearsal = true;
        let figures = render_figures(&[results]).unwrap();
        let svg = &named(&figures, name).svg;
        assert!(svg.contains("-resnext"), "{name} names the data set");
        assert!(!svg.contains("· 512") && !svg.contains("· 8192"), "{name}");
        assert!(
            svg.contains(&format!("sweep {name}<")),
            "{name} says its sweep"
        );
        assert!(svg.contains("seed 0"), "{name} says its seed");
        assert!(svg.contains("not a result"), "{name} is stamped");
        // Videos of the other data set have a figure of their own.
        if name == "fig7" || name == "fig8" {
            let other = named(&figures, &format!("shanghaitech_resnext-{name}"));
            assert!(
                other.title.contains("shanghaitech-resnext"),
                "{}",
                other.title
            );
        }
        let roc = &named(&figures, "roc").svg;
        assert_eq!(
            roc.matches(">recall (frames)<").count(),
            2,
            "{name}: axes per data set"
        );
    }
}

#[test]
fn figure_9_shows_both_networks() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../sweeps/fig9.toml");
    let figures = render_figures(&[results(&path, |text| text)]).unwrap();
    let fig9 = named(&figures, "fig9");
    assert_eq!(figures[0].name, "fig9", "what was asked for comes first");
    assert_eq!(
        fig9.svg.matches(">GCL_WS: D</text>").count(),
        2,
        "D on both data sets"
    );
    assert_eq!(
        fig9.svg.matches(">GCL_WS: G</text>").count(),
        2,
        "G on both data sets"
    );
    for tick in ["0", "33", "66", "100"] {
        assert!(fig9.svg.contains(&format!(">{tick}</text>")), "{tick}%");
    }
}

/// What moves with the share of supervision does not take its place, and fewer runs than were asked for are seen.
#[test]
fn figure_9_is_against_supervision_whatever_moves_with_it() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../sweeps/fig9.toml");
    let mut results = results(&path, |text| {
        text.replace("supervision_percent = [0, 33, 66, 100]", "").replace(
            "[axes]",
            "[[zip]]\nsupervision_percent = [0, 33, 66, 100]\nepochs = [15, 16, 17, 18]\n\n[axes]",
        ).replace("epochs = 15\n", "")
    });
    for result in &mut results.cells {
        let mut values = result.cell.point.iter().flatten();
        let is_66 = values.any(|value| value.as_float() == Some(66.0));
        if is_66 && result.cell.job.seed > 0 {
            *result = fabricated::ended(
                result.clone(),
                sweeps::JobStatus::Failed,
                Some("diverged"),
                1,
            );
        }
    }
    let figures = render_figures(&[results]).unwrap();
    let fig9 = named(&figures, "fig9");
    assert_eq!(fig9.title, "AUC against supervision_percent");
    assert!(
        fig9.svg.contains(">n = 1 of "),
        "one of several seeds says so"
    );
    // D and G on two data sets: the line ends at 33%, and 100% is alone.
    assert!(fig9.caption.contains("is not joined to its neighbours"));
}

/// Every name that a sweep file may ask for is drawn, where the sweep has what it is drawn from.
#[test]
fn every_name_is_drawn() {
    let sweeps = Path::new(env!("CARGO_MANIFEST_DIR")).join("../sweeps");
    let mut results = results(&sweeps.join("thresholds.toml"), |text| {
        text.replace("count = 3", "count = 10").replace("[axes]", "[axes]\nsupervision_percent = [0, 100]").replace(
            "[report]",
            "[[variant]]\nname = \"GCL_B\"\n[[variant]]\nname = \"GCL_PT\"\njob = { pretraining = \"temporal-difference\" }\n[report]",
        )
    });
    results.report.figures = sweeps::FIGURES
        .iter()
        .map(|name| (*name).to_owned())
        .collect();
    // A gain is over something.
    results.report.reference = Some("GCL_B".to_owned());
    let figures = render_figures(std::slice::from_ref(&results)).unwrap();
    for name in &results.report.figures {
        let _ = named(&figures, name);
    }
}
