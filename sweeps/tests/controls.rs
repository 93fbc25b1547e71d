//! `[report] controls = true`: which cells it adds, and what stays as it was.

#![allow(clippy::unwrap_used)] // Helpers outside `#[test]` functions are tests too.

use sweeps::training::Control;
use sweeps::{Cell, Choice, Digest, Expansion, Limits, SweepSpec, expand_text};

fn expand(text: &str) -> (SweepSpec, Expansion) {
    expand_text("s.toml", text, Limits::default()).unwrap_or_else(|faults| panic!("{faults}"))
}

fn faults(text: &str) -> String {
    match expand_text("s.toml", text, Limits::default()) {
        Ok(_) => panic!("no fault in {text}"),
        Err(faults) => faults.to_string(),
    }
}

fn controls(expansion: &Expansion) -> Vec<&Cell> {
    let cells = expansion.cells.iter();
    cells.filter(|cell| cell.control().is_some()).collect()
}

const TWO: &str = r#"
name = "s"
[job]
score_smoothing = 2.0
epochs = 3
[[zip]]
dataset = ["a", "b"]
batch_size = [64, 128]
feature_scaling = ["standard", "l2"]
[axes]
seed = { from = 5, count = 3 }
[[variant]]
name = "GCL_B"
[[variant]]
name = "AE"
job = { method = "autoencoder" }
"#;

#[test]
fn every_data_set_has_each_control_once_after_everything_else() {
    let (_, plain) = expand(TWO);
    let (spec, with) = expand(&format!("{TWO}[report]\ncontrols = true\n"));
    assert!(spec.warnings.is_empty(), "{:?}", spec.warnings);
    assert_eq!(with.columns, plain.columns);
    assert_eq!(with.cells[..plain.cells.len()], plain.cells[..]);
    let added = &with.cells[plain.cells.len()..];
    assert_eq!(added.len(), 2 * Control::ALL.len());
    for (cell, (dataset, scaling)) in added
        .iter()
        .zip([("a", "standard"); 7].into_iter().chain([("b", "l2"); 7]))
    {
        let control = cell.control().unwrap();
        assert_eq!(cell.variant, format!("control: {}", control.word()));
        // Scaled as the data set is; a batch size means nothing to it.
        let point: Vec<_> = with
            .columns
            .iter()
            .zip(&cell.point)
            .map(|(column, value)| (column.as_str(), value.as_ref().map(ToString::to_string)))
            .collect();
        let expected = [
            ("batch_size", None),
            ("dataset", Some(dataset.to_owned())),
            ("feature_scaling", Some(scaling.to_owned())),
        ];
        assert_eq!(point, expected);
        assert_eq!((cell.job.seed, cell.job.is_deterministic()), (0, true));
        let sigma = if control.reads_no_feature() { 0.0 } else { 2.0 };
        assert_eq!(cell.reporting.score_smoothing, sigma, "{control:?}");
    }
}

/// The card of a data set is made once, by the first control that the report adds.
#[test]
fn one_control_of_each_data_set_makes_its_card() {
    let named = "[[variant]]\nname = \"how long\"\njob = { method = \"control\" }\n";
    let text = TWO
        .replace("score_smoothing = 2.0\n", "")
        .replace("batch_size = [64, 128]\n", "");
    for (file, first) in [
        (TWO.to_owned(), Control::Length),
        (format!("{text}{named}"), Control::Place),
    ] {
        let (_, with) = expand(&format!("{file}[report]\ncontrols = true\n"));
        let makers: Vec<_> = with
            .cells
            .iter()
            .filter(|cell| cell.job.parameters.get("artifacts.data_card") == Some(&"on".into()))
            .map(|cell| (cell.job.dataset.to_string(), cell.control().unwrap()))
            .collect();
        assert_eq!(makers, ["a", "b"].map(|name| (name.to_owned(), first)));
    }
}

#[test]
fn a_control_can_be_a_variant_and_is_not_added_again() {
    let named = "[[variant]]\nname = \"how long\"\njob = { method = \"control\" }\n";
    let text = TWO
        .replace("score_smoothing = 2.0\n", "")
        .replace("batch_size = [64, 128]\n", "");
    let (_, plain) = expand(&format!("{text}{named}"));
    let seeds = controls(&plain);
    assert_eq!(seeds.len(), 6, "two data sets, three seeds");
    let id = |cell: &Cell| cell.job.id(Digest([7; 32]));
    assert_eq!(id(seeds[0]), id(seeds[1]), "all seeds are one job");
    let (_, with) = expand(&format!("{text}{named}[report]\ncontrols = true\n"));
    assert_eq!(with.cells.len() - plain.cells.len(), 2 * 6);
    let lengths = controls(&with);
    let lengths = lengths
        .iter()
        .filter(|cell| cell.control() == Some(Control::Length));
    assert_eq!(lengths.count(), 6);
}

#[test]
fn clips_and_the_numbers_of_controls_come_from_job() {
    let text = TWO.replace(
        "epochs = 3",
        "knn.neighbours = 9\nevaluation.clip_segments = 20",
    );
    let (spec, with) = expand(&format!("{text}[report]\ncontrols = true\n"));
    assert!(spec.warnings.is_empty(), "{:?}", spec.warnings);
    for cell in &with.cells {
        assert_eq!(cell.reporting.clip_segments, Some(20));
    }
    let cells = controls(&with);
    let nearest = cells
        .iter()
        .find(|cell| cell.control() == Some(Control::Knn));
    let parameters = &nearest.unwrap().job.parameters;
    assert_eq!(parameters.get("knn.neighbours"), Some(&9.into()));
    // Decided when reporting: the jobs are those of whole videos.
    let (_, whole) = expand(&text.replace("\nevaluation.clip_segments = 20", ""));
    assert_eq!(whole.cells[0].job, with.cells[0].job);
    // Without controls nobody has neighbours.
    let (spec, _) = expand(&text);
    assert_eq!(spec.warnings.len(), 1);
}

#[test]
fn cells_are_selected_among_them_as_among_others() {
    let text =
        format!("{TWO}[report]\ncontrols = true\n[only]\ncells = [\"variant=control: knn\"]\n");
    let (_, some) = expand(&text);
    assert_eq!(some.cells.len(), 2);
    let (_, none) = expand(&text.replace("variant=control: knn", "variant=GCL_B"));
    assert_eq!(none.cells.len(), 6);
}

#[test]
fn what_makes_no_sense_is_a_fault() {
    let with = |more: &str| faults(&format!("{TWO}{more}"));
    let message = with("[report]\ncontrols = \"yes\"\n");
    assert!(
        message.contains("`controls` must be true or false"),
        "{message}"
    );
    let message = with("[[variant]]\nname = \"control: norm\"\n[report]\ncontrols = true\n");
    assert!(message.contains("the name of a control's row"), "{message}");
    // The length of a video has no segments that could be smoothed; pre-training selects nothing for it.
    for (set, word) in [
        ("score_smoothing = 1.0", "score_smoothing"),
        ("pretraining = \"normal-only\"", "pretraining"),
        ("knn.neighbours = 3", "knn.neighbours"),
    ] {
        let variant =
            format!("[[variant]]\nname = \"x\"\njob = {{ method = \"control\", {set} }}\n");
        let message = faults(&format!(
            "{}{variant}",
            TWO.replace("score_smoothing = 2.0\n", "")
        ));
        assert!(message.contains(word), "{set}: {message}");
    }
}
