//! Tables for people, on any terminal. Where a table does not fit, its empty columns go, then names of columns are broken between words, then columns go that
//! may be spared (a line below names them), then the last column is broken into lines; what still has no room is a card a row.

use std::fmt;
use std::io::IsTerminal;

use unicode_width::UnicodeWidthStr;

use super::escape;
use super::terminal;
use super::wrap::wrap;

/// The last column is broken into lines no shorter than this.
const LEAST_LAST: usize = 28;
const GAP: usize = 2;

/// A table whose cells stay in their columns, whatever is in them.
pub struct Table {
    header: Vec<String>,
    rows: Vec<Vec<String>>,
    /// Columns that a narrow terminal may go without, the first of them first.
    spare: Vec<usize>,
    /// Columns of the terminal; `None` in a pipe, where lines are never broken.
    width: Option<usize>,
}

/// An empty table with that header, as wide as the terminal, or unbroken in a pipe.
pub fn table(header: &[&str]) -> Table {
    let width = std::io::stdout().is_terminal().then(|| terminal::size().0);
    Table::new(header, width)
}

impl Table {
    fn new(header: &[&str], width: Option<usize>) -> Self {
        let header = header.iter().map(|name| escape::line(name).into_owned());
        Self {
            header: header.collect(),
            rows: Vec::new(),
            spare: Vec::new(),
            width,
        }
    }

    /// Names columns that a narrow terminal may go without, the first of them first.
    pub fn spare(&mut self, names: &[&str]) {
        let columns = names
            .iter()
            .filter_map(|name| self.header.iter().position(|column| column == name));
        self.spare = columns.collect();
    }

    /// One more line.
    pub fn add_row(&mut self, cells: impl IntoIterator<Item = impl AsRef<str>>) {
        let cells = cells.into_iter();
        let cells = cells.map(|cell| escape::line(cell.as_ref()).into_owned());
        self.rows.push(cells.collect());
    }

    fn cell(row: &[String], column: usize) -> &str {
        row.get(column).map_or("", String::as_str)
    }

    /// Of a column's cells the widest; its name counts whole, or, where it may be broken, by its longest word.
    fn width_of(&self, column: usize, broken: bool) -> usize {
        let name = &self.header[column];
        let name = if broken {
            name.split(' ').map(UnicodeWidthStr::width).max()
        } else {
            Some(name.width())
        };
        let cells = self.rows.iter().map(|row| Self::cell(row, column).width());
        cells.fold(name.unwrap_or(0), usize::max)
    }

    fn total(&self, columns: &[usize], broken: bool) -> usize {
        let widths = columns
            .iter()
            .map(|column| self.width_of(*column, broken) + GAP);
        widths.sum::<usize>().saturating_sub(GAP)
    }

    fn lines(&self) -> Vec<String> {
        let all: Vec<usize> = (0..self.header.len()).collect();
        let Some(width) = self.width else {
            return self.table(&all, None, false);
        };
        if self.total(&all, false) <= width {
            return self.table(&all, None, false);
        }
        let says = |column: &usize| {
            self.rows
                .iter()
                .any(|row| !Self::cell(row, *column).is_empty())
        };
        let filled: Vec<usize> = all.into_iter().filter(says).collect();
        if self.total(&filled, false) <= width {
            return self.table(&filled, None, false);
        }
        let spare: Vec<usize> = self
            .spare
            .iter()
            .copied()
            .filter(|column| filled.contains(column))
            .collect();
        let without = |count: usize| {
            let mut kept = filled.clone();
            kept.retain(|column| !spare[..count].contains(column));
            kept
        };
        for kept in (0..=spare.len()).map(without) {
            if self.total(&kept, true) <= width {
                return self.told(&kept, &filled, None, width);
            }
        }
        for kept in (0..=spare.len()).map(without) {
            let others = kept.split_last().map_or(&[][..], |(_, others)| others);
            let left = width.saturating_sub(self.total(others, true) + GAP);
            if left >= LEAST_LAST {
                return self.told(&kept, &filled, Some(left), width);
            }
        }
        self.cards(&filled, width)
    }

    /// The table of the columns that are kept of those that say something, and which are not.
    fn told(
        &self,
        kept: &[usize],
        filled: &[usize],
        last: Option<usize>,
        width: usize,
    ) -> Vec<String> {
        let mut lines = self.table(kept, last, true);
        let gone = filled.iter().filter(|column| !kept.contains(column));
        let gone: Vec<&str> = gone.map(|column| self.header[*column].as_str()).collect();
        if !gone.is_empty() {
            lines.extend(wrap(&format!("No room for {}.", gone.join(", ")), width));
        }
        lines
    }

    /// The table of these columns. `last`: the width that the last one is broken to; `broken`: names are broken to the width of their cells.
    fn table(&self, columns: &[usize], last: Option<usize>, broken: bool) -> Vec<String> {
        let Some((tail, others)) = columns.split_last() else {
            return Vec::new();
        };
        let widths: Vec<usize> = others
            .iter()
            .map(|column| self.width_of(*column, broken))
            .collect();
        let margin = " ".repeat(widths.iter().map(|width| width + GAP).sum());
        let mut lines = if broken {
            let tail = last.unwrap_or_else(|| self.width_of(*tail, broken));
            let widths = widths.iter().chain(std::iter::once(&tail));
            self.broken_header(columns.iter().zip(widths))
        } else {
            Vec::new()
        };
        let header = (!broken).then_some(&self.header);
        for row in header.into_iter().chain(&self.rows) {
            let mut line = String::new();
            for (column, width) in others.iter().zip(&widths) {
                let cell = Self::cell(row, *column);
                line += cell;
                line += &" ".repeat(width + GAP - cell.width());
            }
            let cell = Self::cell(row, *tail);
            let parts = last.map_or_else(|| vec![cell.to_owned()], |width| wrap(cell, width));
            for part in parts {
                line += &part;
                lines.push(line.trim_end().to_owned());
                line.clone_from(&margin);
            }
        }
        lines
    }

    /// Names of columns on as many lines as the longest needs, the last line above the cells.
    fn broken_header<'a>(
        &self,
        columns: impl Iterator<Item = (&'a usize, &'a usize)>,
    ) -> Vec<String> {
        let columns: Vec<(Vec<String>, usize)> = columns
            .map(|(column, width)| (wrap(&self.header[*column], *width), *width))
            .collect();
        let height = columns.iter().map(|(parts, _)| parts.len()).max();
        let height = height.unwrap_or(0);
        let line = |at: usize| {
            let mut line = String::new();
            for (parts, width) in &columns {
                let part = (at + parts.len()).checked_sub(height);
                let part = part.map_or("", |part| parts[part].as_str());
                line += part;
                line += &" ".repeat((width + GAP).saturating_sub(part.width()));
            }
            line.trim_end().to_owned()
        };
        (0..height).map(line).collect()
    }

    /// The first column on a line of its own, below it the others that say something.
    fn cards(&self, columns: &[usize], width: usize) -> Vec<String> {
        let Some((first, others)) = columns.split_first() else {
            return Vec::new();
        };
        let names = others.iter().map(|column| self.header[*column].width());
        let name_width = names.max().unwrap_or(0);
        let mut lines = Vec::new();
        for row in &self.rows {
            lines.push(format!("{}:", Self::cell(row, *first)));
            for column in others {
                let cell = Self::cell(row, *column);
                if cell.is_empty() {
                    continue;
                }
                let name = &self.header[*column];
                let mut head = format!("  {name}{}", " ".repeat(name_width - name.width() + GAP));
                let margin = " ".repeat(head.width());
                for part in wrap(cell, width.saturating_sub(head.width()).max(1)) {
                    lines.push(format!("{head}{part}"));
                    head.clone_from(&margin);
                }
            }
        }
        lines
    }
}

impl fmt::Display for Table {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.lines().join("\n"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn workers(width: Option<usize>) -> String {
        let mut table = Table::new(&["worker", "state", "memory", "warnings"], width);
        table.add_row([
            "gpu-node-01-a100-0",
            "active",
            "",
            "its copy of `tracks` differs from the others",
        ]);
        table.add_row(["b", "silent", "", ""]);
        table.to_string()
    }

    #[test]
    fn a_cell_cannot_make_a_line_of_its_own() {
        let mut table = Table::new(&["worker", "state"], None);
        table.add_row(["a\nb\u{1b}[2J", "active"]);
        let text = table.to_string();
        assert_eq!(text.lines().count(), 2, "{text}");
        assert!(text.contains("a\\nb\\u{1b}[2J"), "{text}");
    }

    #[test]
    fn a_pipe_and_a_wide_terminal_have_a_table() {
        assert_eq!(workers(None), workers(Some(200)));
        assert_eq!(
            workers(None).lines().next_back(),
            Some("b                   silent")
        );
    }

    #[test]
    fn where_there_is_less_room_empty_columns_go_and_the_last_is_broken() {
        assert_eq!(
            workers(Some(60)),
            "\
worker              state   warnings
gpu-node-01-a100-0  active  its copy of `tracks` differs
                            from the others
b                   silent"
        );
    }

    #[test]
    fn on_a_narrow_terminal_a_row_is_a_card() {
        assert_eq!(
            workers(Some(40)),
            "\
gpu-node-01-a100-0:
  state     active
  warnings  its copy of `tracks` differs
            from the others
b:
  state     silent"
        );
    }

    /// What a row is about stays, and so does the end of its line.
    #[test]
    fn columns_go_before_a_long_last_one_is_broken_to_pieces() {
        let mut table = Table::new(&["worker", "busy", "memory", "warnings"], Some(52));
        table.spare(&["memory", "busy"]);
        table.add_row([
            "gpu-node-01",
            "97%",
            "12.1 of 80 GB",
            "its copy of `tracks` differs from the others",
        ]);
        assert_eq!(
            table.to_string(),
            "\
worker       busy  warnings
gpu-node-01  97%   its copy of `tracks` differs from
                   the others
No room for memory."
        );
    }

    fn summary(width: usize) -> String {
        let header = [
            "variant",
            "AUC (%)",
            "within videos (%)",
            "AUC of D (%)",
            "n",
        ];
        let mut table = Table::new(&header, Some(width));
        table.spare(&["AUC of D (%)", "within videos (%)"]);
        table.add_row([
            "control: place",
            "60.90 ± 4.47",
            "60.52 ± 4.58",
            "",
            "10 of 10",
        ]);
        table.add_row([
            "GCL_B",
            "68.53 ± 4.12",
            "72.27 ± 4.66",
            "68.53 ± 4.12",
            "10 of 10",
        ]);
        table.to_string()
    }

    #[test]
    fn names_of_columns_are_broken_before_a_column_goes() {
        assert_eq!(
            summary(68),
            [
                "                              within",
                "variant         AUC (%)       videos (%)    AUC of D (%)  n",
                "control: place  60.90 ± 4.47  60.52 ± 4.58                10 of 10",
                "GCL_B           68.53 ± 4.12  72.27 ± 4.66  68.53 ± 4.12  10 of 10",
            ]
            .join("\n")
        );
    }

    #[test]
    fn what_had_no_room_is_named() {
        assert_eq!(
            summary(60),
            [
                "                              within",
                "variant         AUC (%)       videos (%)    n",
                "control: place  60.90 ± 4.47  60.52 ± 4.58  10 of 10",
                "GCL_B           68.53 ± 4.12  72.27 ± 4.66  10 of 10",
                "No room for AUC of D (%).",
            ]
            .join("\n")
        );
        assert!(
            summary(30).starts_with("control: place:\n  AUC (%)"),
            "{}",
            summary(30)
        );
    }

    #[test]
    fn no_line_is_wider_than_the_terminal() {
        for width in 30..120 {
            for line in workers(Some(width)).lines().chain(summary(width).lines()) {
                assert!(line.width() <= width, "{width}: {line}");
            }
        }
    }
}
