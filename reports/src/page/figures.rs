//! The figures of a sweep in the page, each with its data, so that the file alone is whole.

use std::fmt::Write;

use super::Section;
use super::html::escape;
use crate::figures::Figure;

/// Bytes of data that stand in the page beside a figure, at most.
const MOST_DATA: usize = 256 * 1024;

/// All figures, and what was asked for and cannot be drawn.
pub(super) fn figures(section: &Section<'_>) -> String {
    let mut html = String::new();
    for figure in &section.figures {
        let (name, title) = (escape(&figure.name), escape(&figure.title));
        let rehearsal = if section.results.rehearsal {
            "<strong class=\"bad-text\">Rehearsal on stand-ins: not a result.</strong> "
        } else {
            ""
        };
        let _ = writeln!(
            html,
            "<figure data-name=\"{name}\" id=\"figure-{name}\">\n<h3>{title}</h3>\n<div class=\"card\" tabindex=\"0\" role=\"group\" aria-label=\"{title}\">{}</div>\n<figcaption>{rehearsal}{} \
             <span class=\"screen\">Beside this page: <a href=\"figures/{name}.svg\">SVG</a>, <a href=\"figures/{name}.png\">PNG</a>, \
             <a href=\"figures/{name}.csv\">data (CSV)</a>.</span></figcaption>\n{}</figure>",
            figure.svg,
            escape(&figure.caption),
            data(figure)
        );
    }
    // What the sweep file asks for and these results cannot show is said, not passed over.
    let missing: Vec<&str> = section
        .results
        .report
        .figures
        .iter()
        .map(String::as_str)
        .filter(|asked| {
            let name = format!("{}{asked}", section.prefix);
            !section.figures.iter().any(|figure| figure.name == name)
        })
        .collect();
    if !missing.is_empty() {
        let _ = writeln!(
            html,
            "<p class=\"note\">Asked for and not drawn: {}. Either no finished job has what it is drawn from (scores per segment for fig4, fig6, fig7 \
             and fig8), or the sweep has no such axis.</p>",
            escape(&missing.join(", "))
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
        "<details class=\"data screen\"><summary>The data of this figure ({lines} lines of CSV)</summary>\n<pre tabindex=\"0\"><code>{}</code></pre></details>\n",
        escape(&figure.csv)
    )
}
