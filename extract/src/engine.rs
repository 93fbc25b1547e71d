//! What a network needs of a device. The networks are written once, against this.

use crate::activations::Activations;
use crate::error::ExtractError;
use crate::fused_conv::{FusedConv, Pool};

/// A device that convolves.
pub(crate) trait Engine {
    /// A convolution, ready on the device.
    type Packed;
    /// Activations on the device.
    type Activations;

    /// Brings a convolution to the device.
    fn pack(&self, conv: &FusedConv) -> Result<Self::Packed, ExtractError>;
    /// Brings activations to the device.
    fn upload(&self, activations: Activations) -> Result<Self::Activations, ExtractError>;
    /// Brings activations back, for comparisons.
    fn download(&self, activations: &Self::Activations) -> Result<Activations, ExtractError>;
    /// activation(weights ∗ x + bias).
    fn convolve(
        &self,
        packed: &Self::Packed,
        x: &Self::Activations,
    ) -> Result<Self::Activations, ExtractError>;
    /// activation(weights ∗ x + bias + onto), for a pointwise convolution.
    fn convolve_onto(
        &self,
        packed: &Self::Packed,
        x: &Self::Activations,
        onto: Self::Activations,
    ) -> Result<Self::Activations, ExtractError>;
    /// Max pooling.
    fn max_pool(
        &self,
        pool: &Pool,
        x: &Self::Activations,
    ) -> Result<Self::Activations, ExtractError>;
    /// Means over time and space, `[B][C]`.
    fn means(&self, x: &Self::Activations) -> Result<Vec<Vec<f32>>, ExtractError>;
}
