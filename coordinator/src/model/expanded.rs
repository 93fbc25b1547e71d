//! A sweep file, parsed and expanded.

use std::collections::BTreeMap;

use proto::nouns::Requirements;
use sweeps::{Adaptive, Cell, Digest};

/// A sweep file, parsed and expanded: what [`crate::Expand`] gives.
#[derive(Debug, Clone, PartialEq)]
pub struct Expanded {
    /// The sweep's name.
    pub name: String,
    /// Its description.
    pub description: String,
    /// Names of the swept parameters but `seed`.
    pub columns: Vec<String>,
    /// Its cells, in order.
    pub cells: Vec<Cell>,
    /// Digests of named data sets that the file itself states.
    pub datasets: BTreeMap<String, Digest>,
    /// What the file asks of workers.
    pub requirements: Requirements,
    /// Its claims, where seeds are added for some.
    pub adaptive: Option<Adaptive>,
}
