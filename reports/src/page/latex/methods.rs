//! How the jobs were trained, in sentences with every setting, for the section on methods.

use std::collections::BTreeMap;
use std::fmt::Write;

use sweeps::{Parameters, Value};

use super::super::Section;
use super::table::plain;
use crate::generated::families;

/// Rows whose settings are told at most.
const MOST: usize = 60;

pub(super) fn methods(sections: &[Section<'_>]) -> String {
    let mut text =
        "% Made by gcl-sweep from the results: do not edit, make the report again.\n".to_owned();
    for section in sections {
        paragraph(&mut text, section);
    }
    text
}

fn paragraph(text: &mut String, section: &Section<'_>) {
    let _ = writeln!(
        text,
        "\\paragraph{{Sweep {}}}",
        plain(&section.results.name)
    );
    let rows: Vec<(String, &Parameters)> = section
        .rows
        .iter()
        .take(MOST)
        .filter_map(|row| {
            let cell = row.first(section.results)?;
            Some((
                row.label(&section.results.columns),
                &cell.cell.job.parameters,
            ))
        })
        .collect();
    let known: Vec<&(String, &Parameters)> = rows
        .iter()
        .filter(|(_, parameters)| parameters.contains("method"))
        .collect();
    sentence(text, &seeds(section));
    sentence(
        text,
        "The result of a run is that of its last epoch: no epoch was chosen by its AUC, and every finished run counts. AUC is that of the frames of all test videos pooled, each frame with the score of its segment, ties at half. Numbers are mean and sample standard deviation over seeds.",
    );
    let families = families(section.datasets.iter().map(|info| info.name.as_str()));
    let datasets = families.iter().filter_map(|family| {
        let mut known = section.datasets.iter();
        let dataset = known.find(|info| info.name == family.first)?;
        // Those of several seeds are one line, and have no common digest.
        let digest = dataset.digest.filter(|_| family.count == 1);
        let digest = digest.map_or_else(String::new, |digest| {
            format!(", digest {}", &digest.to_string()[..12])
        });
        let made = if dataset.synthetic {
            ", made by a generator"
        } else {
            ""
        };
        let width = dataset
            .feature_dim
            .map_or_else(String::new, |width| format!(", {width} features"));
        Some(format!("{family}{width}{made}{digest}"))
    });
    let datasets: Vec<String> = datasets.collect();
    if !datasets.is_empty() {
        sentence(text, &format!("Data: {}.", datasets.join("; ")));
    }
    if known.is_empty() {
        sentence(
            text,
            "These results do not say with which settings their runs were trained.",
        );
        return;
    }
    let mut common: BTreeMap<&str, Value> = known[0]
        .1
        .iter()
        .map(|(name, value)| (name, value.clone()))
        .collect();
    for (_, parameters) in &known {
        common.retain(|name, value| parameters.get(name) == Some(value));
    }
    let told = |settings: &mut dyn Iterator<Item = (&str, &Value)>| {
        let words: Vec<String> = settings
            .map(|(name, value)| format!("{} {value}", spoken(name)))
            .collect();
        words.join(", ")
    };
    if !common.is_empty() {
        sentence(
            text,
            &format!(
                "All runs have {}.",
                told(&mut common.iter().map(|(name, value)| (*name, value)))
            ),
        );
    }
    for (label, parameters) in known {
        let own = told(
            &mut parameters
                .iter()
                .filter(|(name, _)| !common.contains_key(name)),
        );
        if !own.is_empty() {
            sentence(text, &format!("{label}: {own}."));
        }
    }
    if section.rows.len() > MOST {
        sentence(
            text,
            &format!(
                "The settings of {} further rows are in the sweep file.",
                section.rows.len() - MOST
            ),
        );
    }
    sentence(
        text,
        &format!("All were trained by {}.", section.results.version),
    );
}

/// How many runs each row has.
fn seeds(section: &Section<'_>) -> String {
    let counts: Vec<usize> = section
        .rows
        .iter()
        .filter(|row| !row.deterministic)
        .map(|row| row.n)
        .collect();
    let asked = section
        .rows
        .iter()
        .filter(|row| !row.deterministic)
        .map(|row| row.expected)
        .max()
        .unwrap_or(0);
    match (counts.iter().min(), counts.iter().max()) {
        (Some(least), Some(most)) if least == most && *most == asked => {
            format!("Each row is of {most} runs with different seeds.")
        }
        (Some(least), Some(most)) => format!(
            "A row is of {least} to {most} finished runs with different seeds; {asked} were asked for."
        ),
        _ => "Each row is one run, which draws nothing.".to_owned(),
    }
}

/// `negative_learning.target` is `negative learning: target`.
fn spoken(name: &str) -> String {
    name.replace('_', " ").replacen('.', ": ", 1)
}

fn sentence(text: &mut String, sentence: &str) {
    let _ = writeln!(text, "{}", plain(sentence));
}
