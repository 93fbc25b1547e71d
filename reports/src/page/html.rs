//! Pieces of HTML. Everything that comes from outside goes through [`escape`].

use std::fmt::Write;

pub(super) use crate::figures::escape;

/// A table in the making. Cells are HTML; the callers escape.
pub(super) struct Table {
    html: String,
    columns: usize,
}

/// A cell with its class.
pub(super) enum Cell {
    /// Text, escaped here.
    Text(String),
    /// A number as it is shown, and the value that sorting and copying use.
    Number(String, Option<f64>),
    /// A number that is set bold: the best of its group.
    Best(String),
    /// A number with words, which may wrap.
    Wrapped(String),
    /// The row's name.
    Head(String),
    /// HTML that is safe already.
    Html(String),
    /// A sentence, which gets room to stand in.
    Sentence(String),
    /// A message of a machine.
    Error(String),
    /// Something to type.
    Command(String),
}

impl Table {
    /// A table with a caption and column names; a name that starts with `#` heads a column of numbers. `tools` is
    /// `Some("filter")` or `Some("copy")` for tables that the script may sort and copy. Many columns are set smaller.
    pub(super) fn new(caption: &str, tools: Option<&str>, columns: &[String]) -> Self {
        let mut tools = tools.map_or_else(String::new, |tools| format!(" data-tools=\"{tools}\""));
        if columns.len() > 8 {
            tools.push_str(" class=\"dense\"");
        }
        let label = escape(caption);
        let mut html = format!(
            "<div class=\"scroll\" tabindex=\"0\" role=\"region\" aria-label=\"{label}\"><table{tools}><caption>{label}</caption>\n<thead><tr>"
        );
        for column in columns {
            let (class, name) = column
                .strip_prefix('#')
                .map_or(("", column.as_str()), |name| (" class=\"n\"", name));
            let _ = write!(html, "<th scope=\"col\"{class}>{}</th>", escape(name));
        }
        html.push_str("</tr></thead>\n<tbody>\n");
        Self {
            html,
            columns: columns.len(),
        }
    }

    /// Adds a row; `class` may be empty.
    pub(super) fn row(&mut self, class: &str, cells: impl IntoIterator<Item = Cell>) {
        self.html.push_str(if class.is_empty() {
            "<tr"
        } else {
            "<tr class=\""
        });
        if !class.is_empty() {
            self.html.push_str(class);
            self.html.push('"');
        }
        self.html.push('>');
        for cell in cells {
            let html = &mut self.html;
            let _ = match cell {
                Cell::Text(text) => write!(html, "<td>{}</td>", escape(&text)),
                Cell::Number(text, None) => write!(html, "<td class=\"n\">{}</td>", escape(&text)),
                Cell::Number(text, Some(value)) => {
                    write!(
                        html,
                        "<td class=\"n\" data-v=\"{value:?}\">{}</td>",
                        escape(&text)
                    )
                }
                Cell::Best(text) => {
                    write!(
                        html,
                        "<td class=\"n\"><strong>{}</strong></td>",
                        escape(&text)
                    )
                }
                Cell::Wrapped(text) => {
                    // What comes first stays on one line: `5 of 5`.
                    let end = text.find([',', '(']).unwrap_or(text.len());
                    let (number, words) = text.split_at(end);
                    let (number, gap) = (number.trim_end(), &number[number.trim_end().len()..]);
                    write!(
                        html,
                        "<td class=\"n wrap\"><span>{}</span>{gap}{}</td>",
                        escape(number),
                        escape(words)
                    )
                }
                Cell::Head(text) => write!(html, "<th scope=\"row\">{}</th>", escape(&text)),
                Cell::Html(text) => write!(html, "<td>{text}</td>"),
                Cell::Sentence(text) => {
                    write!(html, "<td class=\"sentence\">{}</td>", escape(&text))
                }
                Cell::Error(text) => write!(html, "<td class=\"error\">{}</td>", escape(&text)),
                Cell::Command(text) => {
                    write!(
                        html,
                        "<td class=\"command\"><code>{}</code></td>",
                        escape(&text)
                    )
                }
            };
        }
        self.html.push_str("</tr>\n");
    }

    /// A row that says something across all columns.
    pub(super) fn note(&mut self, text: &str) {
        let _ = writeln!(
            self.html,
            "<tr><td colspan=\"{}\">{}</td></tr>",
            self.columns,
            escape(text)
        );
    }

    pub(super) fn finish(self) -> String {
        self.html + "</tbody></table></div>\n"
    }
}

/// A fraction as percent with two digits, without the sign; `–` for none.
pub(crate) fn percent(value: Option<f64>) -> String {
    value.map_or_else(|| "–".to_owned(), |value| format!("{:.2}", value * 100.0))
}

/// A difference of fractions in points, with its sign.
pub(crate) fn points(value: f64) -> String {
    let value = value * 100.0;
    let text = format!("{:.2}", value.abs());
    // What rounds to zero has no sign.
    let sign = if text == "0.00" {
        ""
    } else if value < 0.0 {
        "−"
    } else {
        "+"
    };
    format!("{sign}{text}")
}

/// ` ± 0.26` of a standard deviation that is a fraction; nothing for none.
pub(super) fn plus_minus(std: Option<f64>) -> String {
    std.map_or_else(String::new, |std| format!(" ± {}", percent(Some(std))))
}

/// An interval of differences of fractions in points; `–` for none.
pub(super) fn points_between(interval: Option<statistics::Interval>) -> String {
    interval.map_or_else(
        || "–".to_owned(),
        |interval| format!("{} to {}", points(interval.low), points(interval.high)),
    )
}

/// An interval of fractions in percent.
pub(super) fn interval(interval: Option<statistics::Interval>) -> String {
    interval.map_or_else(
        || "–".to_owned(),
        |interval| {
            format!(
                "{:.2} to {:.2}",
                interval.low * 100.0,
                interval.high * 100.0
            )
        },
    )
}

/// A p-value.
pub(crate) fn p_value(p: Option<f64>) -> String {
    match p {
        None => "–".to_owned(),
        Some(p) if p < 0.0001 => "< 0.0001".to_owned(),
        Some(p) => format!("{p:.4}"),
    }
}

/// Seconds for people.
pub(super) fn duration(seconds: f64) -> String {
    if seconds < 120.0 {
        format!("{seconds:.1} s")
    } else if seconds < 7200.0 {
        format!("{:.1} min", seconds / 60.0)
    } else {
        format!("{:.1} h", seconds / 3600.0)
    }
}

/// `1 job`, `2 jobs`.
pub(crate) fn count(number: usize, one: &str, many: &str) -> String {
    format!("{number} {}", if number == 1 { one } else { many })
}
