//! A dense matrix of rows on the host: what the networks are fed from.

use datasets::SharedRows;

use crate::error::{TrainError, buffer};

/// Rows of f32, one after the other.
#[derive(Debug, Clone)]
pub struct Matrix {
    values: Values,
    columns: usize,
}

#[derive(Debug, Clone)]
enum Values {
    Own(Vec<f32>),
    /// Of a file that all processes of the host read from the same pages.
    Shared(SharedRows),
}

impl PartialEq for Matrix {
    fn eq(&self, other: &Self) -> bool {
        self.columns == other.columns && self.values() == other.values()
    }
}

impl Matrix {
    /// `rows × columns` zeros.
    pub fn zeros(rows: usize, columns: usize) -> Result<Self, TrainError> {
        let length = rows
            .checked_mul(columns)
            .ok_or_else(|| TrainError::OutOfMemory {
                message: format!("{rows} rows of {columns} values"),
            })?;
        Ok(Self {
            values: Values::Own(buffer(length)?),
            columns,
        })
    }

    /// The rows of a packed split, where they lie.
    pub(crate) fn shared(rows: SharedRows, columns: usize) -> Self {
        Self {
            values: Values::Shared(rows),
            columns,
        }
    }

    /// Bytes that this process alone holds.
    pub(crate) fn own_bytes(&self) -> usize {
        match &self.values {
            Values::Own(values) => 4 * values.len(),
            Values::Shared(_) => 0,
        }
    }

    /// The matrix of these values.
    ///
    /// # Panics
    /// If their number is no multiple of `columns`.
    pub fn new(values: Vec<f32>, columns: usize) -> Self {
        assert!(columns > 0 && values.len().is_multiple_of(columns));
        Self {
            values: Values::Own(values),
            columns,
        }
    }

    /// Number of rows.
    pub fn rows(&self) -> usize {
        self.values().len() / self.columns
    }

    /// Length of a row.
    pub fn columns(&self) -> usize {
        self.columns
    }

    /// One row.
    pub fn row(&self, index: usize) -> &[f32] {
        &self.values()[index * self.columns..][..self.columns]
    }

    /// All values, row by row.
    pub fn values(&self) -> &[f32] {
        match &self.values {
            Values::Own(values) => values,
            Values::Shared(rows) => rows.values(),
        }
    }

    /// The values to change: of this process alone from now on.
    pub(crate) fn values_mut(&mut self) -> Result<&mut [f32], TrainError> {
        if let Values::Shared(rows) = &self.values {
            let rows = rows.values();
            let mut own = buffer(rows.len())?;
            own.copy_from_slice(rows);
            self.values = Values::Own(own);
        }
        match &mut self.values {
            Values::Own(values) => Ok(values),
            Values::Shared(_) => Ok(&mut []),
        }
    }
}
