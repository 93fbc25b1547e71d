//! Some cells of a sweep alone: the same cells with the same ids as in the whole.

use sweeps::{Digest, Expansion, Limits, Selection, expand_text, only_section};

const SWEEP: &str = r#"
name = "t"
[dataset]
name = "d"
[axes]
seed = [0, 1, 2]
learning_rate = [2e-5, 1e-4]
"threshold.generator" = [{ rule = "mean-std", k = 1.0 }, { rule = "otsu" }]
[[variant]]
name = "GCL_B"
[[variant]]
name = "odd, seed=7 \"名\" \\ it's"
job = { pretraining = "temporal-difference" }
[[include]]
variant = "GCL_B"
seed = 9
"#;

fn expand(text: &str) -> Result<Expansion, String> {
    expand_text("t.toml", text, Limits::default())
        .map(|(_, expansion)| expansion)
        .map_err(|faults| faults.to_string())
}

fn only(selections: &[&str]) -> Result<Expansion, String> {
    let whole = expand(SWEEP)?;
    let selections: Vec<String> = selections.iter().map(ToString::to_string).collect();
    let section = only_section(&whole, &selections)
        .map_err(|error| format!("{} | {}", error.message, error.help))?;
    expand(&format!("{SWEEP}{section}"))
}

#[test]
fn every_cell_can_be_named_alone_and_is_the_same_job() {
    let whole = expand(SWEEP).unwrap();
    assert_eq!(whole.cells.len(), 2 * 3 * 2 * 2 + 1);
    for cell in &whole.cells {
        let name = Selection::of(cell, &whole.columns).to_string();
        let alone = only(&[&name]).unwrap();
        assert_eq!(alone.columns, whole.columns);
        assert_eq!(alone.cells.len(), 1, "{name}");
        assert_eq!(alone.cells[0], *cell, "{name}");
        let digest = Digest([1; 32]);
        assert_eq!(alone.cells[0].job.id(digest), cell.job.id(digest));
    }
}

#[test]
fn a_selection_leaves_out_what_does_not_matter() {
    let count = |selections: &[&str]| only(selections).unwrap().cells.len();
    assert_eq!(count(&["variant=GCL_B"]), 13);
    assert_eq!(count(&["seed=2"]), 8);
    assert_eq!(count(&[" seed = 2 , variant = GCL_B "]), 4);
    assert_eq!(count(&["threshold.generator=mean-std k=1,seed=0"]), 4);
    assert_eq!(count(&["seed=0", "seed=1"]), 16);
    assert_eq!(count(&["seed=0", "variant=GCL_B"]), 4 + 13);
    // Numbers are compared as numbers.
    assert_eq!(count(&["learning_rate=0.0001,seed=1"]), 4);
    let whole = expand(SWEEP).unwrap();
    let part = only(&["seed=1", "variant=GCL_B,seed=0"]).unwrap();
    let order: Vec<_> = whole
        .cells
        .iter()
        .filter(|cell| part.cells.contains(cell))
        .collect();
    assert_eq!(
        part.cells.iter().collect::<Vec<_>>(),
        order,
        "in the sweep's order"
    );
}

#[test]
fn what_selects_nothing_is_said_with_what_there_is() {
    for (selection, message, help) in [
        (
            "variant=GCL_A",
            "no cell of this sweep has variant = GCL_A",
            "did you mean `GCL_B`?",
        ),
        (
            "seed=5",
            "no cell of this sweep has seed = 5",
            "values of `seed`: 0, 1, 2, 9",
        ),
        ("sed=1", "`sed` is no axis", "did you mean `seed`?"),
        (
            "GCL_B",
            "`GCL_B` is no KEY=VALUE",
            "keys: variant, seed, learning_rate, threshold.generator",
        ),
        ("", "`` is no KEY=VALUE", "variant=NAME"),
        ("seed=1,seed=2", "`seed` stands twice", "several selections"),
        (
            "seed=9,learning_rate=1e-4",
            "no cell of this sweep has all of seed=9,learning_rate=1e-4",
            "plan SWEEP --jobs",
        ),
    ] {
        let error = only(&[selection]).unwrap_err();
        assert!(
            error.contains(message) && error.contains(help),
            "{selection}: {error}"
        );
        // The same where the file says it, with line and caret.
        let written = format!("{SWEEP}[only]\ncells = [{selection:?}]\n");
        let error = expand(&written).unwrap_err();
        assert!(
            error.contains(message) && error.contains("t.toml:18"),
            "{selection}: {error}"
        );
    }
    for (section, word) in [
        ("[only]\n", "[only] selects nothing"),
        ("[only]\ncells = []\n", "[only] selects nothing"),
        ("[only]\ncell = [\"seed=1\"]\n", "unknown key `cell`"),
        ("[only]\ncells = \"seed=1\"\n", "must be a list"),
        ("[only]\ncells = [1]\n", "must be a text"),
    ] {
        let error = expand(&format!("{SWEEP}{section}")).unwrap_err();
        assert!(error.contains(word), "{section}: {error}");
    }
    let many = vec!["\"seed=1\""; 101].join(", ");
    let error = expand(&format!("{SWEEP}[only]\ncells = [{many}]\n")).unwrap_err();
    assert!(error.contains("101 selections; 100 are allowed"), "{error}");
}

#[test]
fn a_range_of_seeds_is_inclusive_as_in_shells() {
    let of = |selection: &str| only(&[selection]).map(|kept| kept.cells.len());
    assert_eq!(
        of("seed=0..2,variant=GCL_B"),
        of("variant=GCL_B").map(|cells| cells - 1)
    );
    assert_eq!(of("seed=1..1"), of("seed=1"));
    assert_eq!(of("seed=2..9"), Ok(2 * 2 * 2 + 1));
    let error = of("seed=3..8").unwrap_err();
    assert!(
        error.contains("no cell of this sweep has seed = 3..8"),
        "{error}"
    );
    assert!(error.contains("values of `seed`: 0, 1, 2, 9"), "{error}");
    assert!(of("seed=2..1").is_err() && of("seed=1..").is_err());
}
