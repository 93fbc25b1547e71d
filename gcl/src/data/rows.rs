//! The rows of a split as they are, before scaling: f32 or f16, in memory of this process or where they lie on disk.

use datasets::{RawValues, SharedRows, Split};
use half::f16;

use crate::data::matrix::Matrix;
use crate::error::TrainError;

/// Rows of one length.
#[derive(Debug)]
pub(crate) enum Rows {
    /// f32 of this process.
    Own(Matrix),
    /// f16 of this process.
    OwnHalf { values: Vec<f16>, columns: usize },
    /// Of files that all processes of the host read from the same pages.
    Shared { rows: SharedRows, columns: usize },
}

impl Rows {
    /// All rows of a split, video by video: where they lie, if they lie so on disk, and else a copy.
    pub(crate) fn of(split: &Split, columns: usize) -> Result<Self, TrainError> {
        if let Some(rows) = split.shared_rows() {
            return Ok(Self::Shared { rows, columns });
        }
        let crops = split.crops();
        if let Some(video) = split.videos.iter().find(|video| video.crops() != crops) {
            return Err(TrainError::bad_data(format!(
                "video `{}` has another number of crops than the first of its split",
                video.name
            )));
        }
        if split.is_half() {
            return Self::half_of(split, columns);
        }
        let mut matrix = Matrix::zeros(split.segments().saturating_mul(crops), columns)?;
        let mut left = matrix.values_mut();
        for video in &split.videos {
            let (out, rest) = left.split_at_mut(video.segments() * crops * columns);
            video.copy_rows_f32(0..video.segments(), out);
            left = rest;
        }
        Ok(Self::Own(matrix))
    }

    /// A copy of f16 rows, as f16.
    fn half_of(split: &Split, columns: usize) -> Result<Self, TrainError> {
        let count = split
            .segments()
            .saturating_mul(split.crops())
            .saturating_mul(columns);
        let mut values = Vec::new();
        values
            .try_reserve_exact(count)
            .map_err(|_| TrainError::OutOfMemory {
                message: format!("{} MiB of features", count.saturating_mul(2) >> 20),
            })?;
        for video in &split.videos {
            video.push_rows_f16(&mut values);
        }
        Ok(Self::OwnHalf { values, columns })
    }

    /// Number of rows.
    pub(crate) fn rows(&self) -> usize {
        match self {
            Self::Own(matrix) => matrix.rows(),
            Self::OwnHalf { values, columns } => values.len() / columns,
            Self::Shared { rows, columns } => rows.count() / columns,
        }
    }

    /// Length of a row.
    pub(crate) fn columns(&self) -> usize {
        match self {
            Self::Own(matrix) => matrix.columns(),
            Self::OwnHalf { columns, .. } | Self::Shared { columns, .. } => *columns,
        }
    }

    /// One row.
    pub(crate) fn row(&self, index: usize) -> RawValues<'_> {
        let columns = self.columns();
        match self {
            Self::Own(matrix) => RawValues::F32(matrix.row(index)),
            Self::OwnHalf { values, .. } => RawValues::F16(&values[index * columns..][..columns]),
            Self::Shared { rows, .. } => rows.row(index * columns, columns),
        }
    }

    /// All values in as few slices as they lie in, each of whole rows.
    #[cfg(feature = "candle")]
    pub(crate) fn slices(&self) -> Vec<RawValues<'_>> {
        match self {
            Self::Own(matrix) => vec![RawValues::F32(matrix.values())],
            Self::OwnHalf { values, .. } => vec![RawValues::F16(values)],
            Self::Shared { rows, .. } => rows.slices().collect(),
        }
    }

    /// Whether all of them are f16.
    #[cfg(feature = "candle")]
    pub(crate) fn is_half(&self) -> bool {
        self.slices()
            .iter()
            .all(|slice| matches!(slice, RawValues::F16(_)))
    }

    /// Bytes that this process alone holds.
    pub(crate) fn own_bytes(&self) -> usize {
        match self {
            Self::Own(matrix) => 4 * matrix.values().len(),
            Self::OwnHalf { values, .. } => 2 * values.len(),
            Self::Shared { .. } => 0,
        }
    }

    /// Bytes of mapped files.
    pub(crate) fn mapped_bytes(&self) -> usize {
        match self {
            Self::Shared { rows, .. } => rows.bytes(),
            Self::Own(_) | Self::OwnHalf { .. } => 0,
        }
    }
}
