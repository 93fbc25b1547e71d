//! The cooperative step alone, for whoever measures it: the code of a run, without the ends of epochs.

use sweeps::training::MatmulPrecision;
use sweeps::{DatasetSource, JobSpec, Parameters, Phase, Training, Value};

use crate::backend::Backend;
use crate::backend::cpu::Cpu;
#[cfg(feature = "cuda")]
use crate::backend::cuda::{
    Cuda,
    driver::{self, Driver},
};
use crate::backend::networks::Networks;
use crate::backend::state::{PairState, discriminator_shapes, generator_shapes};
#[cfg(feature = "cuda")]
use crate::data::device_features::DeviceFeatures;
use crate::data::features::Features;
use crate::data::prepared::Prepared;
#[cfg(feature = "cuda")]
use crate::device;
use crate::device::Device;
use crate::error::TrainError;
use crate::method::random_streams::{RandomStreams, SeededStreams, initial_weights};
use crate::method::step::{Kind, Step, StepContext};

/// Steps of a job with the defaults of GCL.md on `data`, on a CPU, until nobody asks for more.
pub struct Stepper<'a>(Steps<Cpu<'a>>);

/// The same on a GPU.
#[cfg(feature = "cuda")]
pub struct GpuStepper(Steps<Cuda<Driver>>);

/// What a step found: thresholds and losses of G and D.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct StepReport {
    /// The threshold on G's errors.
    pub threshold_g: f64,
    /// The threshold on D's probabilities.
    pub threshold_d: f64,
    /// The loss of G before its step.
    pub loss_g: f64,
    /// The loss of D before its step.
    pub loss_d: f64,
}

impl<'a> Stepper<'a> {
    /// Networks of that seed and steps of `batch` rows of `data`, in a fresh random order each epoch.
    ///
    /// # Errors
    /// If memory does not suffice.
    ///
    /// # Panics
    /// If `data` has fewer rows than a batch.
    pub fn new(
        data: &'a Features,
        batch: usize,
        seed: u64,
        threads: usize,
    ) -> Result<Self, TrainError> {
        let size = (data.rows(), data.columns());
        let precision = MatmulPrecision::F32;
        Steps::new(Cpu::new(data, None, threads), size, batch, seed, precision).map(Self)
    }

    /// The same on the training rows of a data set.
    ///
    /// # Errors
    /// If memory does not suffice.
    pub fn on(
        data: &'a Prepared,
        batch: usize,
        seed: u64,
        threads: usize,
    ) -> Result<Self, TrainError> {
        Self::new(&data.train, batch.min(data.train_rows()), seed, threads)
    }

    /// One step on the next batch.
    ///
    /// # Errors
    /// If something is not finite.
    pub fn step(&mut self) -> Result<StepReport, TrainError> {
        self.0.step()
    }

    /// All weights and biases as they are: of G, then of D, layer by layer, `[outputs, inputs]` before `[outputs]`.
    ///
    /// # Errors
    /// None on a CPU.
    pub fn weights(&self) -> Result<Vec<Vec<f32>>, TrainError> {
        self.0.weights()
    }
}

#[cfg(feature = "cuda")]
impl GpuStepper {
    /// Uploads all of `data`, and makes networks and steps as [`Stepper::new`] does, with products in `precision`.
    ///
    /// # Errors
    /// If the device is no GPU, or its memory does not suffice.
    ///
    /// # Panics
    /// If `data` has fewer rows than a batch.
    pub fn new(
        data: &Features,
        batch: usize,
        seed: u64,
        device: &Device,
        precision: MatmulPrecision,
    ) -> Result<Self, TrainError> {
        let device::Backend::Cuda(opened, _) = &device.backend else {
            return Err(TrainError::host("a step on a GPU needs a GPU"));
        };
        let queue = Driver::new(opened.as_cuda_device()?)?;
        let resident = driver::features(&queue, DeviceFeatures::unshared(data, opened)?)?;
        let backend = Cuda::new(queue, resident, None)?;
        let size = (data.rows(), data.columns());
        Steps::new(backend, size, batch, seed, precision).map(Self)
    }

    /// As [`Stepper::step`].
    ///
    /// # Errors
    /// If something is not finite, or the device fails.
    pub fn step(&mut self) -> Result<StepReport, TrainError> {
        self.0.step()
    }

    /// As [`Stepper::weights`].
    ///
    /// # Errors
    /// If the device fails.
    pub fn weights(&self) -> Result<Vec<Vec<f32>>, TrainError> {
        self.0.weights()
    }
}

/// Steps on any backend.
struct Steps<B: Backend> {
    training: Training,
    video: Vec<u32>,
    batch: usize,
    rows: Vec<u32>,
    order: Vec<u32>,
    next: usize,
    draws: SeededStreams,
    step: Step,
    networks: Networks<B>,
}

impl<B: Backend> Steps<B> {
    fn new(
        backend: B,
        (rows, columns): (usize, usize),
        batch: usize,
        seed: u64,
        precision: MatmulPrecision,
    ) -> Result<Self, TrainError> {
        assert!(
            batch > 0 && batch <= rows,
            "the data fill at least one batch"
        );
        let mut parameters = Parameters::default();
        // One of the range of every parameter: `batch` itself may lie outside.
        let _ = parameters.set("batch_size", &Value::Integer(batch as i64));
        let job = JobSpec::resolve(DatasetSource::Named("generated".into()), seed, &parameters);
        let mut training = Training::of(&job);
        training.matmul_precision = precision;
        let generator = generator_shapes(columns, &training);
        let discriminator = discriminator_shapes(columns, &training);
        let mut drawn = initial_weights(seed, &[&generator, &discriminator]).into_iter();
        let state = PairState {
            generator: drawn.next().unwrap_or_default(),
            discriminator: drawn.next(),
        };
        Ok(Self {
            video: vec![0; rows],
            batch,
            rows: (0..rows as u32).collect(),
            order: Vec::with_capacity(rows),
            next: usize::MAX,
            draws: SeededStreams::new(seed),
            step: Step::default(),
            networks: Networks::new(backend, &state, &training, batch)?,
            training,
        })
    }

    fn step(&mut self) -> Result<StepReport, TrainError> {
        if self.next.saturating_add(self.batch) > self.order.len() {
            self.draws.order(&self.rows, &mut self.order)?;
            self.next = 0;
        }
        let rows = &self.order[self.next..][..self.batch];
        self.next += self.batch;
        let context = StepContext {
            training: &self.training,
            video: &self.video,
            known: &[None],
            labels: &[],
        };
        let report = self.step.run(
            Kind::Cooperative,
            context,
            &mut self.networks,
            &mut self.draws,
            rows,
            (Phase::Train, 1),
        )?;
        let number = |value: Option<f64>| value.unwrap_or(f64::NAN);
        Ok(StepReport {
            threshold_g: number(report.labels_g.threshold()),
            threshold_d: number(report.labels_d.threshold()),
            loss_g: number(report.loss_g),
            loss_d: number(report.loss_d),
        })
    }

    fn weights(&self) -> Result<Vec<Vec<f32>>, TrainError> {
        let mut state = PairState::default();
        self.networks.save(&mut state)?;
        Ok(state
            .networks()
            .flat_map(|(_, network)| &network.parameters)
            .map(|parameter| parameter.value.clone())
            .collect())
    }
}

/// Runs `work` on the threads of `device`, as a job's passes do.
pub fn on_device<R: Send>(device: &Device, work: impl FnOnce() -> R + Send) -> R {
    device.install(work)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::data::matrix::Matrix;
    use crate::device::open_device;

    #[test]
    fn steps_are_the_same_to_the_bit_on_one_two_and_three_threads() {
        // Wide enough that products are made by `gemm` and by our tiles.
        let dimension = 520;
        let values = (0..1200 * dimension).map(|i| (i * 7919 % 2003) as f32 / 2003.0);
        let data = Matrix::new(values.collect(), dimension).into();
        let run = |threads: usize| {
            let device = open_device("cpu", Some(threads)).unwrap();
            let mut stepper = Stepper::new(&data, 1000, 5, threads).unwrap();
            let reports: Vec<_> = (0..3)
                .map(|_| on_device(&device, || stepper.step()).unwrap())
                .collect();
            (reports, stepper.weights().unwrap())
        };
        let one = run(1);
        assert!(one == run(2) && one == run(3));
        assert!(one.0.iter().all(|report| report.loss_g.is_finite()));
    }
}
