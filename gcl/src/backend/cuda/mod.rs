//! The networks on a GPU: candle's device, memory and cuBLAS, and between the products kernels of ours (`cuda/kernels.cu`).
//!
//! Everything but [`driver`] is independent of CUDA: the tests run the same code and the same kernels on the processor, by a
//! queue of their own.
//!
//! A step in its usual form (targets `ones`, thresholds from mean and deviation or fixed) waits for the device once, when its
//! findings are read. The other targets and thresholds are made on the host, from one number a row.

#[cfg(feature = "cuda")]
pub(crate) mod driver;
pub(crate) mod kernels;
pub(crate) mod memory;
pub(crate) mod queue;
#[cfg(test)]
pub(crate) mod shim;
mod supervised;
#[cfg(test)]
mod tests;
#[cfg(test)]
mod traces;

use std::rc::Rc;

use sweeps::training::{MatmulPrecision, PseudoLabels, ReconstructionError, Threshold as Rule};

use crate::backend::cuda::kernels::{
    AdagradStep, AddPieces, Address, BiasRelu, ClearLabels, ColumnSums, DiscriminatorLoss, FACTS,
    Gather, GeneratorLoss, KeepTop, Kernel, Label, MOST_BLOCKS, MeanLoss, NO_NOISE, RmsPropStep,
    RowErrors, Sigmoid, blocks, pieces, target,
};
use crate::backend::cuda::memory::{
    Features, Growing, Labels, Loss, Matrix, Resident, ResidentScaling, Scores, number,
};
use crate::backend::cuda::queue::{Product, Queue};
use crate::backend::cuda::supervised::Supervised;
use crate::backend::state::{LayerShape, NetworkState, ParameterState};
use crate::backend::{
    ADAGRAD_EPSILON, Backend, Findings, Gate, Optimizer, Parameter, Report, Split, Target,
};
use crate::data::device_cache::staged_rows;
use crate::error::TrainError;
use crate::method::labels::{HostLabels, LabelRule, Supervision};
use crate::method::threshold::Threshold;

/// Losses that may wait to be read: more than a step makes.
const LOSSES: usize = 64;
/// Every parameter begins at a multiple of so many values, where cuBLAS reads fastest.
const ALIGNED: usize = 64;

/// Every weight and bias of a network in one piece of memory: values, then squares, momenta and gradients.
const SECTIONS: usize = 4;

/// A device's queue, with the features that batches are gathered from and the scratch of its passes.
pub(crate) struct Cuda<Q: Queue> {
    queue: Q,
    precision: MatmulPrecision,
    train: Features,
    test: Option<Features>,
    /// f64, `[LOSSES]`.
    losses: Q::Memory,
    next_loss: usize,
    /// f64, column sums per piece of rows.
    sums: Growing<Q>,
    /// f32, losses of the rows of a batch.
    row_losses: Growing<Q>,
    /// f32, a gradient behind a layer's product and before its gate.
    through: Growing<Q>,
    /// u32, the rows of the batch that was gathered last, and the same on the host.
    batch: Growing<Q>,
    batch_rows: Vec<u32>,
    /// u32, a target's rows, and f32, its noise.
    sources: Growing<Q>,
    noise: Growing<Q>,
    /// u32, the rows of a batch whose videos are known, on the device, and the same on the host.
    supervised: Growing<Q>,
    supervised_rows: Supervised,
}

impl<Q: Queue> Cuda<Q> {
    /// Batches come from `train` and `test`, which lie on the queue's device.
    pub(crate) fn new(
        queue: Q,
        train: Features,
        test: Option<Features>,
    ) -> Result<Self, TrainError> {
        Ok(Self {
            losses: queue.allocate(LOSSES * size_of::<f64>())?,
            queue,
            precision: MatmulPrecision::F32,
            train,
            test,
            next_loss: 0,
            sums: Growing::default(),
            row_losses: Growing::default(),
            through: Growing::default(),
            batch: Growing::default(),
            batch_rows: Vec::new(),
            sources: Growing::default(),
            noise: Growing::default(),
            supervised: Growing::default(),
            supervised_rows: Supervised::default(),
        })
    }

    fn launch<K: Kernel>(&self, arguments: &K, grid: (usize, usize)) -> Result<(), TrainError> {
        if grid.0 == 0 || grid.1 == 0 {
            return Ok(());
        }
        if grid.0 > MOST_BLOCKS.0 || grid.1 > MOST_BLOCKS.1 {
            return Err(TrainError::bad_data(format!(
                "a batch takes {} times {} blocks in the kernel `{}`, more than a GPU starts at once ({} times {}): lower batch_size",
                grid.0,
                grid.1,
                K::NAME,
                MOST_BLOCKS.0,
                MOST_BLOCKS.1
            )));
        }
        // SAFETY: every caller below gives addresses of memory of this queue that it borrows, with the extents that the
        // matrices' own numbers of rows and columns say, which it has compared.
        #[allow(unsafe_code)]
        unsafe {
            self.queue.launch(arguments, grid)
        }
    }

    fn multiply(&self, product: &Product) -> Result<(), TrainError> {
        // SAFETY: as in `launch`.
        #[allow(unsafe_code)]
        unsafe {
            self.queue.multiply(product)
        }
    }

    fn download(&self, pieces: &mut [(Address, &mut [u8])]) -> Result<(), TrainError> {
        // SAFETY: as in `launch`; the host's buffers have been made as long as what is read.
        #[allow(unsafe_code)]
        unsafe {
            self.queue.download(pieces)
        }
    }

    /// The place of the next loss.
    fn loss(&mut self) -> Loss {
        let at = self.queue.address(&self.losses) + (self.next_loss * size_of::<f64>()) as Address;
        self.next_loss = (self.next_loss + 1) % LOSSES;
        Loss(at)
    }

    /// The sums over each column of `matrix`.
    fn sum_columns(&mut self, matrix: &Matrix<Q>, out: &mut Matrix<Q>) -> Result<(), TrainError> {
        let (rows, columns) = (matrix.rows, matrix.columns);
        let sums = self.sums_of(rows, columns)?;
        self.launch(
            &ColumnSums {
                gradient: matrix.at,
                sums,
                rows: number(rows)?,
                width: matrix.width()?,
            },
            (blocks(columns), pieces(rows)),
        )?;
        self.add_pieces(sums, (rows, columns), out)
    }

    /// Room for column sums per piece of so many rows.
    fn sums_of(&mut self, rows: usize, columns: usize) -> Result<Address, TrainError> {
        let bytes = pieces(rows) * columns * size_of::<f64>();
        self.sums.reserve(&self.queue, bytes)
    }

    fn add_pieces(
        &self,
        sums: Address,
        (rows, columns): (usize, usize),
        out: &mut Matrix<Q>,
    ) -> Result<(), TrainError> {
        demand(out.columns == columns, "column sums and their place")?;
        out.hold(1)?;
        self.launch(
            &AddPieces {
                out: out.at,
                sums,
                pieces: number(pieces(rows))?,
                width: out.width()?,
            },
            (blocks(out.columns), 1),
        )
    }

    /// The rows of a batch on the device: those that were gathered last are there.
    fn batch_on_device(&mut self, rows: &[u32]) -> Result<Address, TrainError> {
        let bytes = size_of_val(rows);
        if self.batch_rows == rows {
            return self.batch.reserve(&self.queue, bytes);
        }
        self.batch_rows.clear();
        let at = self.batch.put(&self.queue, rows)?;
        self.batch_rows.extend_from_slice(rows);
        Ok(at)
    }

    /// Gathers rows of `from` on the device; `batch` are their numbers there.
    fn gather_on_device(
        &self,
        from: &Resident,
        (batch, count): (Address, usize),
        out: &Matrix<Q>,
    ) -> Result<(), TrainError> {
        let (norms, offset, factor) = match from.scaling {
            ResidentScaling::None => (0, 0, 0),
            ResidentScaling::Rows(norms) => (norms, 0, 0),
            ResidentScaling::Columns { offset, factor } => (0, offset, factor),
        };
        let mut first = 0;
        for (at, rows) in &from.pieces {
            self.launch(
                &Gather {
                    out: out.at,
                    features: *at,
                    rows: batch,
                    offset,
                    factor,
                    norms,
                    first: number(first)?,
                    count: number(*rows)?,
                    width: out.width()?,
                    half: u32::from(from.half),
                },
                (count, 1),
            )?;
            first += rows;
        }
        Ok(())
    }

    /// What is known of the batch's videos (Fig. 9). Which rows that concerns is found on the host, batch by batch: nothing that
    /// was known of another batch or run is taken for it.
    fn supervise(
        &mut self,
        scores: Address,
        (supervision, rows): (&Supervision<'_>, &[u32]),
        labels: Address,
    ) -> Result<(), TrainError> {
        let found = &mut self.supervised_rows;
        found.fill(supervision, rows);
        if found.is_empty() {
            return Ok(());
        }
        let at = self.supervised.put(&self.queue, found.packed())?;
        let behind = |count: usize| at + (count * size_of::<u32>()) as Address;
        let (normal, anomalous, videos) = (
            found.normal_rows(),
            found.anomalous_rows(),
            found.anomalous_videos(),
        );
        self.launch(
            &ClearLabels {
                labels,
                places: at,
                count: number(normal)?,
            },
            (blocks(normal), 1),
        )?;
        self.launch(
            &KeepTop {
                labels,
                scores,
                places: behind(normal),
                begins: behind(normal + anomalous),
            },
            (videos, 1),
        )
    }
}

/// Bytes of a host buffer that takes `count` values.
fn room<T: bytemuck::NoUninit + bytemuck::AnyBitPattern>(
    values: &mut Vec<T>,
    count: usize,
) -> &mut [u8] {
    values.resize(count, T::zeroed());
    bytemuck::cast_slice_mut(values)
}

fn mean_square(error: ReconstructionError) -> u32 {
    match error {
        ReconstructionError::L2 => 0,
        ReconstructionError::Mse => 1,
    }
}

/// A mistake of the caller, found before a kernel reads what is not there.
fn demand(holds: bool, what: &'static str) -> Result<(), TrainError> {
    if holds {
        Ok(())
    } else {
        Err(TrainError::host(format!("{what} do not fit each other")))
    }
}

impl<Q: Queue> Backend for Cuda<Q> {
    type Buffer = Matrix<Q>;
    type Scores = Scores<Q>;
    type Labels = Labels<Q>;
    type Loss = Loss;

    fn set_precision(&mut self, precision: MatmulPrecision) {
        self.precision = precision;
    }

    fn buffer(&mut self, rows: usize, columns: usize) -> Result<Matrix<Q>, TrainError> {
        Matrix::new(&self.queue, rows, columns)
    }

    fn scores(&mut self, rows: usize) -> Result<Scores<Q>, TrainError> {
        Ok(Scores(Matrix::new(&self.queue, rows, 1)?))
    }

    fn labels(&mut self, rows: usize) -> Result<Labels<Q>, TrainError> {
        Labels::new(&self.queue, rows)
    }

    fn reserve(&mut self, rows: usize, layers: &[LayerShape]) -> Result<(), TrainError> {
        let widest = layers.iter().map(|layer| layer.outputs).max().unwrap_or(0);
        self.sums_of(rows, widest)?;
        // Larger memory holds no batch yet.
        self.batch_rows.clear();
        self.row_losses
            .reserve(&self.queue, rows * size_of::<f32>())?;
        self.batch.reserve(&self.queue, rows * size_of::<u32>())?;
        // Every row, and where every video begins.
        self.supervised
            .reserve(&self.queue, (2 * rows + 1) * size_of::<u32>())?;
        let hidden = layers.iter().skip(1).map(|layer| layer.inputs).max();
        self.through
            .reserve(&self.queue, rows * hidden.unwrap_or(0) * size_of::<f32>())?;
        Ok(())
    }

    fn parameters(&mut self, state: &NetworkState) -> Result<Vec<Parameter<Self>>, TrainError> {
        let shapes = state
            .shapes
            .iter()
            .flat_map(|shape| [(shape.outputs, shape.inputs), (1, shape.outputs)]);
        let places: Vec<_> = shapes
            .scan(0, |end, (rows, columns)| {
                let begin = *end;
                *end += (rows * columns).next_multiple_of(ALIGNED);
                Some((begin, rows, columns, *end))
            })
            .collect();
        let total = places.last().map_or(0, |(.., end)| *end);
        let all = Matrix::new(&self.queue, SECTIONS, total)?;
        // SAFETY: the whole of what was just made.
        #[allow(unsafe_code)]
        unsafe {
            self.queue
                .zero(all.at, SECTIONS * total * size_of::<f32>())?;
        }
        places
            .iter()
            .zip(&state.parameters)
            .map(|(&(begin, rows, columns, _), state)| {
                let section = |section: usize| Matrix {
                    memory: Rc::clone(&all.memory),
                    at: all.at + ((section * total + begin) * size_of::<f32>()) as Address,
                    rows,
                    columns,
                    room: rows * columns,
                };
                let mut parameter = Parameter {
                    value: section(0),
                    square: section(1),
                    momentum: section(2),
                    gradient: section(3),
                };
                for (values, out) in [
                    (&state.value, &mut parameter.value),
                    (&state.square, &mut parameter.square),
                    (&state.momentum, &mut parameter.momentum),
                ] {
                    if !values.is_empty() {
                        self.write(values, columns, out)?;
                    }
                }
                Ok(parameter)
            })
            .collect()
    }

    fn save(
        &self,
        parameters: &[Parameter<Self>],
        into: &mut [ParameterState],
    ) -> Result<(), TrainError> {
        let mut copies = Vec::with_capacity(3 * parameters.len());
        for (parameter, into) in parameters.iter().zip(into) {
            for (matrix, values) in [
                (&parameter.value, &mut into.value),
                (&parameter.square, &mut into.square),
                (&parameter.momentum, &mut into.momentum),
            ] {
                copies.push((matrix.at, room(values, matrix.len())));
            }
        }
        self.download(&mut copies)
    }

    fn forget(&mut self, parameters: &mut [Parameter<Self>]) -> Result<(), TrainError> {
        for parameter in parameters {
            for memory in [&parameter.square, &parameter.momentum] {
                // SAFETY: a matrix's own extent.
                #[allow(unsafe_code)]
                unsafe {
                    self.queue
                        .zero(memory.at, memory.len() * size_of::<f32>())?;
                }
            }
        }
        Ok(())
    }

    fn write(
        &mut self,
        values: &[f32],
        columns: usize,
        out: &mut Matrix<Q>,
    ) -> Result<(), TrainError> {
        out.columns = columns;
        out.hold(values.len() / columns.max(1))?;
        demand(out.len() == values.len(), "a matrix and its values")?;
        // SAFETY: the matrix holds as many values.
        #[allow(unsafe_code)]
        unsafe {
            self.queue.upload(bytemuck::cast_slice(values), out.at)
        }
    }

    fn read(&self, buffer: &Matrix<Q>, out: &mut Vec<f32>) -> Result<(), TrainError> {
        self.download(&mut [(buffer.at, room(out, buffer.len()))])
    }

    fn gather(
        &mut self,
        split: Split,
        rows: &[u32],
        out: &mut Matrix<Q>,
    ) -> Result<(), TrainError> {
        out.hold(rows.len())?;
        let batch = self.batch_on_device(rows)?;
        let features = match (split, &mut self.test) {
            (Split::Test, Some(test)) => test,
            _ => &mut self.train,
        };
        let (columns, all) = (features.columns(), features.rows());
        demand(
            columns == out.columns && rows.iter().all(|row| (*row as usize) < all),
            "a batch and the features",
        )?;
        match features {
            Features::Device(from) => {
                let from = Rc::clone(from);
                self.gather_on_device(&from, (batch, rows.len()), out)
            }
            Features::Host {
                features,
                threads,
                staged,
            } => {
                let at_once = staged_rows(columns);
                staged.resize(at_once.min(rows.len()) * columns, 0.0);
                for (index, part) in rows.chunks(at_once).enumerate() {
                    let staged = &mut staged[..part.len() * columns];
                    features.gather(*threads, part, staged);
                    let to = out.at + (index * at_once * columns * size_of::<f32>()) as Address;
                    // SAFETY: `out` holds all rows, and the parts follow each other.
                    #[allow(unsafe_code)]
                    unsafe {
                        self.queue.upload(bytemuck::cast_slice(staged), to)?;
                    }
                }
                Ok(())
            }
        }
    }

    fn layer(
        &mut self,
        input: &Matrix<Q>,
        weight: &Matrix<Q>,
        bias: &Matrix<Q>,
        relu: bool,
        mask: Option<&Matrix<Q>>,
        out: &mut Matrix<Q>,
    ) -> Result<(), TrainError> {
        out.hold(input.rows)?;
        demand(
            input.columns == weight.columns
                && out.columns == weight.rows
                && bias.len() == out.columns
                && mask.is_none_or(|mask| mask.len() == out.len()),
            "a layer and its input",
        )?;
        self.multiply(&Product {
            a: input.at,
            transposed_a: false,
            b: weight.at,
            transposed_b: true,
            c: out.at,
            m: input.rows,
            n: weight.rows,
            k: input.columns,
            precision: self.precision,
        })?;
        self.launch(
            &BiasRelu {
                z: out.at,
                bias: bias.at,
                mask: mask.map_or(0, |mask| mask.at),
                width: out.width()?,
                relu: u32::from(relu),
            },
            (out.rows, 1),
        )
    }

    fn weight_gradient(
        &mut self,
        gradient: &Matrix<Q>,
        input: &Matrix<Q>,
        out: &mut Matrix<Q>,
    ) -> Result<(), TrainError> {
        out.hold(gradient.columns)?;
        demand(
            gradient.rows == input.rows && out.columns == input.columns,
            "a gradient and its input",
        )?;
        self.multiply(&Product {
            a: gradient.at,
            transposed_a: true,
            b: input.at,
            transposed_b: false,
            c: out.at,
            m: gradient.columns,
            n: input.columns,
            k: gradient.rows,
            precision: self.precision,
        })
    }

    fn input_gradient(
        &mut self,
        gradient: &Matrix<Q>,
        weight: &Matrix<Q>,
        gate: Gate<'_, Matrix<Q>>,
        activation: &mut Matrix<Q>,
        bias_gradient: &mut Matrix<Q>,
    ) -> Result<(), TrainError> {
        let (rows, columns) = (activation.rows, activation.columns);
        demand(
            gradient.rows == rows && gradient.columns == weight.rows && weight.columns == columns,
            "a gradient and its layer",
        )?;
        let through = self
            .through
            .reserve(&self.queue, rows * columns * size_of::<f32>())?;
        self.multiply(&Product {
            a: gradient.at,
            transposed_a: false,
            b: weight.at,
            transposed_b: false,
            c: through,
            m: rows,
            n: columns,
            k: weight.rows,
            precision: self.precision,
        })?;
        let (relu, scale, mask) = match gate {
            Gate::Relu { scale } => (1, scale, None),
            Gate::Linear { mask } => (0, 1.0, mask),
        };
        demand(
            mask.is_none_or(|mask| mask.len() == activation.len()),
            "a mask and its layer",
        )?;
        let sums = self.sums_of(rows, columns)?;
        self.launch(
            &kernels::Gate {
                activation: activation.at,
                gradient: through,
                mask: mask.map_or(0, |mask| mask.at),
                sums,
                rows: number(rows)?,
                width: activation.width()?,
                relu,
                scale,
            },
            (blocks(columns), pieces(rows)),
        )?;
        self.add_pieces(sums, (rows, columns), bias_gradient)
    }

    fn column_sums(&mut self, gradient: &Matrix<Q>, out: &mut Matrix<Q>) -> Result<(), TrainError> {
        self.sum_columns(gradient, out)
    }

    fn optimize(
        &mut self,
        parameters: &mut [Parameter<Self>],
        optimizer: &Optimizer,
    ) -> Result<(), TrainError> {
        let (Some(first), Some(last)) = (parameters.first(), parameters.last()) else {
            return Ok(());
        };
        // From the first value to behind the last one; what lies between parameters is 0 and stays so.
        let end = last.value.at + (last.value.len() * size_of::<f32>()) as Address;
        let bytes = end.saturating_sub(first.value.at);
        let count = bytes / size_of::<f32>() as Address;
        // The others lie as the values do, from theirs on, and none reaches into another.
        let sections = |parameter: &Parameter<Self>| {
            [&parameter.square, &parameter.momentum, &parameter.gradient]
                .map(|section| section.at.wrapping_sub(parameter.value.at))
        };
        let apart = sections(first);
        demand(
            parameters.iter().all(|parameter| {
                let Parameter {
                    value,
                    square,
                    momentum,
                    gradient,
                } = parameter;
                [value, square, momentum, gradient]
                    .iter()
                    .all(|part| Rc::ptr_eq(&part.memory, &first.value.memory))
                    && sections(parameter) == apart
                    && (first.value.at..end).contains(&value.at)
            }) && apart
                .is_sorted_by(|one, next| one.checked_add(bytes).is_some_and(|end| end <= *next))
                && apart[0] >= bytes,
            "the parameters of a network",
        )?;
        let grid = (blocks(count as usize), 1);
        match *optimizer {
            Optimizer::RmsProp {
                settings,
                learning_rate,
            } => self.launch(
                &RmsPropStep {
                    value: first.value.at,
                    square: first.square.at,
                    momentum: first.momentum.at,
                    gradient: first.gradient.at,
                    count,
                    alpha: settings.alpha as f32,
                    rest: (1.0 - settings.alpha) as f32,
                    mu: settings.momentum as f32,
                    epsilon: settings.epsilon as f32,
                    rate: learning_rate as f32,
                },
                grid,
            ),
            Optimizer::Adagrad {
                learning_rate,
                weight_decay,
            } => self.launch(
                &AdagradStep {
                    value: first.value.at,
                    square: first.square.at,
                    gradient: first.gradient.at,
                    count,
                    rate: learning_rate as f32,
                    decay: weight_decay as f32,
                    epsilon: ADAGRAD_EPSILON as f32,
                },
                grid,
            ),
        }
    }

    fn row_errors(
        &mut self,
        f: &Matrix<Q>,
        f_hat: &Matrix<Q>,
        error: ReconstructionError,
        Scores(out): &mut Scores<Q>,
    ) -> Result<(), TrainError> {
        demand(
            f.rows == f_hat.rows && f.columns == f_hat.columns,
            "features and their reconstruction",
        )?;
        out.hold(f.rows)?;
        self.launch(
            &RowErrors {
                errors: out.at,
                y: f_hat.at,
                x: f.at,
                width: f.width()?,
                mean_square: mean_square(error),
            },
            (f.rows, 1),
        )
    }

    fn probabilities(
        &mut self,
        logits: &Matrix<Q>,
        Scores(out): &mut Scores<Q>,
    ) -> Result<(), TrainError> {
        out.hold(logits.len())?;
        self.launch(
            &Sigmoid {
                p: out.at,
                logits: logits.at,
                count: number(logits.len())?,
            },
            (blocks(logits.len()), 1),
        )
    }

    fn discriminator_loss(
        &mut self,
        logits: &mut Matrix<Q>,
        labels: &Labels<Q>,
        bias_gradient: &mut Matrix<Q>,
    ) -> Result<Loss, TrainError> {
        demand(
            logits.len() == labels.values.len() && bias_gradient.columns == 1,
            "logits and labels",
        )?;
        bias_gradient.hold(1)?;
        let loss = self.loss();
        self.launch(
            &DiscriminatorLoss {
                logits: logits.at,
                labels: labels.values.at,
                bias_gradient: bias_gradient.at,
                loss: loss.0,
                count: number(logits.len())?,
            },
            (1, 1),
        )?;
        Ok(loss)
    }

    fn generator_loss(
        &mut self,
        f_hat: &mut Matrix<Q>,
        f: &Matrix<Q>,
        target: &Target<'_, Self>,
        error: ReconstructionError,
        bias_gradient: &mut Matrix<Q>,
    ) -> Result<Loss, TrainError> {
        let rows = f.rows;
        demand(
            f_hat.rows == rows && f_hat.columns == f.columns,
            "features and their reconstruction",
        )?;
        let mut arguments = GeneratorLoss {
            y: f_hat.at,
            losses: self
                .row_losses
                .reserve(&self.queue, rows * size_of::<f32>())?,
            x: f.at,
            labels: 0,
            sources: 0,
            noise: 0,
            width: f.width()?,
            target: target::INPUT,
            mean_square: mean_square(error),
            sigma: 0.0,
            weight: 0.0,
        };
        let mut kept = rows;
        match target {
            Target::Input => {}
            Target::Ones { labels } => {
                demand(labels.values.rows == rows, "labels and a batch")?;
                arguments.target = target::ONES;
                arguments.labels = labels.values.at;
            }
            Target::Without {
                labels,
                kept: of_labels,
            } => {
                demand(labels.values.rows == rows, "labels and a batch")?;
                kept = *of_labels;
                arguments.target = target::WITHOUT;
                arguments.labels = labels.values.at;
            }
            Target::Replace { sources } => {
                demand(
                    sources.len() == rows && sources.iter().all(|row| (*row as usize) < rows),
                    "replacements and a batch",
                )?;
                arguments.target = target::REPLACE;
                arguments.sources = self.sources.put(&self.queue, sources)?;
            }
            Target::Gaussian {
                positive,
                noise,
                sigma,
            } => {
                demand(
                    noise.len() == positive.len() * f.columns
                        && positive.iter().all(|row| (*row as usize) < rows),
                    "noise and a batch",
                )?;
                let mut places = vec![NO_NOISE; rows];
                for (place, row) in positive.iter().enumerate() {
                    places[*row as usize] = place as u32;
                }
                arguments.target = target::NOISE;
                arguments.sources = self.sources.put(&self.queue, &places)?;
                arguments.noise = self.noise.put(&self.queue, noise)?;
                arguments.sigma = *sigma as f32;
            }
        }
        arguments.weight = 1.0 / kept as f32;
        let loss = self.loss();
        self.launch(&arguments, (rows, 1))?;
        self.launch(
            &MeanLoss {
                out: loss.0,
                losses: arguments.losses,
                count: number(rows)?,
                kept: number(kept)?,
            },
            (1, 1),
        )?;
        self.sum_columns(f_hat, bias_gradient)?;
        Ok(loss)
    }

    fn no_loss(&mut self) -> Result<Loss, TrainError> {
        let loss = self.loss();
        // SAFETY: one of the losses.
        #[allow(unsafe_code)]
        unsafe {
            self.queue.zero(loss.0, size_of::<f64>())?;
        }
        Ok(loss)
    }

    fn label(
        &mut self,
        Scores(scores): &Scores<Q>,
        rule: LabelRule,
        supervision: Option<Supervision<'_>>,
        rows: &[u32],
        out: &mut Labels<Q>,
    ) -> Result<bool, TrainError> {
        let (fixed, value) = match rule.threshold {
            Rule::MeanStd { k } => (0, k),
            Rule::Fixed { value } => (1, value),
            Rule::TopPercent { .. } | Rule::Otsu | Rule::Valley => return Ok(false),
        };
        out.values.hold(scores.rows)?;
        let count = number(scores.rows)?;
        self.launch(
            &Label {
                labels: out.values.at,
                facts: self.queue.address(&out.facts),
                scores: scores.at,
                count,
                fixed,
                soft: u32::from(rule.labels == PseudoLabels::Soft),
                value,
            },
            (1, 1),
        )?;
        if let Some(supervision) = supervision {
            let known = |row: &u32| {
                let video = supervision.video.get(*row as usize);
                video.is_some_and(|video| (*video as usize) < supervision.known.len())
            };
            demand(
                rows.len() == scores.rows && rows.iter().all(known),
                "scores and a batch's rows and videos",
            )?;
            self.supervise(scores.at, (&supervision, rows), out.values.at)?;
        }
        Ok(true)
    }

    fn write_labels(&mut self, labels: &HostLabels, out: &mut Labels<Q>) -> Result<(), TrainError> {
        self.write(&labels.values, 1, &mut out.values)?;
        let flag = |holds: bool| f64::from(u8::from(holds));
        let facts: [f64; FACTS] = [
            labels.threshold.value,
            flag(labels.threshold.degenerate),
            flag(labels.finite),
        ];
        // SAFETY: as many facts as there is room for.
        #[allow(unsafe_code)]
        unsafe {
            self.queue
                .upload(bytemuck::cast_slice(&facts), self.queue.address(&out.facts))
        }
    }

    fn read_scores(
        &self,
        Scores(scores): &Scores<Q>,
        out: &mut Vec<f32>,
    ) -> Result<(), TrainError> {
        self.read(scores, out)
    }

    fn read_labels(&self, labels: &Labels<Q>, out: &mut Vec<f32>) -> Result<(), TrainError> {
        self.read(&labels.values, out)
    }

    fn read_findings(
        &mut self,
        findings: &Findings<Self>,
        report: &mut Report,
    ) -> Result<(), TrainError> {
        let mut facts = [[0.0_f64; FACTS]; 2];
        let mut losses = [0.0_f64; 2];
        let mut copies = Vec::with_capacity(6);
        let labels = [&findings.labels_g, &findings.labels_d];
        let on_host = [&mut report.labels_g, &mut report.labels_d];
        for ((labels, on_host), facts) in labels.into_iter().zip(on_host).zip(&mut facts) {
            on_host.clear();
            if let Some(labels) = labels {
                let count = labels.values.len();
                copies.push((labels.values.at, room(&mut on_host.values, count)));
                copies.push((
                    self.queue.address(&labels.facts),
                    bytemuck::cast_slice_mut(facts.as_mut_slice()),
                ));
            }
        }
        for (loss, on_host) in [&findings.loss_d, &findings.loss_g]
            .into_iter()
            .zip(losses.chunks_mut(1))
        {
            if let Some(loss) = loss {
                copies.push((loss.0, bytemuck::cast_slice_mut(on_host)));
            }
        }
        self.download(&mut copies)?;
        for ((labels, on_host), facts) in labels
            .into_iter()
            .zip([&mut report.labels_g, &mut report.labels_d])
            .zip(facts)
        {
            if labels.is_some() {
                on_host.threshold = Threshold {
                    value: facts[0],
                    degenerate: facts[1] != 0.0,
                };
                on_host.finite = facts[2] != 0.0;
            }
        }
        report.loss_d = findings.loss_d.as_ref().map(|_| losses[0]);
        report.loss_g = findings.loss_g.as_ref().map(|_| losses[1]);
        Ok(())
    }
}
