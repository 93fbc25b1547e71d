//! The main table as LaTeX, in the form of Table 1 of the paper: groups by supervision, a column a data set, the best of
//! each group bold.

use std::collections::BTreeMap;
use std::fmt::Write;

use super::super::Section;
use super::super::html::escape;
use crate::generated;
use crate::supervision::Supervision;

/// Lines of the table at most.
const MOST: usize = 200;

/// The table in a `<details>`; empty where no row has a result.
pub(in super::super) fn details(section: &Section<'_>) -> String {
    if section.rows.iter().all(|row| row.auc.mean.is_none()) {
        return String::new();
    }
    format!(
        "<details><summary>This table as LaTeX</summary>\n<pre tabindex=\"0\"><code>{}</code></pre></details>\n",
        escape(&table(section))
    )
}

/// What tells the rows of a table: supervision, variant and swept values but the data set.
type Line = (Option<Supervision>, String);

/// The table.
pub(super) fn table(section: &Section<'_>) -> String {
    let dataset = |index: usize| {
        let row = &section.rows[index];
        generated::of_row(section.results, row)
    };
    let mut datasets: Vec<String> = Vec::new();
    let mut lines: Vec<(Line, BTreeMap<String, usize>)> = Vec::new();
    let order = section.order();
    for index in order.iter().take(MOST) {
        let row = &section.rows[*index];
        let name = dataset(*index);
        if !datasets.contains(&name) {
            datasets.push(name.clone());
        }
        let settings = row.settings_label(&section.results.columns);
        let label = if settings.is_empty() {
            row.variant.clone()
        } else {
            format!("{} ({settings})", row.variant)
        };
        let line = (section.supervision(row), label);
        match lines.iter_mut().find(|(other, _)| *other == line) {
            Some((_, places)) => {
                places.insert(name, *index);
            }
            None => lines.push((line, BTreeMap::from([(name, *index)]))),
        }
    }
    // Each kind of supervision once; within it the order of the table.
    lines.sort_by_key(|((supervision, _), _)| *supervision);
    let best = section.best_of_groups();
    let mut text = format!(
        "% {}: frame-level AUC in percent, mean ± sample standard deviation over n seeds\n\\begin{{tabular}}{{l{}}}\n\\hline\nMethod",
        section.results.name.replace('\n', " "),
        "r".repeat(datasets.len())
    );
    for name in &datasets {
        let _ = write!(text, " & {}", plain(name));
    }
    text.push_str(" \\\\\n");
    let mut group: Option<Option<Supervision>> = None;
    for ((supervision, label), places) in lines {
        if group != Some(supervision) {
            text.push_str("\\hline\n");
            if let Some(supervision) = supervision {
                let _ = writeln!(
                    text,
                    "\\multicolumn{{{}}}{{l}}{{\\emph{{{}}}}} \\\\",
                    datasets.len() + 1,
                    supervision.name()
                );
            }
            group = Some(supervision);
        }
        text.push_str(&plain(&label));
        for name in &datasets {
            text.push_str(" & ");
            let Some(index) = places.get(name) else {
                text.push_str("--");
                continue;
            };
            let row = &section.rows[*index];
            let number = match (row.auc.mean, row.auc.std) {
                (Some(mean), Some(std)) => {
                    format!("{:.2} $\\pm$ {:.2}", mean * 100.0, std * 100.0)
                }
                (Some(mean), None) => format!("{:.2}", mean * 100.0),
                (None, _) => "--".to_owned(),
            };
            let number = if best.contains(index) {
                format!("\\textbf{{{number}}}")
            } else {
                number
            };
            let _ = write!(text, "{number} ({})", row.auc.n);
        }
        text.push_str(" \\\\\n");
    }
    text.push_str("\\hline\n\\end{tabular}\n");
    text
}

/// A text with the letters that LaTeX reads as commands in their plain form.
pub(super) fn plain(text: &str) -> String {
    let mut plain = String::with_capacity(text.len());
    for letter in text.chars() {
        match letter {
            '\\' => plain.push_str("\\textbackslash{}"),
            '~' => plain.push_str("\\textasciitilde{}"),
            '^' => plain.push_str("\\textasciicircum{}"),
            '±' => plain.push_str("$\\pm$"),
            '−' => plain.push_str("$-$"),
            '·' => plain.push_str("$\\cdot$"),
            '×' => plain.push_str("$\\times$"),
            '÷' => plain.push_str("$\\div$"),
            '→' => plain.push_str("$\\rightarrow$"),
            '≥' => plain.push_str("$\\geq$"),
            '≤' => plain.push_str("$\\leq$"),
            '≈' => plain.push_str("$\\approx$"),
            'σ' => plain.push_str("$\\sigma$"),
            'δ' => plain.push_str("$\\delta$"),
            '²' => plain.push_str("$^2$"),
            '½' => plain.push_str("$\\frac12$"),
            '<' | '>' | '|' => {
                plain.push('$');
                plain.push(letter);
                plain.push('$');
            }
            '"' => plain.push_str("''"),
            '\u{a0}' => plain.push('~'),
            '&' | '%' | '$' | '#' | '_' | '{' | '}' => {
                plain.push('\\');
                plain.push(letter);
            }
            // What LaTeX knows without further packages; other letters are spelt as code points.
            ' '..='~' | '\u{c0}'..='\u{ff}' | '–' | '—' | '‘' | '’' | '“' | '”' | '…' | '\n' =>
            {
                plain.push(letter);
            }
            other => {
                let _ = write!(plain, "\\texttt{{U+{:04X}}}", u32::from(other));
            }
        }
    }
    plain
}

#[cfg(test)]
mod tests {
    use super::plain;

    #[test]
    fn letters_of_commands_are_escaped() {
        assert_eq!(plain("GCL_w/oNL & 5%"), "GCL\\_w/oNL \\& 5\\%");
        assert_eq!(
            plain("AE→D < 协 ü"),
            "AE$\\rightarrow$D $<$ \\texttt{U+534F} ü"
        );
        assert_eq!(
            plain("a\\b~^"),
            "a\\textbackslash{}b\\textasciitilde{}\\textasciicircum{}"
        );
    }
}
