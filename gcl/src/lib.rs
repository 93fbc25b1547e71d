//! Generative Cooperative Learning: equations, networks, training.
//!
//! [`train`] runs one job on prepared data and a device, and knows nothing of the cluster. Rooms: `method` (thresholds,
//! selection, phases, the step, everything random), `backend` (the two networks on a device), `data` (features, scaling, what a device keeps), `run` (a run
//! from start to end, its checkpoints and artifacts), `baselines` (the other methods of Table 1), [`selftest`] (recorded
//! traces). Metrics are a crate of their own.
//!
//! What this crate decides where the paper is silent is written where it is decided; the choices themselves are
//! parameters of a job ([`sweeps::Training`]).
//!
//! No clock is read here, no thread count changes a result, and files are read by [`selftest`] alone.

mod backend;
mod baselines;
mod data;
mod device;
mod error;
pub mod measure;
mod method;
pub mod paper;
mod run;
pub mod selftest;

pub use data::features::Features;
pub use data::matrix::Matrix;
pub use data::prepared::{DataParts, Prepared};
pub use device::{Device, DeviceError, open_device};
pub use error::TrainError;
pub use method::schedule::planned_epochs;
pub use method::threshold;
pub use run::checkpoint::Checkpoint;
pub use run::train::{Observer, Request, StopFlag, Trained, train};
