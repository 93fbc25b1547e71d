//! Settings of generated data: under `[dataset.synthetic]`, on axes, in rows.

#![allow(clippy::unwrap_used)] // Helpers outside `#[test]` functions are tests too.

use std::collections::BTreeSet;

use sweeps::{DatasetSource, Expansion, Limits, Regime, SweepSpec, Value, expand_text};

const COHERENT: &str =
    "name = \"s\"\n[dataset.synthetic]\nvideos = 12\nregime = \"coherent-events\"\n";

fn expanded(text: &str) -> (SweepSpec, Expansion) {
    expand_text("s.toml", text, Limits::default()).unwrap_or_else(|faults| panic!("{faults}"))
}

fn refused(text: &str) -> String {
    expand_text("s.toml", text, Limits::default())
        .unwrap_err()
        .to_string()
}

fn coherences(expansion: &Expansion) -> Vec<f64> {
    let cells = expansion.cells.iter();
    cells
        .map(|cell| match &cell.job.dataset {
            DatasetSource::Synthetic(synthetic) => match synthetic.regime {
                Regime::CoherentEvents(events) => events.coherence.get(),
                _ => f64::NAN,
            },
            _ => f64::NAN,
        })
        .collect()
}

#[test]
fn a_setting_of_the_data_is_an_axis() {
    for axis in [
        "[axes]\ndataset.synthetic.coherence = [0, 0.3]\n",
        "[axes]\n\"dataset.synthetic.coherence\" = [0, 0.3]\n",
        "[axes]\n\"dataset.synthetic.coherence\" = { from = 0, count = 2, step = 0.3 }\n",
        "[axes.dataset.synthetic]\ncoherence = [0, 0.3]\n",
        "[[zip]]\n\"dataset.synthetic.coherence\" = [0, 0.3]\nepochs = [3, 4]\n",
    ] {
        let (spec, expansion) = expanded(&format!("{COHERENT}{axis}"));
        assert_eq!(coherences(&expansion), [0.0, 0.3], "{axis}");
        assert_eq!(expansion.columns[0], "dataset.synthetic.coherence");
        assert_eq!(expansion.cells[1].point[0], Some(Value::Float(0.3)));
        let names: Vec<String> = spec.datasets.iter().map(ToString::to_string).collect();
        assert_eq!(
            names,
            [
                "synthetic-coherent-events-coherence0-12x25-d128-s0",
                "synthetic-coherent-events-coherence0.3-12x25-d128-s0"
            ]
        );
    }
}

#[test]
fn regimes_and_sizes_are_axes_too_and_rows_name_them() {
    let (_, expansion) = expanded(
        "name = \"s\"\n[dataset.synthetic]\nvideos = 12\n[axes]\ndataset.synthetic.regime = [\"own-cameras\", \"coherent-events\"]\n\
         dataset.synthetic.dimension = [8, 16]\n[[exclude]]\ndataset.synthetic.regime = \"own-cameras\"\ndataset.synthetic.dimension = 8\n\
         [[include]]\ndataset.synthetic.regime = \"hard-bursts\"\n",
    );
    let shown: Vec<String> = expansion
        .cells
        .iter()
        .map(|cell| cell.job.dataset.to_string())
        .collect();
    assert_eq!(
        shown,
        [
            "synthetic-coherent-events-12x25-d8-s0",
            "synthetic-own-cameras-12x25-d16-s0",
            "synthetic-coherent-events-12x25-d16-s0",
            "synthetic-hard-bursts-12x25-d128-s0"
        ]
    );
    let (_, drawn) = expanded(&format!(
        "{COHERENT}[random]\ncount = 3\n[random.ranges]\ndataset.synthetic.coherence = {{ min = 0, max = 1 }}\n"
    ));
    let distinct: BTreeSet<String> = coherences(&drawn).iter().map(f64::to_string).collect();
    assert_eq!(distinct.len(), 3);
}

#[test]
fn each_seed_may_have_data_of_its_own() {
    let (spec, expansion) = expanded(&format!(
        "{COHERENT}seed = \"job\"\n[axes]\nseed = {{ from = 3, count = 2 }}\n[report]\ncontrols = true\n"
    ));
    assert!(spec.has_data_per_seed());
    assert_eq!(expansion.columns, Vec::<String>::new());
    for cell in &expansion.cells {
        let DatasetSource::Synthetic(synthetic) = &cell.job.dataset else {
            panic!("{cell:?}");
        };
        assert_eq!(synthetic.seed, cell.job.seed);
    }
    let places: BTreeSet<(&str, u64)> = expansion
        .cells
        .iter()
        .map(|cell| (cell.variant.as_str(), cell.job.seed))
        .collect();
    assert_eq!(places.len(), expansion.cells.len(), "each cell once");
    assert_eq!((expansion.cells.len(), spec.datasets.len()), (2 + 14, 2));
}

/// A file that names a value says the same job as one that leaves it at its default, and the first three worlds have no settings.
#[test]
fn what_cannot_be_meant_is_refused_where_it_stands() {
    for (text, what) in [
        (
            "name = \"s\"\n[dataset.synthetic]\nvideos = 12\ncoherence = 0.5\n".to_owned(),
            "`coherence` means nothing in the regime `fixed-cameras`",
        ),
        (
            format!("{COHERENT}coherence = 1.5\n"),
            "`dataset.synthetic.coherence` = 1.5 is out of range",
        ),
        (
            format!("{COHERENT}coherrence = 0.5\n"),
            "did you mean `coherence`?",
        ),
        (
            "name = \"s\"\n[dataset.synthetic]\nvideos = 12\n[axes]\ndataset.synthetic.clutter = [0, 0.1]\n".to_owned(),
            "`dataset.synthetic.clutter` means nothing in a job of `s`",
        ),
        (
            "name = \"s\"\n[dataset]\nname = \"a\"\n[axes]\ndataset.synthetic.clutter = [0, 0.1]\n".to_owned(),
            "`dataset.synthetic.clutter` is a setting of generated data, and this sweep has none",
        ),
        (
            format!("{COHERENT}seed = \"job\"\n[axes]\ndataset.synthetic.seed = [0, 1]\n"),
            "`dataset.synthetic.seed` is that of the job, and moves on an axis",
        ),
        (
            format!("{COHERENT}[job]\ndataset.synthetic.clutter = 0.1\n"),
            "settings of the data stand under [dataset] or on an axis",
        ),
        (
            format!("{COHERENT}[axes]\ndataset.synthetic.coherrence = [0, 1]\n"),
            "did you mean `dataset.synthetic.coherence`?",
        ),
        (
            format!("{COHERENT}[axes]\ndataset.synthetic.coherence = [0, 2]\n"),
            "`dataset.synthetic.coherence` = 2 is out of range",
        ),
    ] {
        let faults = refused(&text);
        assert!(faults.contains(what), "{faults}");
        assert!(faults.contains('^'), "{faults}");
    }
}

#[test]
fn a_default_that_is_named_is_the_same_job() {
    let id = |more: &str| {
        let (spec, expansion) = expanded(&format!("{COHERENT}{more}"));
        let DatasetSource::Synthetic(synthetic) = &spec.datasets[0] else {
            panic!();
        };
        expansion.cells[0].job.id(synthetic.digest())
    };
    assert_eq!(id(""), id("coherence = 0.9\nclutter = 0.1\n"));
    assert_eq!(id(""), id("amplitude = 2\n"));
    assert_ne!(id(""), id("amplitude = 2.5\n"));
}
