//! All tests of this crate from outside, in one program: each would link the whole crate again.
#![allow(clippy::unwrap_used, clippy::print_stdout)]

mod golden;
mod odd;
mod videos;
