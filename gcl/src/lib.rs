//! Generative Cooperative Learning: equations, networks, training.
//!
//! [`train`] runs one job on prepared data and a device, and knows nothing of the cluster. Reading order: [`train`] and
//! `schedule` (the run), `step` (one batch, §3.2), [`threshold`] (pseudo labels), `networks` (what runs on a device: `cpu`
//! and `tensors`), `draws` (everything random), [`selftest`] (recorded traces), `baselines` (the other methods of Table 1), `embedding`
//! and `epoch_scores` (artifacts). Metrics are a crate of their own.
//!
//! What this crate decides where the paper is silent is written where it is decided; the choices themselves are
//! parameters of a job ([`sweeps::Training`]).
//!
//! No clock is read here, no thread count changes a result, and files are read by [`selftest`] alone.

mod baselines;
mod buffer;
mod checkpoint;
mod cpu;
mod device;
mod draws;
mod embedding;
mod epoch_scores;
mod error;
mod matrix;
mod network;
mod networks;
mod prepared;
mod progress;
mod scaling;
mod schedule;
mod selection;
pub mod selftest;
mod step;
pub mod stepper;
mod tensors;
pub mod threshold;
mod train;
mod warnings;

pub use checkpoint::Checkpoint;
pub use device::{Device, DeviceError, open_device};
pub use error::TrainError;
pub use matrix::Matrix;
pub use prepared::{DataParts, Prepared};
pub use schedule::planned_epochs;
pub use train::{Observer, Request, StopFlag, Trained, train};
