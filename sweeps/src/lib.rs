//! The nouns of gcl-sweep, the sweep language, and the sweep files of the paper.
//!
//! Everybody else speaks these types: the scheduler queues a [`JobSpec`], a worker answers with a [`RunRecord`], a
//! report draws a list of [`CellResult`]. Nothing here does IO, reads a clock or draws an unseeded number.
//!
//! Reading order: [`id`], [`value`], [`parameter`], [`choice`], [`registry`], [`parameters`], [`job`], [`training`], [`record`], [`cell`], [`dataset_source`], [`synthetic`], then the
//! sweep language: [`fault`], [`spec`], [`expand`], [`adaptive`], [`controls`], [`only`]; [`extraction`], the jobs that are no training; and [`spelling`], cells of tables as
//! other programs write them.

pub mod adaptive;
pub mod cell;
pub mod choice;
mod contradiction;
pub mod controls;
pub mod dataset_source;
mod decimal;
mod draft;
pub mod expand;
pub mod expansion;
pub mod extraction;
pub mod failure;
pub mod fault;
pub mod id;
pub mod job;
pub mod only;
pub mod parameter;
pub mod parameters;
pub mod record;
pub mod registry;
mod repeated;
mod resolve;
pub mod spec;
pub mod spelling;
pub mod synthetic;
pub mod training;
pub mod value;

pub use adaptive::Adaptive;
pub use cell::{Cell, CellResult, JobStatus, Reporting, ScoreBy};
pub use choice::Choice;
pub use dataset_source::DatasetSource;
pub use draft::{DraftData, Show, draft};
pub use expand::{Limits, expand_text};
pub use expansion::Expansion;
pub use extraction::{
    Extracted, Extraction, ExtractionSettings, ExtractionSweep, ExtractionWeights,
};
pub use failure::{Failure, FailureClass};
pub use fault::{Fault, Faults};
pub use id::{AttemptNumber, Digest, JobId, NOOP_REVISION, REHEARSAL_REVISION, TRAINER_REVISION};
pub use job::JobSpec;
pub use only::{Selection, SelectionError, only_section};
pub use parameters::Parameters;
pub use record::{
    ArtifactRef, Curve, DatasetFacts, DeviceInfo, EpochPoint, FinalMetrics, Outcome, Phase,
    Provenance, RunRecord, ScoreMetrics, SplitFacts, Warning,
};
pub use resolve::ParameterError;
pub use spec::{FIGURES, NextStep, ReportRequest, ResourceRequest, SweepSpec};
pub use synthetic::{Amount, CoherentEvents, Regime, Synthetic};
pub use training::Training;
pub use value::Value;
