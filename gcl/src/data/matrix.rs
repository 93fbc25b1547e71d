//! A dense matrix of f32 in memory.

use kernels::buffer::buffer;

use crate::error::TrainError;

/// Rows of f32, one after the other.
#[derive(Debug, Clone, PartialEq)]
pub struct Matrix {
    values: Vec<f32>,
    columns: usize,
}

impl Matrix {
    /// `rows × columns` zeros.
    ///
    /// # Errors
    /// If memory does not suffice.
    pub fn zeros(rows: usize, columns: usize) -> Result<Self, TrainError> {
        let length = rows
            .checked_mul(columns)
            .ok_or_else(|| TrainError::OutOfMemory {
                message: format!("{rows} rows of {columns} values"),
            })?;
        Ok(Self {
            values: buffer(length)?,
            columns,
        })
    }

    /// The matrix of these values.
    ///
    /// # Panics
    /// If their number is no multiple of `columns`.
    pub fn new(values: Vec<f32>, columns: usize) -> Self {
        assert!(columns > 0 && values.len().is_multiple_of(columns));
        Self { values, columns }
    }

    /// Number of rows.
    pub fn rows(&self) -> usize {
        self.values.len() / self.columns
    }

    /// Length of a row.
    pub fn columns(&self) -> usize {
        self.columns
    }

    /// One row.
    pub fn row(&self, index: usize) -> &[f32] {
        &self.values[index * self.columns..][..self.columns]
    }

    /// All values, row by row.
    pub fn values(&self) -> &[f32] {
        &self.values
    }

    /// The values to change.
    pub(crate) fn values_mut(&mut self) -> &mut [f32] {
        &mut self.values
    }
}
