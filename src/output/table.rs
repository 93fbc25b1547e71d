//! Tables for people.

use std::fmt;
use std::io::IsTerminal;

use comfy_table::{ContentArrangement, presets};

use super::escape;

/// A table whose cells stay on their lines, whatever is in them.
pub struct Table(comfy_table::Table);

/// An empty table with that header, as wide as the terminal, or unbroken in a pipe.
pub fn table(header: &[&str]) -> Table {
    let mut table = comfy_table::Table::new();
    let header = header.iter().map(|name| escape::line(name));
    table.load_style(presets::NOTHING).set_header(header);
    let arrangement = if std::io::stdout().is_terminal() {
        ContentArrangement::Dynamic
    } else {
        ContentArrangement::Disabled
    };
    table.set_content_arrangement(arrangement);
    Table(table)
}

impl Table {
    /// One more line.
    pub fn add_row(&mut self, cells: impl IntoIterator<Item = impl AsRef<str>>) {
        let cells = cells.into_iter();
        self.0
            .add_row(cells.map(|cell| escape::line(cell.as_ref()).into_owned()));
    }
}

impl fmt::Display for Table {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(formatter)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cell_cannot_make_a_line_of_its_own() {
        let mut table = table(&["worker", "state"]);
        table.add_row(["a\nb\u{1b}[2J", "active"]);
        let text = table.to_string();
        assert_eq!(text.lines().count(), 2, "{text}");
        assert!(text.contains("a\\nb\\u{1b}[2J"), "{text}");
    }
}
