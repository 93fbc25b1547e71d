//! What the coordinator remembers, as plain data: the cells of a sweep, the entries of the journal, the image of a state.
//!
//! Nothing here reads a clock or a file. Scheduler and store speak these nouns; neither knows the other.

pub mod cells;
pub mod claims;
pub mod entry;
pub mod expanded;
pub mod image;
pub mod submission;
