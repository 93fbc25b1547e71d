//! What a network needs of a device. The networks are written once, against this.

use crate::error::ExtractError;
use crate::filter::{Filter, Pool};
use crate::volume::Volume;

/// A device that convolves.
pub(crate) trait Engine {
    /// A convolution, ready on the device.
    type Packed;
    /// Activations on the device.
    type Volume;

    /// Brings a convolution to the device.
    fn pack(&self, filter: &Filter) -> Result<Self::Packed, ExtractError>;
    /// Brings activations to the device.
    fn upload(&self, volume: Volume) -> Result<Self::Volume, ExtractError>;
    /// Brings activations back, for comparisons.
    fn download(&self, volume: &Self::Volume) -> Result<Volume, ExtractError>;
    /// activation(filter ∗ x + bias).
    fn convolve(
        &self,
        packed: &Self::Packed,
        x: &Self::Volume,
    ) -> Result<Self::Volume, ExtractError>;
    /// activation(filter ∗ x + bias + onto), for a pointwise filter.
    fn convolve_onto(
        &self,
        packed: &Self::Packed,
        x: &Self::Volume,
        onto: Self::Volume,
    ) -> Result<Self::Volume, ExtractError>;
    /// Max pooling.
    fn max_pool(&self, pool: &Pool, x: &Self::Volume) -> Result<Self::Volume, ExtractError>;
    /// Means over time and space, `[B][C]`.
    fn means(&self, x: &Self::Volume) -> Result<Vec<Vec<f32>>, ExtractError>;
}
