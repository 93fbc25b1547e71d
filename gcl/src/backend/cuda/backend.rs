//! The operations of [`Backend`], each a launch or two of the rooms beside this one.

use sweeps::training::{MatmulPrecision, ReconstructionError};

use crate::backend::cuda::kernels::{BiasRelu, FACTS, Sigmoid, blocks, pieces};
use crate::backend::cuda::memory::{Labels, Loss, Matrix, Scores, number};
use crate::backend::cuda::queue::{Product, Queue};
use crate::backend::cuda::{Cuda, demand, kernels, room};
use crate::backend::state::{LayerShape, NetworkState, ParameterState};
use crate::backend::{Backend, Findings, Gate, Optimizer, Parameter, Report, Split, Target};
use crate::error::TrainError;
use crate::method::labels::{HostLabels, LabelRule, Supervision};
use crate::method::threshold::Threshold;

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
        self.make_parameters(state)
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
        self.gather_rows(split, rows, out)
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
        self.step(parameters, optimizer)
    }

    fn row_errors(
        &mut self,
        f: &Matrix<Q>,
        f_hat: &Matrix<Q>,
        error: ReconstructionError,
        out: &mut Scores<Q>,
    ) -> Result<(), TrainError> {
        self.errors_of_rows(f, f_hat, error, out)
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
        self.loss_of_discriminator(logits, labels, bias_gradient)
    }

    fn generator_loss(
        &mut self,
        f_hat: &mut Matrix<Q>,
        f: &Matrix<Q>,
        target: &Target<'_, Self>,
        error: ReconstructionError,
        bias_gradient: &mut Matrix<Q>,
    ) -> Result<Loss, TrainError> {
        self.loss_of_generator(f_hat, f, target, error, bias_gradient)
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
        scores: &Scores<Q>,
        rule: LabelRule,
        supervision: Option<Supervision<'_>>,
        rows: &[u32],
        out: &mut Labels<Q>,
    ) -> Result<bool, TrainError> {
        self.label_rows(scores, rule, supervision, rows, out)
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
