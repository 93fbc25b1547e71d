//! The one place where a device becomes a [`Backend`].

use crate::backend::Backend;
#[cfg(feature = "candle")]
use crate::backend::candle::Candle;
use crate::backend::cpu::Cpu;
#[cfg(feature = "cuda")]
use crate::backend::cuda::{
    Cuda,
    driver::{self, Driver},
};
#[cfg(feature = "candle")]
use crate::data::device_features::DeviceFeatures;
use crate::data::features::Features;
use crate::data::prepared::Prepared;
use crate::device;
use crate::error::TrainError;

/// What batches are gathered from.
#[derive(Clone, Copy)]
#[cfg_attr(
    not(feature = "candle"),
    allow(dead_code, reason = "a CPU asks for no memory of its own")
)]
pub(crate) enum Source<'a> {
    /// Both splits of a data set, which the device may keep for later jobs. The networks and batches need so many bytes beside them.
    Dataset { dataset: &'a Prepared, need: usize },
    /// Other rows to train on, few enough to lie on the device, and the test split of a data set.
    Train(&'a Features, &'a Prepared),
    /// These alone, likewise few.
    Only(&'a Features),
}

/// What is to be done on some backend.
pub(crate) trait Work {
    /// What it is done with.
    type Networks<B: Backend>;
    /// What it gives.
    type Output;

    /// Makes the networks. Asked a second time where the device's memory did not suffice, on a backend that keeps less there.
    fn networks<B: Backend>(&self, backend: B) -> Result<Self::Networks<B>, TrainError>;

    fn run<B: Backend>(self, networks: Self::Networks<B>) -> Result<Self::Output, TrainError>;
}

/// Does `work` on the backend of `device`.
pub(crate) fn on<W: Work>(
    device: &device::Device,
    source: Source<'_>,
    work: W,
) -> Result<W::Output, TrainError> {
    match &device.backend {
        device::Backend::Cpu(threads) => {
            let (train, test) = match source {
                Source::Dataset { dataset, .. } => (&dataset.train, Some(&dataset.test)),
                Source::Train(train, dataset) => (train, Some(&dataset.test)),
                Source::Only(train) => (train, None),
            };
            let networks = work.networks(Cpu::new(train, test, threads.count()))?;
            work.run(networks)
        }
        #[cfg(feature = "candle")]
        device::Backend::Tensors(tensors, _) => {
            let threads = device.threads();
            let networks = match source {
                Source::Dataset { dataset, need } => device.memory().with_features(
                    tensors,
                    || device.free_bytes(),
                    (dataset, need, threads),
                    |[train, test]| work.networks(Candle::new(tensors, train, Some(test))?),
                )?,
                Source::Train(train, dataset) => {
                    let train = DeviceFeatures::unshared(train, tensors)?;
                    // Scored once an epoch: gathered on the host.
                    let test = DeviceFeatures::on_host(tensors, dataset.test.clone(), threads);
                    work.networks(Candle::new(tensors, train, Some(test))?)?
                }
                Source::Only(train) => {
                    let train = DeviceFeatures::unshared(train, tensors)?;
                    work.networks(Candle::new(tensors, train, None)?)?
                }
            };
            work.run(networks)
        }
        #[cfg(feature = "cuda")]
        device::Backend::Cuda(opened, threads) => {
            let backend = |train: DeviceFeatures, test: Option<DeviceFeatures>| {
                let queue = Driver::new(opened.as_cuda_device()?)?;
                let train = driver::features(&queue, train)?;
                let test = test.map(|test| driver::features(&queue, test));
                Cuda::new(queue, train, test.transpose()?)
            };
            let networks = match source {
                Source::Dataset { dataset, need } => device.memory().with_features(
                    opened,
                    || device.free_bytes(),
                    (dataset, need, threads.count()),
                    |[train, test]| work.networks(backend(train, Some(test))?),
                )?,
                Source::Train(train, dataset) => {
                    let train = DeviceFeatures::unshared(train, opened)?;
                    // Scored once an epoch: gathered on the host.
                    let test =
                        DeviceFeatures::on_host(opened, dataset.test.clone(), threads.count());
                    work.networks(backend(train, Some(test))?)?
                }
                Source::Only(train) => {
                    work.networks(backend(DeviceFeatures::unshared(train, opened)?, None)?)?
                }
            };
            work.run(networks)
        }
        #[cfg(test)]
        device::Backend::Shim(queue, threads) => {
            let upload = |features: &Features| {
                crate::backend::cuda::memory::Features::upload(queue, features)
            };
            let on_host = |features: &Features| {
                crate::backend::cuda::memory::Features::on_host(features.clone(), threads.count())
            };
            let (train, test) = match source {
                Source::Dataset { dataset, .. } => {
                    (upload(&dataset.train)?, Some(upload(&dataset.test)?))
                }
                Source::Train(train, dataset) => (upload(train)?, Some(on_host(&dataset.test))),
                Source::Only(train) => (upload(train)?, None),
            };
            let networks = work.networks(crate::backend::cuda::Cuda::new(*queue, train, test)?)?;
            work.run(networks)
        }
    }
}
