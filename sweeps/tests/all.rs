//! All tests of this crate from outside, in one program: each would link the whole crate again.
#![allow(clippy::unwrap_used, clippy::print_stdout)]

mod adaptive;
mod controls;
mod distil;
mod generated;
mod language;
mod next;
mod only;
mod random;
