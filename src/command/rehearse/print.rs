//! The end of a rehearsal on the terminal, and for programs.

use reports::{NotDrawn, SweepResults};

use super::needs::{Line, Needs};
use crate::arguments::Format;
use crate::error::CommandError;
use crate::output;
use crate::output::{counted, size};

/// Prints what was rehearsed and what the real run will need.
pub fn print(
    needs: &Needs,
    results: &SweepResults,
    missing: &[NotDrawn],
    format: Format,
) -> Result<(), CommandError> {
    match format {
        Format::Json => output::json(&as_json(needs, results, missing)),
        Format::Text => output::prose(&as_text(needs, results, missing)),
    }
}

fn as_text(needs: &Needs, results: &SweepResults, missing: &[NotDrawn]) -> String {
    let mut text = format!(
        "rehearsal of {}: {}, {}, {} done; {}\n\nWhat the real run will need\n\n{}\n\n",
        needs.sweep,
        counted(needs.cells, "cell"),
        counted(needs.jobs, "job"),
        needs.rehearsed,
        drawn(results, missing),
        table(needs),
    );
    let mut line = |label: &str, words: String| {
        text += &format!("{label:<9}{words}\n");
    };
    line("time", time(needs));
    line(
        "disk",
        format!(
            "{} on the coordinator ({} of records, {} of artifacts); on each worker {} for a checkpoint",
            size(needs.records + needs.artifacts),
            size(needs.records),
            size(needs.artifacts),
            size(needs.memory.checkpoint)
        ),
    );
    line(
        "memory",
        format!(
            "{} for each worker ({} of features, {} of networks and a batch); features of a packed data set that need no scaling are shared by the workers of a host",
            size(needs.memory.features + needs.memory.networks),
            size(needs.memory.features),
            size(needs.memory.networks)
        ),
    );
    line(
        "missing",
        if needs.missing.is_empty() {
            "nothing: every data set has a folder here or is made".to_owned()
        } else {
            let flags: Vec<String> = needs
                .missing
                .iter()
                .map(|name| format!("--data {}", reports::shell_word(&format!("{name}=DIR"))))
                .collect();
            format!(
                "{}: add {}",
                counted(needs.missing.len(), "data set"),
                flags.join(" ")
            )
        },
    );
    for name in &needs.unknown {
        line(
            "note",
            format!(
                "nothing is known of `{name}`: the numbers for it are those of a small data set and say little"
            ),
        );
    }
    for name in &needs.assumed {
        line("note", format!("the width of `{name}` is assumed"));
    }
    text.trim_end().to_owned()
}

fn drawn(results: &SweepResults, missing: &[NotDrawn]) -> String {
    let asked = results.report.figures.len() + results.report.tables.len();
    if missing.is_empty() {
        return format!(
            "{} that the file asks for drawn",
            if asked == 1 {
                "1 figure or table".to_owned()
            } else {
                format!("{asked} figures or tables")
            }
        );
    }
    let names: Vec<&str> = missing
        .iter()
        .map(|missing| missing.name.as_str())
        .collect();
    format!("not drawn: {}", names.join(", "))
}

fn table(needs: &Needs) -> String {
    let mut table = output::table(&[
        "variant",
        "data set",
        "jobs",
        "epochs",
        "steps a job",
        "a step",
        "device time",
    ]);
    for line in &needs.lines {
        table.add_row(vec![
            line.variant.clone(),
            line.dataset.clone(),
            line.jobs.to_string(),
            span(line.epochs, |epochs| epochs.to_string()),
            line.steps
                .map_or_else(String::new, |steps| span(steps, |steps| steps.to_string())),
            line.step
                .map_or_else(String::new, |step| span(step, duration)),
            device_time(line),
        ]);
    }
    table.to_string()
}

fn device_time(line: &Line) -> String {
    match (line.jobs - line.not_estimated, line.not_estimated) {
        (0, _) => "not estimated".to_owned(),
        (_, 0) => duration(line.seconds),
        (_, left) => format!("{} and {left} jobs not estimated", duration(line.seconds)),
    }
}

/// `15`, `15–100`.
fn span<T: PartialEq>((least, most): (T, T), show: impl Fn(T) -> String) -> String {
    let same = least == most;
    let (least, most) = (show(least), show(most));
    if same || least == most {
        least
    } else {
        format!("{least}–{most}")
    }
}

fn total(needs: &Needs) -> f64 {
    needs.lines.iter().map(|line| line.seconds).sum()
}

fn not_estimated(needs: &Needs) -> usize {
    needs.lines.iter().map(|line| line.not_estimated).sum()
}

fn time(needs: &Needs) -> String {
    let device = if needs.gpu {
        format!("{}, one job at a time", needs.device)
    } else {
        format!("{}, all {} threads", needs.device, needs.threads)
    };
    let mut text = format!(
        "{} of this device ({device}), from a few steps of the real width on made data (a step: the mean over all phases, scoring of the test split included); N such devices take 1/N of it, and another device its own time",
        duration(total(needs))
    );
    let left = not_estimated(needs);
    if left > 0 {
        text += &format!(
            "; {} without steps, or beyond the time for measuring, not estimated",
            counted(left, "job")
        );
    }
    text
}

/// `3.2 ms`, `12 s`, `40 min`, `8.5 h`, `12 d`.
fn duration(seconds: f64) -> String {
    match seconds {
        _ if seconds < 0.1 => format!("{:.1} ms", seconds * 1000.0),
        _ if seconds < 10.0 => format!("{seconds:.1} s"),
        _ if seconds < 120.0 => format!("{seconds:.0} s"),
        _ if seconds < 7200.0 => format!("{:.0} min", seconds / 60.0),
        _ if seconds < 360_000.0 => format!("{:.1} h", seconds / 3600.0),
        _ => format!("{:.0} h", seconds / 3600.0),
    }
}

pub fn as_json(needs: &Needs, results: &SweepResults, missing: &[NotDrawn]) -> serde_json::Value {
    let lines: Vec<_> = needs
        .lines
        .iter()
        .map(|line| {
            serde_json::json!({
                "variant": line.variant, "dataset": line.dataset, "jobs": line.jobs, "epochs": line.epochs,
                "steps": line.steps, "step_s": line.step, "device_s": line.seconds, "not_estimated": line.not_estimated,
            })
        })
        .collect();
    let not_drawn: Vec<_> = missing
        .iter()
        .map(|missing| serde_json::json!({ "name": missing.name, "needs": missing.needs }))
        .collect();
    serde_json::json!({
        "sweep": needs.sweep, "rehearsal": true, "cells": needs.cells, "jobs": needs.jobs, "done": needs.rehearsed,
        "figures": results.report.figures, "tables": results.report.tables, "not_drawn": not_drawn,
        "needs": {
            "lines": lines, "device": needs.device, "threads": needs.threads, "device_s": total(needs),
            "jobs_not_estimated": not_estimated(needs),
            "disk_bytes": { "records": needs.records, "artifacts": needs.artifacts, "checkpoint_per_worker": needs.memory.checkpoint },
            "memory_per_worker_bytes": { "features": needs.memory.features, "networks": needs.memory.networks },
            "missing": needs.missing, "unknown": needs.unknown, "width_assumed": needs.assumed,
        },
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_and_sizes_are_said_as_people_say_them() {
        let said = [0.0032, 2.0, 45.0, 600.0, 36_000.0, 3.6e6].map(duration);
        assert_eq!(
            said,
            ["3.2 ms", "2.0 s", "45 s", "10 min", "10.0 h", "1000 h"]
        );
        assert_eq!(span((2, 2), |x| x.to_string()), "2");
        assert_eq!(span((2, 5), |x| x.to_string()), "2–5");
    }
}
