//! All tests of this crate from outside, in one program: each would link the whole crate again.

mod golden;
mod odd;
mod videos;
