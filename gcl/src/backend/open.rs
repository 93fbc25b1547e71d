//! The one place where a device becomes a [`Backend`].

use crate::backend::Backend;
use crate::backend::candle::{Candle, upload};
use crate::backend::cpu::Cpu;
use crate::data::matrix::Matrix;
use crate::data::prepared::Prepared;
use crate::device;
use crate::error::TrainError;

/// What batches are gathered from.
#[derive(Clone, Copy)]
pub(crate) enum Features<'a> {
    /// Both splits of a data set.
    Dataset(&'a Prepared),
    /// Other rows to train on, and the test split of a data set.
    Train(&'a Matrix, &'a Prepared),
    /// These alone.
    Only(&'a Matrix),
}

/// What is to be done on some backend.
pub(crate) trait Work {
    /// What it gives.
    type Output;

    fn run<B: Backend>(self, backend: B) -> Result<Self::Output, TrainError>;
}

/// Does `work` on the backend of `device`.
pub(crate) fn on<W: Work>(
    device: &device::Device,
    features: Features<'_>,
    work: W,
) -> Result<W::Output, TrainError> {
    match &device.backend {
        device::Backend::Cpu(threads) => {
            let (train, test) = match features {
                Features::Dataset(dataset) => (&dataset.train, Some(&dataset.test)),
                Features::Train(train, dataset) => (train, Some(&dataset.test)),
                Features::Only(train) => (train, None),
            };
            work.run(Cpu::new(train, test, threads.count()))
        }
        device::Backend::Tensors(device) => {
            let (train, test) = match features {
                Features::Dataset(dataset) => {
                    let (train, test) = dataset.on(device)?;
                    (train, Some(test))
                }
                Features::Train(train, dataset) => {
                    (upload(train, device)?, Some(dataset.on(device)?.1))
                }
                Features::Only(train) => (upload(train, device)?, None),
            };
            work.run(Candle::new(device, train, test))
        }
    }
}
