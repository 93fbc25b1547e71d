//! What people call a job: its variant, swept values and seed in the sweep they look at.

use proto::nouns::{Row, RowGroup};
use sweeps::{Cell, Value};

/// A cell's name.
pub fn label(columns: &[String], cell: &Cell) -> String {
    text(columns, &cell.variant, &cell.point, cell.job.seed)
}

/// What cells that differ in their seed alone are called.
pub fn label_without_seed(columns: &[String], cell: &Cell) -> String {
    without_seed(columns, &cell.variant, &cell.point)
}

/// A row's name.
pub fn label_of_row(columns: &[String], row: &Row) -> String {
    text(columns, &row.group.variant, &row.group.point, row.seed)
}

/// What rows that differ in their seed alone are called.
pub fn label_of_group(columns: &[String], group: &RowGroup) -> String {
    without_seed(columns, &group.variant, &group.point)
}

fn text(columns: &[String], variant: &str, point: &[Option<Value>], seed: u64) -> String {
    with_seed(&without_seed(columns, variant, point), seed)
}

/// The name of one seed of what is called so.
pub fn with_seed(label: &str, seed: u64) -> String {
    format!("{label} seed {seed}")
}

fn without_seed(columns: &[String], variant: &str, point: &[Option<Value>]) -> String {
    let mut text = variant.to_owned();
    for (column, value) in columns.iter().zip(point) {
        if let Some(value) = value {
            text += &format!(" {column}={value}");
        }
    }
    text
}
