//! Videos to a data set of features: decoding, networks, weights.
//!
//! This crate decides what a feature is: which frames a segment has, how they are scaled and cropped, what the network
//! makes of them, and how the result is filed. It trains nothing, knows no sweeps and no cluster; no other crate needs to
//! know that videos exist.

mod backbone;
mod cpu;
mod device;
mod engine;
mod error;
mod extractor;
mod files;
mod filter;
mod folder;
#[cfg(test)]
mod goldens;
pub mod list;
mod network;
mod pipeline;
mod request;
mod run;
pub mod selftest;
mod unfinished;
pub mod video;
mod volume;
mod weights;

pub use backbone::Backbone;
pub use device::Device;
pub use error::ExtractError;
pub use extractor::{Clip, Extractor};
pub use files::Incoming;
pub use folder::{Folder, Maker, size};
pub use pipeline::{Extracted, Tools, extract_video};
pub use request::{Broken, REVISION, Request, Sampling, Splits};
pub use run::{Event, Summary, run};
pub use weights::Weights;
