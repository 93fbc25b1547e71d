//! All tests of this crate from outside, in one program: each would link the whole crate again.
#![allow(clippy::unwrap_used, clippy::print_stdout)]

mod claims;
mod comparisons;
mod csv;
mod fabricated;
mod figures;
mod figures_shipped;
mod foreign;
mod generated;
mod orderings;
mod page;
mod segments;
mod study;
mod support;
mod video_intervals;
