//! Videos to a data set of features: decoding, networks, weights.
//!
//! This crate decides what a feature is: which frames a segment has, how they are scaled and cropped, what the network
//! makes of them, and how the result is filed. It trains nothing, knows no sweeps and no cluster; no other crate needs to
//! know that videos exist.

mod account;
mod activations;
mod backbone;
#[cfg(feature = "candle")]
mod candle;
mod clip;
mod cpu;
mod device;
mod engine;
mod error;
mod extractor;
mod files;
mod folder;
mod fused_conv;
#[cfg(test)]
mod goldens;
pub mod list;
mod network;
mod pipeline;
mod preprocessing;
mod progress;
mod request;
mod run;
pub mod selftest;
pub mod video;
mod weights;

pub use account::Account;
pub use backbone::Backbone;
pub use clip::Clip;
pub use device::Device;
pub use error::{ExtractError, NO_PICTURE};
pub use extractor::Extractor;
pub use files::Incoming;
pub use folder::{Folder, Provenance};
pub use pipeline::{Extracted, Tools, extract_video};
pub use progress::{Event, Summary};
pub use request::{Broken, Request, Sampling, Splits};
pub use run::run;
pub use video::size;
pub use weights::Weights;
