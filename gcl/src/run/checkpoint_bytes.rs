//! Checkpoints as bytes: a safetensors file. Its tensors are `generator.K.weight`, `.bias` and `discriminator.…`, each with
//! `.square` and `.momentum` of the optimizer, `epoch_scores` where such are kept, and `errors.train` and `errors.test` of labels by an
//! autoencoder; its one metadata entry `gcl-checkpoint` is
//! JSON with everything else.

use std::borrow::Cow;
use std::collections::HashMap;

use safetensors::tensor::{Dtype, SafeTensors, TensorView};

use crate::backend::state::{
    LayerShape, NetworkState, PairState, ParameterState, Role, tensor_name,
};
use crate::error::TrainError;
use crate::run::checkpoint::{Checkpoint, FORMAT, Header, LabelErrors};

const KEY: &str = "gcl-checkpoint";
const EPOCH_SCORES: &str = "epoch_scores";
const ERRORS: [&str; 2] = ["errors.train", "errors.test"];

impl Checkpoint {
    /// As bytes, the same for the same checkpoint.
    pub fn to_bytes(&self) -> Result<Vec<u8>, TrainError> {
        let mut header = self.header.clone();
        header.generator.clone_from(&self.networks.generator.shapes);
        header.discriminator = self
            .networks
            .discriminator
            .as_ref()
            .map(|network| network.shapes.clone());
        let header = serde_json::to_string(&header).map_err(unusable)?;
        let mut tensors: Vec<(String, usize, Cow<'_, [u8]>)> = Vec::new();
        for (role, network) in self.networks.networks() {
            for (index, parameter) in network.parameters.iter().enumerate() {
                for (suffix, values) in parts(parameter) {
                    // The optimizer's memory is empty before the first step; the file has its zeros.
                    let length = parameter.value.len();
                    let bytes = if values.is_empty() {
                        Cow::Owned(vec![0; 4 * length])
                    } else {
                        little_endian(values)
                    };
                    let name = format!("{}{suffix}", tensor_name(role, index));
                    tensors.push((name, length, bytes));
                }
            }
        }
        let [train, test] = ERRORS;
        for (name, values) in [
            (EPOCH_SCORES, &self.epoch_scores),
            (train, &self.errors.train),
            (test, &self.errors.test),
        ] {
            if !values.is_empty() {
                tensors.push((name.to_owned(), values.len(), little_endian(values)));
            }
        }
        let views = tensors
            .iter()
            .map(|(name, length, bytes)| {
                Ok((
                    name.as_str(),
                    TensorView::new(Dtype::F32, vec![*length], bytes).map_err(unusable)?,
                ))
            })
            .collect::<Result<Vec<_>, TrainError>>()?;
        safetensors::serialize(views, Some(HashMap::from([(KEY.to_owned(), header)])))
            .map_err(unusable)
    }

    /// Reads what [`to_bytes`](Self::to_bytes) wrote. Any other bytes are refused; memory stays within theirs.
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, TrainError> {
        let (_, metadata) = SafeTensors::read_metadata(bytes).map_err(unusable)?;
        let tensors = SafeTensors::deserialize(bytes).map_err(unusable)?;
        let header = metadata
            .metadata()
            .as_ref()
            .and_then(|entries| entries.get(KEY))
            .ok_or_else(|| unusable("it has no header"))?;
        let header: Header = serde_json::from_str(header).map_err(unusable)?;
        if header.format != FORMAT {
            return Err(unusable(format!(
                "its format is {}, this program reads {FORMAT}",
                header.format
            )));
        }
        let networks = PairState {
            generator: read_network(&tensors, Role::Generator, &header.generator)?,
            discriminator: header
                .discriminator
                .as_ref()
                .map(|shapes| read_network(&tensors, Role::Discriminator, shapes))
                .transpose()?,
        };
        let optional = |name: &str| match tensors.tensor(name) {
            Ok(tensor) => numbers(name, &tensor),
            Err(_) => Ok(Vec::new()),
        };
        Ok(Self {
            header,
            networks,
            epoch_scores: optional(EPOCH_SCORES)?,
            errors: LabelErrors {
                train: optional(ERRORS[0])?,
                test: optional(ERRORS[1])?,
            },
        })
    }
}

fn unusable(reason: impl std::fmt::Display) -> TrainError {
    TrainError::BadCheckpoint {
        message: reason.to_string(),
    }
}

/// The bytes of a checkpoint; a copy only where the machine's order is another.
fn little_endian(values: &[f32]) -> Cow<'_, [u8]> {
    if cfg!(target_endian = "little") {
        Cow::Borrowed(bytemuck::cast_slice(values))
    } else {
        Cow::Owned(
            values
                .iter()
                .flat_map(|value| value.to_le_bytes())
                .collect(),
        )
    }
}

fn parts(parameter: &ParameterState) -> [(&'static str, &[f32]); 3] {
    [
        ("", &parameter.value),
        (".square", &parameter.square),
        (".momentum", &parameter.momentum),
    ]
}

fn numbers(name: &str, tensor: &TensorView<'_>) -> Result<Vec<f32>, TrainError> {
    if tensor.dtype() != Dtype::F32 {
        return Err(unusable(format!("tensor `{name}` is not of 32-bit floats")));
    }
    let (values, _) = tensor.data().as_chunks::<4>();
    Ok(values
        .iter()
        .map(|bytes| f32::from_le_bytes(*bytes))
        .collect())
}

fn read_network(
    tensors: &SafeTensors<'_>,
    role: Role,
    shapes: &[LayerShape],
) -> Result<NetworkState, TrainError> {
    let read = |name: &str, length: usize| -> Result<Vec<f32>, TrainError> {
        let tensor = tensors
            .tensor(name)
            .map_err(|_| unusable(format!("tensor `{name}` is missing")))?;
        let values = numbers(name, &tensor)?;
        if values.len() != length {
            return Err(unusable(format!(
                "tensor `{name}` is not of {length} numbers"
            )));
        }
        Ok(values)
    };
    let mut parameters = Vec::new();
    for (layer, shape) in shapes.iter().enumerate() {
        let weight = shape
            .inputs
            .checked_mul(shape.outputs)
            .ok_or_else(|| unusable("a layer's shape is impossible"))?;
        for (index, length) in [(2 * layer, weight), (2 * layer + 1, shape.outputs)] {
            let name = tensor_name(role, index);
            parameters.push(ParameterState {
                value: read(&name, length)?,
                square: read(&format!("{name}.square"), length)?,
                momentum: read(&format!("{name}.momentum"), length)?,
            });
        }
    }
    Ok(NetworkState {
        shapes: shapes.to_vec(),
        parameters,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::method::random_streams::initial_weights;
    use proptest::prelude::*;
    use sweeps::{EpochPoint, JobId, Phase};

    fn checkpoint() -> Checkpoint {
        let shapes = [
            LayerShape {
                inputs: 3,
                outputs: 2,
            },
            LayerShape {
                inputs: 2,
                outputs: 1,
            },
        ];
        let mut drawn = initial_weights(1, &[&shapes, &shapes]);
        for parameter in drawn.iter_mut().flat_map(|network| &mut network.parameters) {
            parameter.square = vec![0.0; parameter.value.len()];
            parameter.momentum.clone_from(&parameter.square);
        }
        let mut header = Header::new(JobId([7; 32]), "cpu-avx2", Phase::Train);
        header.curve.push(EpochPoint::new(Phase::Train, 1));
        header.streams.insert("order".into(), 77);
        header.generator = shapes.to_vec();
        header.discriminator = Some(shapes.to_vec());
        Checkpoint {
            header,
            networks: PairState {
                discriminator: drawn.pop(),
                generator: drawn.pop().unwrap(),
            },
            epoch_scores: vec![0.25, 0.5],
            errors: LabelErrors {
                train: vec![1.5, 0.0, 2.5],
                test: vec![0.75],
            },
        }
    }

    #[test]
    fn a_checkpoint_survives_its_bytes() {
        let checkpoint = checkpoint();
        let bytes = checkpoint.to_bytes().unwrap();
        assert_eq!(bytes, checkpoint.to_bytes().unwrap());
        assert_eq!(Checkpoint::from_bytes(&bytes).unwrap(), checkpoint);
    }

    #[test]
    fn a_checkpoint_from_before_the_first_step_has_zeros_for_the_optimizers_memory() {
        let whole = checkpoint();
        let mut fresh = whole.clone();
        for parameter in &mut fresh.networks.generator.parameters {
            (parameter.square, parameter.momentum) = (Vec::new(), Vec::new());
        }
        assert_eq!(fresh.to_bytes().unwrap(), whole.to_bytes().unwrap());
    }

    proptest! {
        #[test]
        fn damaged_bytes_are_refused_or_read_but_never_panic(
            at in 0_usize..2000, byte in any::<u8>(), cut in 0_usize..3000,
        ) {
            let mut bytes = checkpoint().to_bytes().unwrap();
            bytes.truncate(cut);
            if let Some(place) = bytes.get_mut(at) {
                *place = byte;
            }
            let _ = Checkpoint::from_bytes(&bytes);
        }
    }
}
