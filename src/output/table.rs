//! Tables for people, on any terminal: a table where it fits, else one with its last column broken into lines, else a card a row.

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
            width,
        }
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

    /// Of a column's cells, its name among them, the widest.
    fn width_of(&self, column: usize) -> usize {
        let cells = self.rows.iter().map(|row| Self::cell(row, column).width());
        cells.fold(self.header[column].width(), usize::max)
    }

    fn total(&self, columns: &[usize]) -> usize {
        let widths = columns.iter().map(|column| self.width_of(*column) + GAP);
        widths.sum::<usize>().saturating_sub(GAP)
    }

    fn lines(&self) -> Vec<String> {
        let all: Vec<usize> = (0..self.header.len()).collect();
        let Some(width) = self.width else {
            return self.table(&all, None);
        };
        if self.total(&all) <= width {
            return self.table(&all, None);
        }
        let filled: Vec<usize> = all
            .into_iter()
            .filter(|column| {
                self.rows
                    .iter()
                    .any(|row| !Self::cell(row, *column).is_empty())
            })
            .collect();
        if self.total(&filled) <= width {
            return self.table(&filled, None);
        }
        let Some((_, others)) = filled.split_last() else {
            return Vec::new();
        };
        let left = width.saturating_sub(self.total(others) + GAP);
        if left >= LEAST_LAST {
            self.table(&filled, Some(left))
        } else {
            self.cards(&filled, width)
        }
    }

    fn table(&self, columns: &[usize], last: Option<usize>) -> Vec<String> {
        let Some((tail, others)) = columns.split_last() else {
            return Vec::new();
        };
        let widths: Vec<usize> = others.iter().map(|column| self.width_of(*column)).collect();
        let margin = " ".repeat(widths.iter().map(|width| width + GAP).sum());
        let mut lines = Vec::new();
        for row in std::iter::once(&self.header).chain(&self.rows) {
            let mut line = String::new();
            for (column, width) in others.iter().zip(&widths) {
                let cell = Self::cell(row, *column);
                line += cell;
                line += &" ".repeat(width + GAP - cell.width());
            }
            let cell = Self::cell(row, *tail);
            let broken = last.map_or_else(|| vec![cell.to_owned()], |width| wrap(cell, width));
            for part in broken {
                line += &part;
                lines.push(line.trim_end().to_owned());
                line.clone_from(&margin);
            }
        }
        lines
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

    #[test]
    fn no_line_is_wider_than_the_terminal() {
        for width in 30..120 {
            for line in workers(Some(width)).lines() {
                assert!(line.width() <= width, "{width}: {line}");
            }
        }
    }
}
