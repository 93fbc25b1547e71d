//! What lies on the device: matrices, scores, labels, losses.

use std::any::Any;
use std::rc::Rc;

use crate::backend::cuda::kernels::{Address, FACTS};
use crate::backend::cuda::queue::Queue;
use crate::data::features::Features as HostFeatures;
use crate::error::TrainError;

/// A matrix `[rows, columns]` of f32, row by row, in memory that it may share with others.
pub(crate) struct Matrix<Q: Queue> {
    pub(super) memory: Rc<Q::Memory>,
    pub(super) at: Address,
    /// Rows that it holds.
    pub(super) rows: usize,
    pub(super) columns: usize,
    /// Values that it has room for.
    pub(super) room: usize,
}

impl<Q: Queue> Matrix<Q> {
    /// Memory of its own, with room for `rows` rows, of any content.
    pub(super) fn new(queue: &Q, rows: usize, columns: usize) -> Result<Self, TrainError> {
        let room = rows.saturating_mul(columns);
        let memory = Rc::new(queue.allocate(room.saturating_mul(size_of::<f32>()))?);
        Ok(Self {
            at: queue.address(&memory),
            memory,
            rows: 0,
            columns,
            room,
        })
    }

    /// Number of values that it holds.
    pub(super) fn len(&self) -> usize {
        self.rows * self.columns
    }

    /// Lets it hold `rows` rows, which whoever calls writes.
    pub(super) fn hold(&mut self, rows: usize) -> Result<(), TrainError> {
        if rows.saturating_mul(self.columns) > self.room {
            return Err(TrainError::host(format!(
                "{rows} rows of {} do not fit in a matrix of {} values",
                self.columns, self.room
            )));
        }
        self.rows = rows;
        Ok(())
    }

    /// Its width as kernels take it.
    pub(super) fn width(&self) -> Result<u32, TrainError> {
        number(self.columns)
    }
}

/// One number a row of a batch.
pub(crate) struct Scores<Q: Queue>(pub(super) Matrix<Q>);

/// Labels of a batch, `[b]`, and their [`FACTS`].
pub(crate) struct Labels<Q: Queue> {
    pub(super) values: Matrix<Q>,
    /// f64, `[FACTS]`.
    pub(super) facts: Q::Memory,
}

impl<Q: Queue> Labels<Q> {
    pub(super) fn new(queue: &Q, room: usize) -> Result<Self, TrainError> {
        Ok(Self {
            values: Matrix::new(queue, room, 1)?,
            facts: queue.allocate(FACTS * size_of::<f64>())?,
        })
    }
}

/// A loss that nobody has read yet: a place in the queue's ring of them.
pub(crate) struct Loss(pub(super) Address);

/// Memory that grows, for what is copied from the host now and then.
pub(super) struct Growing<Q: Queue> {
    memory: Option<Q::Memory>,
    bytes: usize,
}

impl<Q: Queue> Default for Growing<Q> {
    fn default() -> Self {
        Self {
            memory: None,
            bytes: 0,
        }
    }
}

impl<Q: Queue> Growing<Q> {
    /// Room for so many bytes. What it held is lost where it grows.
    pub(super) fn reserve(&mut self, queue: &Q, bytes: usize) -> Result<Address, TrainError> {
        if self.memory.is_none() || self.bytes < bytes {
            // What was goes first: both need not fit at once.
            (self.memory, self.bytes) = (None, 0);
            self.memory = Some(queue.allocate(bytes)?);
            self.bytes = bytes;
        }
        self.memory
            .as_ref()
            .map(|memory| queue.address(memory))
            .ok_or_else(|| TrainError::host("memory that was just made is gone"))
    }

    /// Copies these values into it.
    pub(super) fn put<T: bytemuck::NoUninit>(
        &mut self,
        queue: &Q,
        values: &[T],
    ) -> Result<Address, TrainError> {
        let at = self.reserve(queue, size_of_val(values))?;
        // SAFETY: there is room for as many bytes.
        #[allow(unsafe_code)]
        unsafe {
            queue.upload(bytemuck::cast_slice(values), at)?;
        }
        Ok(at)
    }
}

/// What batches are gathered from.
pub(crate) enum Features {
    /// Rows that lie on the device.
    Device(Rc<Resident>),
    /// Rows that do not fit there: gathered on the host, piece by piece.
    Host {
        features: HostFeatures,
        threads: usize,
        staged: Vec<f32>,
    },
}

/// Rows on the device as they are, and how they are scaled.
pub(crate) struct Resident {
    /// Where pieces of the rows lie, in order, and how many rows each has.
    pub(crate) pieces: Vec<(Address, usize)>,
    pub(crate) rows: usize,
    pub(crate) columns: usize,
    /// Whether they are halves.
    pub(crate) half: bool,
    pub(crate) scaling: ResidentScaling,
    /// What keeps all of it.
    pub(crate) _owner: Box<dyn Any>,
}

/// [`Scaling`] with its numbers on the device, all f64.
#[derive(Debug, Clone, Copy)]
pub(crate) enum ResidentScaling {
    None,
    /// One norm a row.
    Rows(Address),
    /// One of each a column.
    Columns {
        offset: Address,
        factor: Address,
    },
}

impl Features {
    /// Copies all rows to the device, in two pieces: for tests.
    #[cfg(test)]
    pub(crate) fn upload<Q: Queue>(queue: &Q, features: &HostFeatures) -> Result<Self, TrainError> {
        use crate::data::scaling::Scaling;
        use datasets::RawValues;

        let (rows, columns) = (features.rows(), features.columns());
        let raw = features.raw();
        let half = raw.is_half();
        let mut owners: Vec<Box<dyn Any>> = Vec::new();
        let mut put = |bytes: &[u8]| -> Result<Address, TrainError> {
            let memory = queue.allocate(bytes.len())?;
            let at = queue.address(&memory);
            // SAFETY: there is room for as many bytes.
            #[allow(unsafe_code)]
            unsafe {
                queue.upload(bytes, at)?;
            }
            owners.push(Box::new(memory));
            Ok(at)
        };
        let mut pieces = Vec::new();
        for piece in [0..rows / 2, rows / 2..rows] {
            let mut bytes: Vec<u8> = Vec::new();
            for row in piece.clone() {
                match raw.row(row) {
                    RawValues::F32(values) => bytes.extend(bytemuck::cast_slice::<f32, u8>(values)),
                    RawValues::F16(values) => {
                        bytes.extend(values.iter().flat_map(|value| value.to_ne_bytes()));
                    }
                }
            }
            pieces.push((put(&bytes)?, piece.len()));
        }
        let scaling = match features.scaling() {
            Scaling::None => ResidentScaling::None,
            Scaling::Rows(norms) => ResidentScaling::Rows(put(bytemuck::cast_slice(norms))?),
            Scaling::Columns { offset, factor } => ResidentScaling::Columns {
                offset: put(bytemuck::cast_slice(offset))?,
                factor: put(bytemuck::cast_slice(factor))?,
            },
        };
        Ok(Self::Device(Rc::new(Resident {
            pieces,
            rows,
            columns,
            half,
            scaling,
            _owner: Box::new(owners),
        })))
    }

    /// Rows that are gathered on the host.
    pub(crate) fn on_host(features: HostFeatures, threads: usize) -> Self {
        Self::Host {
            features,
            threads,
            staged: Vec::new(),
        }
    }

    /// Length of a row.
    pub(super) fn columns(&self) -> usize {
        match self {
            Self::Device(resident) => resident.columns,
            Self::Host { features, .. } => features.columns(),
        }
    }

    /// Number of rows.
    pub(super) fn rows(&self) -> usize {
        match self {
            Self::Device(resident) => resident.rows,
            Self::Host { features, .. } => features.rows(),
        }
    }
}

/// A size as kernels take it.
pub(super) fn number(value: usize) -> Result<u32, TrainError> {
    u32::try_from(value).map_err(|_| TrainError::host("a matrix is too large for a kernel"))
}
