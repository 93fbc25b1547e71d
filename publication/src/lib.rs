//! A box: a folder that carries the results of sweeps, so that whoever has it can check them.
//!
//! A box has two halves. The *evidence* was gathered where the sweeps ran: the journal's entries with their hashes, records,
//! scores, sweep files, versions. Everything else, report, tables, figures and the descriptions for other programs, is
//! *derived*: a function of the evidence, made by the same code when a box is published and when it is verified.
//!
//! Nothing here does IO or reads a clock: the same evidence gives the same bytes.
//!
//! Reading order: [`layout`], [`manifest`], [`evidence`], [`chain`], [`fact`], [`ledger`], [`sums`], [`aliases`], [`content`]; then what is said to others:
//! [`ro_crate`], [`croissant`], [`citation`], [`appendix`], [`checklist`], [`readme`]; and what a check finds: [`sample`],
//! [`comparison`], [`difference`], [`verification`], [`page`].

pub mod aliases;
pub mod appendix;
pub mod chain;
pub mod checklist;
pub mod citation;
pub mod comparison;
pub mod content;
pub mod croissant;
pub mod difference;
pub mod evidence;
pub mod fact;
pub mod layout;
pub mod ledger;
pub mod manifest;
pub mod moment;
pub mod page;
pub mod readme;
pub mod ro_crate;
pub mod sample;
pub mod sums;
pub mod verification;

pub use aliases::Aliases;
pub use chain::{ChainFault, Line};
pub use content::{Content, DataContent, DataFacts, SweepContent};
pub use evidence::{AuditFacts, JobFacts, SweepEvidence, expansion_limits};
pub use ledger::{Attempt, AttemptEnd, Ledger};
pub use manifest::{FORMAT, JournalFacts, Manifest, Program};
