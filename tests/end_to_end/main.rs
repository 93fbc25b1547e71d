//! The program as its users meet it: real processes on loopback, in folders that go away.
#![allow(clippy::unwrap_used, clippy::expect_used, unreachable_pub)]

mod boxes;
mod cache;
mod chaos;
mod claims;
mod crashes;
mod data;
mod disturbance;
mod door;
mod errors;
mod importers;
mod measured;
mod page;
mod pages;
mod rehearse;
mod report;
mod run;
mod security;
mod store;
mod strangers;
mod surface;
mod tidiness;
mod together;
mod upgrade;
mod videos;
mod workers;
mod world;
