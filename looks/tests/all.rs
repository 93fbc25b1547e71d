//! All tests of this crate from outside, in one program: each would link the whole crate again.

mod order;
mod simulations;
