//! The controls below the main table, and the sentence where one of them is ahead.

use super::Section;
use super::html::{Cell, Table, escape, percent};
use super::table::mean_and_std;
use crate::controls::{Ahead, ahead, formula, subject};
use crate::generated::families;

/// Data sets that sentences are made for.
const MOST_DATASETS: usize = 4;

/// The table of controls with what it means; empty without controls.
pub(super) fn table(section: &Section<'_>) -> String {
    if section.controls.is_empty() {
        return String::new();
    }
    let several = section
        .controls
        .iter()
        .any(|row| row.dataset != section.controls[0].dataset);
    let mut columns: Vec<String> = vec!["Control".into()];
    if several {
        columns.push("dataset".into());
    }
    columns.extend(
        [
            "#AUC %",
            "#Within videos, AUC %",
            "#Anomalous videos, AUC %",
            "Score",
        ]
        .map(String::from),
    );
    let caption = "Controls: frame-level AUC in percent of scores that no network was trained for, one run each";
    let mut table = Table::new(caption, Some("copy"), &columns);
    for row in &section.controls {
        let mut cells = vec![Cell::Head(row.row.variant.clone())];
        if several {
            cells.push(Cell::Text(row.dataset.clone()));
        }
        cells.push(match row.row.auc.mean {
            Some(_) => mean_and_std(&row.row.auc),
            None => Cell::Text(format!("no run ({})", row.row.shortfall())),
        });
        cells.push(mean_and_std(&row.row.within));
        cells.push(mean_and_std(&row.row.anomalous));
        cells.push(Cell::Text(formula(row.control).to_owned()));
        table.row("", cells);
    }
    let mut html = format!("<h3>Controls</h3>\n{}", table.finish());
    for sentence in sentences(section) {
        html.push_str(&format!("<p><strong>{}</strong></p>\n", escape(&sentence)));
    }
    html.push_str(&format!(
        "<p class=\"note\">{}</p>\n",
        escape(&settings(section))
    ));
    html.push_str(
        "<p class=\"note\">What length and place reach, these test videos give away by how they were cut: it says nothing about any method, and a method that \
         sees one segment at a time, as the paper's does, cannot read it. What the others reach is what these features give without a network: principal components and neighbours look at the training segments, at no label. A row \
         below one of them may still have learned something: within a video, length tells nothing apart (50%). Controls take part in no comparison, \
         no family of tests and no figure.</p>\n",
    );
    html
}

/// How the features were scaled and the scores reported: on every data set as its first row has them.
fn settings(section: &Section<'_>) -> String {
    let mut all: Vec<String> = Vec::new();
    for row in section
        .controls
        .iter()
        .filter(|row| !row.control.reads_no_feature())
    {
        let Some(cell) = row.row.first(section.whole).map(|result| &result.cell) else {
            continue;
        };
        let mut words = Vec::new();
        if let Some(scaling) = cell.job.parameters.get("feature_scaling") {
            words.push(format!("feature_scaling = {scaling}"));
        }
        if cell.reporting.score_smoothing > 0.0 {
            words.push(format!(
                "score_smoothing = {}",
                cell.reporting.score_smoothing
            ));
        }
        if let Some(segments) = cell.reporting.clip_segments {
            words.push(format!("evaluation.clip_segments = {segments}"));
        }
        let words = words.join(", ");
        if !words.is_empty() && !all.contains(&words) {
            all.push(words);
        }
    }
    match all.as_slice() {
        [] => "How their features were scaled is not known here.".to_owned(),
        all => format!("Controls of features with {}.", all.join(" or ")),
    }
}

/// A sentence for each data set on which a control is ahead of the best unsupervised row.
pub(super) fn sentences(section: &Section<'_>) -> Vec<String> {
    if section.results.rehearsal {
        return Vec::new();
    }
    let found = ahead(section.results, &section.rows, &section.controls);
    let names = section.datasets.iter().map(|info| info.name.as_str());
    let several = families(names).len() > 1;
    found
        .chunk_by(|left, right| left.control.dataset == right.control.dataset)
        .take(MOST_DATASETS)
        .filter_map(|found| sentence(section, found, several))
        .collect()
}

/// `The length of the video alone, without any feature, has 92.14%; the best unsupervised row (GCL_B) has 73.26%.`
fn sentence(section: &Section<'_>, found: &[Ahead<'_>], several: bool) -> Option<String> {
    let first = found.first()?;
    let best = section.rows.get(first.best)?;
    // The data set stands at the start.
    let name = match best.settings_label(&section.results.columns) {
        settings if settings.is_empty() => best.variant.clone(),
        settings => format!("{} · {settings}", best.variant),
    };
    let mut start = subject(first.control.control).to_owned();
    if several {
        start = format!("on {}, {start}", first.control.dataset);
    }
    if let Some(letter) = start.get_mut(0..1) {
        letter.make_ascii_uppercase();
    }
    let mut text = format!(
        "{start} has an AUC of {}%; the best {} has {}%.",
        percent(first.control.row.auc.mean),
        if first.known {
            format!("unsupervised row ({name})")
        } else {
            format!("row ({name}; what it was told is not known here)")
        },
        percent(best.auc.mean)
    );
    let others: Vec<String> = found[1..]
        .iter()
        .map(|ahead| {
            let name = subject(ahead.control.control);
            let name = name
                .trim_end_matches(',')
                .replace(", without any feature", "");
            let name = name.replace(", without any learning", "");
            format!("{name} ({}%)", percent(ahead.control.row.auc.mean))
        })
        .collect();
    if !others.is_empty() {
        text.push_str(&format!(" Ahead of that row, too: {}.", others.join("; ")));
    }
    Some(text)
}
