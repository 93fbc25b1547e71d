//! `gcl-sweep extract`: a folder of videos to a data set of features, here or by the workers of a coordinator.

#[cfg(feature = "train")]
mod cluster;
#[cfg(feature = "train")]
mod digests;
#[cfg(feature = "train")]
mod failure;
#[cfg(feature = "train")]
mod lists;
#[cfg(feature = "train")]
mod local;
#[cfg(feature = "train")]
mod progress;

#[cfg(feature = "train")]
pub(super) use failure::failed;
#[cfg(feature = "train")]
pub use local::extract;

/// A control plane computes nothing.
#[cfg(not(feature = "train"))]
pub fn extract(_: &crate::arguments::Extract) -> Result<(), crate::error::CommandError> {
    Err(crate::error::CommandError::Usage(
        "this build has no networks (it was made without the feature `train`)".into(),
    ))
}
