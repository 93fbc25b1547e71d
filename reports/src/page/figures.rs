//! The figures of a sweep in the page, each with its data, so that the file alone is whole.

use std::fmt::Write;

use super::Section;
use super::html::{count, escape};
use crate::asked::figures_not_drawn;
use crate::figures::Figure;

/// Bytes of data that stand in the page beside a figure, at most.
const MOST_DATA: usize = 256 * 1024;

/// The figure's title, after the number that the paper gives it where the sweep file asks for it by that.
fn heading(figure: &Figure) -> String {
    let number = figure
        .name
        .rsplit('-')
        .next()
        .and_then(|name| name.strip_prefix("fig"));
    match number
        .filter(|number| !number.is_empty() && number.bytes().all(|byte| byte.is_ascii_digit()))
    {
        Some(number) => format!("Fig. {number}: {}", figure.title),
        None => figure.title.clone(),
    }
}

/// Variants of which no run has finished: a figure may have no place for what has no number.
fn without_runs(section: &Section<'_>) -> String {
    let mut variants: Vec<&str> = Vec::new();
    for row in &section.rows {
        let name = row.variant.as_str();
        let none = section
            .rows
            .iter()
            .filter(|other| other.variant == name)
            .all(|other| other.n == 0);
        if none && !variants.contains(&name) {
            variants.push(name);
        }
    }
    if variants.is_empty() {
        String::new()
    } else {
        format!(" No run has finished of: {}.", variants.join(", "))
    }
}

/// All figures, and what was asked for and cannot be drawn.
pub(super) fn figures(section: &Section<'_>) -> String {
    let mut html = String::new();
    let absent = escape(&without_runs(section));
    for figure in &section.figures {
        let name = escape(&figure.name);
        let title = escape(&heading(figure));
        let rehearsal = if section.results.rehearsal {
            "<strong class=\"bad-text\">Rehearsal on stand-ins: not a result.</strong> "
        } else {
            ""
        };
        let _ = writeln!(
            html,
            "<figure data-name=\"{name}\" id=\"figure-{name}\">\n<h3>{title}</h3>\n<div class=\"card\" tabindex=\"0\" role=\"group\" aria-label=\"{title}\">{}</div>\n<figcaption>{rehearsal}{}{absent} \
             <span class=\"screen\">Beside this page: <a href=\"figures/{name}.svg\">SVG</a>, <a href=\"figures/{name}.png\">PNG</a>, \
             <a href=\"figures/{name}.csv\">data (CSV)</a>.</span></figcaption>\n{}</figure>",
            figure.svg,
            escape(&figure.caption),
            data(figure)
        );
    }
    // What the sweep file asks for and these results cannot show is said, not passed over.
    let missing = figures_not_drawn(section.results, &section.figures, &section.prefix);
    if !missing.is_empty() {
        let names: Vec<&str> = missing.iter().map(|found| found.name.as_str()).collect();
        let needs: Vec<String> = missing
            .iter()
            .map(|found| format!("{} needs {}", found.name, found.needs))
            .collect();
        let _ = writeln!(
            html,
            "<p class=\"note\">Asked for and not drawn: {}. {}.</p>",
            escape(&names.join(", ")),
            escape(&needs.join("; "))
        );
    }
    html
}

/// The figure's CSV, folded up; where it is too large, where it is.
fn data(figure: &Figure) -> String {
    let lines = figure.csv.lines().count().saturating_sub(1);
    if figure.csv.len() > MOST_DATA {
        return format!(
            "<p class=\"note screen\">Its data, {lines} lines, is too large for this page: it is in figures/{}.csv.</p>\n",
            escape(&figure.name)
        );
    }
    format!(
        "<details class=\"data screen\"><summary>The data of this figure ({} of CSV)</summary>\n<pre tabindex=\"0\"><code>{}</code></pre></details>\n",
        count(lines, "line", "lines"),
        escape(&figure.csv)
    )
}
