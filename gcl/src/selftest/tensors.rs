//! Tensors of a trace's file, read with every check, since a folder may be damaged.

use safetensors::tensor::{Dtype, SafeTensors};

use crate::selftest::error::TraceError;

/// A safetensors file that names itself in its faults.
pub(super) struct Tensors<'a> {
    file: &'static str,
    tensors: SafeTensors<'a>,
}

impl<'a> Tensors<'a> {
    pub(super) fn read(file: &'static str, bytes: &'a [u8]) -> Result<Self, TraceError> {
        Ok(Self {
            file,
            tensors: SafeTensors::deserialize(bytes).map_err(|error| TraceError::File {
                file,
                message: error.to_string(),
            })?,
        })
    }

    pub(super) fn names(&self) -> Vec<String> {
        self.tensors
            .names()
            .into_iter()
            .map(str::to_owned)
            .collect()
    }

    pub(super) fn has(&self, name: &str) -> bool {
        self.tensors.tensor(name).is_ok()
    }

    /// A fault of that tensor.
    pub(super) fn fault(&self, tensor: &str, message: impl Into<String>) -> TraceError {
        TraceError::Tensor {
            file: self.file,
            tensor: tensor.to_owned(),
            message: message.into(),
        }
    }

    pub(super) fn shape(&self, name: &str) -> Result<Vec<usize>, TraceError> {
        Ok(self.get(name)?.shape().to_vec())
    }

    /// Numbers of any of the two float types.
    pub(super) fn floats(&self, name: &str) -> Result<Vec<f64>, TraceError> {
        let tensor = self.get(name)?;
        match tensor.dtype() {
            Dtype::F32 => Ok(tensor
                .data()
                .as_chunks::<4>()
                .0
                .iter()
                .map(|bytes| f64::from(f32::from_le_bytes(*bytes)))
                .collect()),
            Dtype::F64 => Ok(tensor
                .data()
                .as_chunks::<8>()
                .0
                .iter()
                .map(|bytes| f64::from_le_bytes(*bytes))
                .collect()),
            other => Err(self.fault(name, format!("is of {other:?}, F32 or F64 is expected"))),
        }
    }

    /// Numbers of any of the two float types, or whole ones of 64 bits.
    pub(super) fn numbers(&self, name: &str) -> Result<Vec<f64>, TraceError> {
        let tensor = self.get(name)?;
        if tensor.dtype() != Dtype::I64 {
            return self.floats(name);
        }
        let (values, _) = tensor.data().as_chunks::<8>();
        Ok(values
            .iter()
            .map(|bytes| i64::from_le_bytes(*bytes) as f64)
            .collect())
    }

    /// 32-bit floats of exactly that shape.
    pub(super) fn matrix(&self, name: &str, shape: &[usize]) -> Result<Vec<f32>, TraceError> {
        let found = self.shape(name)?;
        if found != shape {
            return Err(self.fault(name, format!("has shape {found:?}, {shape:?} is expected")));
        }
        Ok(self
            .floats(name)?
            .into_iter()
            .map(|value| value as f32)
            .collect())
    }

    /// Whole numbers from −1 to below `bound`.
    pub(super) fn indices(&self, name: &str, bound: usize) -> Result<Vec<i64>, TraceError> {
        let tensor = self.get(name)?;
        if tensor.dtype() != Dtype::I64 {
            return Err(self.fault(name, format!("is of {:?}, I64 is expected", tensor.dtype())));
        }
        let values: Vec<i64> = tensor
            .data()
            .as_chunks::<8>()
            .0
            .iter()
            .map(|bytes| i64::from_le_bytes(*bytes))
            .collect();
        match values
            .iter()
            .find(|value| **value < -1 || **value >= bound as i64)
        {
            Some(value) => Err(self.fault(name, format!("holds {value}, out of -1..{bound}"))),
            None => Ok(values),
        }
    }

    fn get(&self, name: &str) -> Result<safetensors::tensor::TensorView<'a>, TraceError> {
        self.tensors
            .tensor(name)
            .map_err(|_| self.fault(name, "is missing"))
    }
}
