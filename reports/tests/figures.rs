//! Every figure is drawn again from its own CSV, to the byte.

#![allow(clippy::unwrap_used)] // Helpers outside `#[test]` functions are tests too.

use crate::fabricated;

use std::collections::BTreeSet;

use reports::figures::{Figure, is_figure_data, redraw};
use reports::{SweepResults, render_figures};

fn again(figure: &Figure) -> Figure {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("renamed.csv");
    std::fs::write(&path, &figure.csv).unwrap();
    assert!(is_figure_data(&path), "{}", figure.name);
    redraw(&path).unwrap()
}

/// A line would say that the one parameter did what another may have done.
#[test]
fn draws_of_several_parameters_are_joined_by_no_line() {
    let against = |results: SweepResults| {
        let figures = render_figures(&[results]).unwrap();
        let mut figures = figures.into_iter();
        figures.find(|figure| figure.name == "against").unwrap()
    };
    let plain = against(fabricated::supervision());
    assert!(plain.caption.contains("Lines: means"), "{}", plain.caption);
    let drawn = against(fabricated::drawn());
    let sentence = "against supervision_percent: learning_rate differs from point to point. Points: means over the seeds, which no line joins";
    assert!(drawn.caption.contains(sentence), "{}", drawn.caption);
    // Two lines, each with its band; the legend's stay.
    let strokes = |figure: &Figure| figure.svg.matches("stroke-width=\"16\"").count();
    let bands = |figure: &Figure| figure.svg.matches("fill-opacity=\"0.15\"").count();
    assert_eq!((strokes(&plain) - strokes(&drawn), bands(&drawn)), (2, 0));
    assert_eq!(bands(&plain), 2);
    let with = |value: fn(f64) -> sweeps::Value| {
        let mut results = fabricated::drawn();
        for result in &mut results.cells {
            let percent = result.cell.point[0]
                .as_ref()
                .and_then(sweeps::Value::as_float);
            result.cell.point[1] = percent.map(value);
        }
        against(results)
    };
    // A word has no place between two others, and what goes along is named.
    let words = with(|percent| {
        if percent == 33.0 {
            "l2".into()
        } else {
            "none".into()
        }
    });
    assert_eq!(bands(&words), 0, "{}", words.caption);
    let zipped = with(|percent| sweeps::Value::Float(1e-4 + percent));
    assert_eq!(bands(&zipped), 2, "{}", zipped.caption);
    let sentence = "against supervision_percent: learning_rate moves along with it. Lines";
    assert!(zipped.caption.contains(sentence), "{}", zipped.caption);
}

#[test]
fn a_figure_that_no_page_has_is_drawn_when_it_is_named() {
    let results = [fabricated::quickstart()];
    let on_page = render_figures(&results).unwrap();
    assert!(on_page.iter().all(|figure| figure.name != "fig10"));
    let found = reports::find_figures(&results, "fig10").unwrap();
    assert!(
        found.iter().all(|figure| figure.name.starts_with("fig10")),
        "{}",
        found.len()
    );
    // Of several sweeps by the name that each has there.
    let two = [fabricated::quickstart(), fabricated::supervision()];
    let second = reports::find_figures(&two, "s2-fig9").unwrap();
    assert_eq!((second.len(), second[0].name.as_str()), (1, "s2-fig9"));
    let refused = reports::find_figures(&results, "fig6")
        .unwrap_err()
        .to_string();
    assert!(
        refused.contains("needs a job that keeps an embedding"),
        "{refused}"
    );
    assert!(
        refused.contains("fig5") && refused.contains("fig10"),
        "{refused}"
    );
    let unknown = reports::find_figures(&results, "fig11")
        .unwrap_err()
        .to_string();
    assert!(
        unknown.contains("no figure `fig11`; they have: "),
        "{unknown}"
    );
}

#[test]
fn every_figure_is_drawn_again_from_its_csv() {
    let mut drawn = BTreeSet::new();
    let papers = |mut results: SweepResults| {
        results.report.figures = [
            "fig4",
            "fig5",
            "fig6",
            "fig7",
            "fig8",
            "fig9",
            "fig10",
            "seeds",
            "intervals",
            "thresholds",
            "heatmap",
        ]
        .map(String::from)
        .to_vec();
        results
    };
    let rehearsed = |mut results: SweepResults| {
        results.rehearsal = true;
        results
    };
    for make in [
        fabricated::quickstart as fn() -> SweepResults,
        fabricated::troubled,
        fabricated::supervision,
        fabricated::drawn,
        fabricated::grid,
        fabricated::wide,
        fabricated::scores,
        fabricated::datasets,
        fabricated::methods,
        fabricated::thresholds,
        fabricated::coherence,
        // More seeds than are drawn, more epochs than a picture has pixels.
        || fabricated::long(80, 30),
        || fabricated::long(4, 1000),
    ] {
        for sweeps in [
            vec![make()],
            vec![papers(make())],
            vec![rehearsed(make())],
            vec![fabricated::quickstart(), make()],
        ] {
            for figure in render_figures(&sweeps).unwrap() {
                let again = again(&figure);
                assert_eq!(again.csv, figure.csv, "{}: the numbers", figure.name);
                assert_eq!(again.svg, figure.svg, "{}: the picture", figure.name);
                assert_eq!(again, figure);
                let plain = figure.name.rsplit('-').next().unwrap();
                drawn.insert(plain.to_owned());
            }
        }
    }
    let all = [
        "against",
        "auc",
        "convergence",
        "epochs",
        "fig10",
        "fig4",
        "fig5",
        "fig6",
        "fig7",
        "fig8",
        "fig9",
        "gain",
        "heatmap",
        "intervals",
        "profile",
        "roc",
        "seeds",
        "thresholds",
    ];
    for name in all {
        assert!(drawn.contains(name), "{name} was among them");
    }
}

#[test]
fn other_files_are_refused_with_their_line() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("x.csv");
    let figures = render_figures(&[fabricated::quickstart()]).unwrap();
    for (from, to, expected) in [
        ("done", "finished", "line 2: `finished` is no status"),
        ("auc,quickstart", "auc2,quickstart", "another figure"),
        ("0.7", "much", "`much"),
        ("{", "[", "column `about` is not ours"),
        ("status", "state", "no column `status`"),
    ] {
        std::fs::write(&path, figures[0].csv.replacen(from, to, 1)).unwrap();
        let error = redraw(&path).unwrap_err().to_string();
        assert!(error.contains(expected), "{error}");
    }
    std::fs::write(&path, "figure,sweep,variant,seed\nfig99,a,b,1\n").unwrap();
    assert!(redraw(&path).unwrap_err().to_string().contains("fig99"));
    std::fs::write(&path, "figure,sweep,variant,seed\n").unwrap();
    assert!(redraw(&path).is_err());
    std::fs::write(&path, "sweep,variant\n").unwrap();
    assert!(!is_figure_data(&path) && redraw(&path).is_err());
}
