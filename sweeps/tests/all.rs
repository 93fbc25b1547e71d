//! All tests of this crate from outside, in one program: each would link the whole crate again.

mod adaptive;
mod controls;
mod distil;
mod generated;
mod language;
mod next;
mod only;
mod random;
