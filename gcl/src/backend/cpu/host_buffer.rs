//! A matrix in host memory.

use kernels::buffer::buffer;
use kernels::product::View;

use crate::error::TrainError;

/// Rows in a buffer that has room for more.
pub(crate) struct HostBuffer {
    pub(super) values: Vec<f32>,
    pub(super) rows: usize,
    pub(super) columns: usize,
}

impl HostBuffer {
    pub(super) fn new(rows: usize, columns: usize) -> Result<Self, TrainError> {
        Ok(Self {
            values: buffer(rows * columns)?,
            rows,
            columns,
        })
    }

    pub(super) fn values(&self) -> &[f32] {
        &self.values[..self.rows * self.columns]
    }

    pub(super) fn values_mut(&mut self) -> &mut [f32] {
        &mut self.values[..self.rows * self.columns]
    }

    /// Room for `rows` rows.
    pub(super) fn take(&mut self, rows: usize) -> &mut [f32] {
        self.rows = rows;
        self.values_mut()
    }

    pub(super) fn view(&self) -> View<'_> {
        View::new(&self.values, self.rows, self.columns)
    }
}

/// Replaces `values` by zeros where they are fewer than `length`.
pub(super) fn grow(values: &mut Vec<f32>, length: usize) -> Result<(), TrainError> {
    if values.len() < length {
        *values = buffer(length)?;
    }
    Ok(())
}
