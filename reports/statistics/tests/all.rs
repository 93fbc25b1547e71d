//! All tests of this crate from outside, in one program.
#![allow(clippy::unwrap_used, clippy::print_stdout)]

mod known;
mod simulations;
