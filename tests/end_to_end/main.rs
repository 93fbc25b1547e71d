//! The program as its users meet it: real processes on loopback, in folders that go away.
#![allow(clippy::unwrap_used, clippy::expect_used, unreachable_pub)]

mod crashes;
mod data;
mod errors;
mod run;
mod store;
mod tidiness;
mod world;
