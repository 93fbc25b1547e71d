//! Data made ready for training: matrices of rows, their scaling.

pub(crate) mod matrix;
pub(crate) mod prepared;
pub(crate) mod scaling;
