//! Features made ready for training. Reading order: [`matrix`] and [`rows`] (numbers as they are), [`scaling`] (what is fitted on
//! them), [`features`] (both together: what everybody reads), [`prepared`] (a data set), [`device_cache`] (which features a device
//! keeps) and [`device_features`] (features on a device).

#[cfg_attr(
    not(feature = "candle"),
    allow(dead_code, reason = "a CPU keeps all features anyway")
)]
pub(crate) mod device_cache;
#[cfg(feature = "candle")]
pub(crate) mod device_features;
pub(crate) mod features;
pub(crate) mod matrix;
pub(crate) mod prepared;
pub(crate) mod rows;
pub(crate) mod scaling;
