//! `[[next]]`: what somebody may do when a sweep has run.

use sweeps::{Limits, NextStep, expand_text};

const HEAD: &str =
    "name = \"t\"\n[dataset.synthetic]\nvideos = 9\nmean_length = 9\ndimension = 8\n";

#[test]
fn steps_are_read_in_their_order_and_change_no_job() {
    let read = |text: &str| expand_text("t.toml", text, Limits::default()).unwrap();
    let (spec, expansion) = read(&format!(
        "{HEAD}[[next]]\nwhy = \"more\"\ncommand = \"gcl-sweep run more.toml\"\n[[next]]\ncommand = \"true\"\n"
    ));
    let step = |why: &str, command: &str| NextStep {
        why: why.into(),
        command: command.into(),
    };
    assert_eq!(
        spec.next,
        [step("more", "gcl-sweep run more.toml"), step("", "true")]
    );
    let jobs = |expansion: &sweeps::Expansion| -> Vec<_> {
        expansion
            .cells
            .iter()
            .map(|cell| cell.job.clone())
            .collect()
    };
    assert_eq!(jobs(&expansion), jobs(&read(HEAD).1));
}

#[test]
fn what_cannot_be_printed_or_typed_is_a_fault() {
    for (row, said) in [
        ("why = \"x\"\n", "has no command"),
        ("command = \"a\\nb\"\n", "is no line"),
        ("command = \"a\\u001B[2J\"\n", "is no line"),
        ("command = \"a\"\nhow = \"b\"\n", "how"),
    ] {
        let text = format!("{HEAD}[[next]]\n{row}");
        let faults = expand_text("t.toml", &text, Limits::default()).unwrap_err();
        assert!(faults.to_string().contains(said), "{faults}");
    }
}
