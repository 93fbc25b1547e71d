//! Expansion.
/// A sweep, expanded.
#[derive(Debug, Clone, PartialEq)]
pub struct Expansion {
    /// Names of the swept parameters but `seed`: the axes' in the file's... order of names, then the zips'.
    pub columns: Vec<String>,
    /// The cells, in order.
    pub cells: Vec<crate::cell::Cell>,
}
