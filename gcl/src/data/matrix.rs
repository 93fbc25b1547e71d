//! A dense matrix of rows on the host: what the networks are fed from.

use std::borrow::Cow;

use datasets::SharedRows;
use kernels::buffer::buffer;

use crate::error::TrainError;

/// Rows of f32, one after the other.
#[derive(Debug, Clone)]
pub struct Matrix {
    values: Values,
    columns: usize,
}

#[derive(Debug, Clone)]
enum Values {
    Own(Vec<f32>),
    /// Of files that all processes of the host read from the same pages.
    Shared(SharedRows),
}

impl PartialEq for Matrix {
    fn eq(&self, other: &Self) -> bool {
        self.columns == other.columns
            && self.rows() == other.rows()
            && (0..self.rows()).all(|row| self.row(row) == other.row(row))
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

    /// The rows of a split, where they lie.
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
        let count = match &self.values {
            Values::Own(values) => values.len(),
            Values::Shared(rows) => rows.count(),
        };
        count / self.columns
    }

    /// Length of a row.
    pub fn columns(&self) -> usize {
        self.columns
    }

    /// One row.
    pub fn row(&self, index: usize) -> &[f32] {
        let first = index * self.columns;
        match &self.values {
            Values::Own(values) => &values[first..][..self.columns],
            Values::Shared(rows) => rows.row(first, self.columns),
        }
    }

    /// All values, row by row; copied where they lie in several files.
    pub fn values(&self) -> Cow<'_, [f32]> {
        match &self.values {
            Values::Own(values) => Cow::Borrowed(values),
            Values::Shared(rows) => {
                let mut slices = rows.slices();
                match (slices.next(), slices.next()) {
                    (Some(all), None) => Cow::Borrowed(all),
                    _ => Cow::Owned(rows.slices().flatten().copied().collect()),
                }
            }
        }
    }

    /// The values to change: of this process alone from now on.
    pub(crate) fn values_mut(&mut self) -> Result<&mut [f32], TrainError> {
        if let Values::Shared(rows) = &self.values {
            let mut own = buffer(rows.count())?;
            let mut left = own.as_mut_slice();
            for slice in rows.slices() {
                let (here, rest) = left.split_at_mut(slice.len());
                here.copy_from_slice(slice);
                left = rest;
            }
            self.values = Values::Own(own);
        }
        match &mut self.values {
            Values::Own(values) => Ok(values),
            Values::Shared(_) => Ok(&mut []),
        }
    }
}
