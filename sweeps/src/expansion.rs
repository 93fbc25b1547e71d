//! What a sweep file becomes: an ordered list of cells.

use crate::adaptive::Adaptive;
use crate::cell::Cell;

/// A sweep, expanded.
#[derive(Debug, Clone, PartialEq)]
pub struct Expansion {
    /// Names of the swept parameters but `seed`: axes by name, then zips, then random draws, then what only an included
    /// row sets.
    pub columns: Vec<String>,
    /// The cells, in order.
    pub cells: Vec<Cell>,
    /// Claims for which seeds are added, where the file has some and means all its cells.
    pub adaptive: Option<Adaptive>,
}
