//! The live page of a sweep: what it shows, as data, and the page itself.
//!
//! [`Board`] is the picture of one sweep. It is made of rows and curves, kept up to date by changes, and tells what is new as
//! a [`Delta`]; whoever begins, or missed something, gets a [`Snapshot`]. Numbers over seeds are made here, not in
//! the page. [`page`] holds the page, its script and the plain table for browsers without script. Nothing here reads a clock, a
//! file or a socket: the coordinator's side port serves it.
#![cfg_attr(test, allow(clippy::unwrap_used))]

mod alarm;
mod alarms;
mod board;
mod curve;
mod curves;
mod failures;
mod filter;
mod happened;
mod hours;
mod job;
mod looked;
pub mod page;
mod past;
mod printed;
mod shown;
mod spans;
mod summary;

pub use board::{Board, MOST_CELLS};
pub use curves::{Curves, CurvesAsked, Measure};
pub use filter::{Filter, Filtered};
pub use happened::{Happened, What};
pub use looked::Looked;
pub use past::Past;
pub use printed::{Printed, PrintedNumber};
pub use shown::{Delta, Snapshot};
pub use spans::{Span, SpanEnd, Timeline};
