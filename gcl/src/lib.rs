//! Generative Cooperative Learning: equations, networks, training.
//!
//! [`train`] runs one job on prepared data and a device, and knows nothing of the cluster. Read [`paper`] first: the equations and
//! the step. Then `method` (labels and thresholds, the other steps, selection, phases, everything random), `backend` (what a device
//! does, the network and the pair of G and D over it), `run` (a run from start to end, its checkpoints and artifacts). Beside them
//! `data` (features, scaling, what a device keeps), `baselines` (the other methods of Table 1), `controls` (scores that learn
//! nothing), [`data_card()`] (what kind of data a data set is), `distil` (D on labels that are made once) and [`selftest`] (recorded traces).
//! Metrics are a crate of their own.
//!
//! What this crate decides where the paper is silent is written where it is decided; the choices themselves are
//! parameters of a job ([`sweeps::Training`]).
//!
//! No clock is read here, no thread count changes a result, and files are read by [`selftest`] alone.

mod backend;
mod baselines;
mod controls;
mod data;
mod data_card;
mod device;
mod distil;
mod error;
#[cfg(any(test, feature = "measure"))]
pub mod measure;
mod method;
pub mod paper;
mod run;
pub mod selftest;

pub use data::features::Features;
pub use data::matrix::Matrix;
pub use data::prepared::{DataParts, Prepared};
pub use data_card::{CardFault, data_card};
pub use device::{Device, DeviceError, open_device};
pub use error::TrainError;
pub use method::schedule::planned_epochs;
pub use method::threshold;
pub use run::checkpoint::Checkpoint;
pub use run::request::{Observer, Request, StopFlag};
pub use run::train::{Trained, train};
