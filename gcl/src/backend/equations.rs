//! What backends compute in fused passes against the equations of [`crate::paper`], in f64, row by row.

use candle_core::Device;
use kernels::tf32;
use sweeps::training::{
    MatmulPrecision, PseudoLabels, ReconstructionError, Threshold as ThresholdRule,
};

use crate::backend::candle::Candle;
use crate::backend::cpu::Cpu;
use crate::backend::cuda::Cuda;
use crate::backend::cuda::shim::Shim;
use crate::backend::{Backend, Findings, Gate, Report, Split, Target};
use crate::data::device_features::DeviceFeatures;
use crate::data::features::Features;
use crate::data::matrix::Matrix;
use crate::method::labels::{HostLabels, LabelRule, label};
use crate::paper;

/// More than a chunk of the CPU's passes, and no multiple of one.
const ROWS: usize = 300;
/// More than the lanes of its sums, likewise.
const WIDTH: usize = 37;

/// Values in ±1.
fn values(count: usize, salt: usize) -> Vec<f32> {
    (0..count)
        .map(|i| ((i * 7919 + salt * 104_729) % 2003) as f32 / 1001.5 - 1.0)
        .collect()
}

/// A batch f, its reconstruction f̂ (in one row the same) and logits, on the host and on a backend.
struct World<B: Backend> {
    backend: B,
    f: Vec<Vec<f64>>,
    f_hat: Vec<Vec<f64>>,
    logits: Vec<f32>,
    on_backend: [B::Buffer; 3],
    bias_gradients: [B::Buffer; 2],
}

fn features() -> Features {
    Matrix::new(values(ROWS * WIDTH, 1), WIDTH).into()
}

/// Does it on every backend there is.
macro_rules! on_every_backend {
    ($check:ident) => {{
        let features = features();
        let tensors = DeviceFeatures::unshared(&features, &Device::Cpu).unwrap();
        $check(World::new(&features, Cpu::new(&features, None, 1)));
        $check(World::new(
            &features,
            Candle::new(&Device::Cpu, tensors, None).unwrap(),
        ));
        if let Some(queue) = Shim::open() {
            $check(World::new(&features, Cuda::on(queue, &features)));
        }
    }};
}

impl<B: Backend> World<B> {
    fn new(features: &Features, mut backend: B) -> Self {
        let mut f_hat = values(ROWS * WIDTH, 2);
        // Errors of several sizes.
        for (row, values) in f_hat.chunks_mut(WIDTH).enumerate() {
            for value in values {
                *value *= (row % 4) as f32;
            }
        }
        f_hat[5 * WIDTH..6 * WIDTH].copy_from_slice(features.row(5, &mut Vec::new()));
        let mut logits = values(ROWS, 3);
        for (logit, scale) in logits
            .iter_mut()
            .zip([1.0, 5.0, 30.0, 200.0].iter().cycle())
        {
            *logit *= scale;
        }
        let mut buffer = |rows, columns| backend.buffer(rows, columns).unwrap();
        let mut on_backend = [(); 2].map(|()| buffer(ROWS, WIDTH)).into_iter();
        let mut on_backend = [
            on_backend.next().unwrap(),
            on_backend.next().unwrap(),
            buffer(ROWS, 1),
        ];
        let bias_gradients = [buffer(1, WIDTH), buffer(1, 1)];
        let rows: Vec<u32> = (0..ROWS as u32).collect();
        let widest = crate::backend::state::LayerShape {
            inputs: 1,
            outputs: WIDTH,
        };
        backend.reserve(ROWS, &[widest]).unwrap();
        backend
            .gather(Split::Train, &rows, &mut on_backend[0])
            .unwrap();
        backend.write(&f_hat, WIDTH, &mut on_backend[1]).unwrap();
        backend.write(&logits, 1, &mut on_backend[2]).unwrap();
        let wide = |values: &[f32]| -> Vec<Vec<f64>> {
            let rows = values.chunks(WIDTH);
            rows.map(|row| row.iter().map(|value| f64::from(*value)).collect())
                .collect()
        };
        Self {
            f: wide(&values(ROWS * WIDTH, 1)),
            f_hat: wide(&f_hat),
            logits,
            backend,
            on_backend,
            bias_gradients,
        }
    }

    fn scores(&mut self, fill: impl FnOnce(&mut Self, &mut B::Scores)) -> Vec<f32> {
        let (mut scores, mut out) = (self.backend.scores(ROWS).unwrap(), Vec::new());
        fill(self, &mut scores);
        self.backend.read_scores(&scores, &mut out).unwrap();
        out
    }

    fn labels(&mut self, values: &[f32]) -> B::Labels {
        let mut labels = self.backend.labels(ROWS).unwrap();
        let host = HostLabels {
            values: values.to_vec(),
            ..HostLabels::default()
        };
        self.backend.write_labels(&host, &mut labels).unwrap();
        labels
    }

    fn read(&self, buffer: &B::Buffer) -> Vec<f32> {
        let mut values = Vec::new();
        self.backend.read(buffer, &mut values).unwrap();
        values
    }

    fn report(&mut self, findings: &Findings<B>) -> Report {
        let mut report = Report::default();
        self.backend.read_findings(findings, &mut report).unwrap();
        report
    }
}

fn near(found: &[f32], expected: impl IntoIterator<Item = f64>, what: &str) {
    within(1e-6, found, expected, what);
}

fn within(bound: f64, found: &[f32], expected: impl IntoIterator<Item = f64>, what: &str) {
    let expected: Vec<f64> = expected.into_iter().collect();
    assert_eq!(found.len(), expected.len(), "{what}");
    for (place, (found, expected)) in found.iter().zip(&expected).enumerate() {
        assert!(
            (f64::from(*found) - expected).abs() < bound * expected.abs().max(1.0),
            "{what} {place}: {found}, expected {expected}"
        );
    }
}

#[test]
fn eq_1_row_errors() {
    fn check<B: Backend>(mut world: World<B>) {
        let errors = world.scores(|world, out| {
            let [f, f_hat, _] = &world.on_backend;
            let kind = ReconstructionError::L2;
            world.backend.row_errors(f, f_hat, kind, out).unwrap();
        });
        let rows = world.f.iter().zip(&world.f_hat);
        let expected = rows.map(|(f, f_hat)| paper::reconstruction_error(f, f_hat));
        near(&errors, expected, "error");
        assert_eq!(errors[5], 0.0);
    }
    on_every_backend!(check);
}

#[test]
fn eq_3_loss_of_d_and_its_gradient() {
    fn check<B: Backend>(mut world: World<B>) {
        let p = world.scores(|world, out| {
            let logits = &world.on_backend[2];
            world.backend.probabilities(logits, out).unwrap();
        });
        let labels: Vec<f32> = (0..ROWS).map(|row| (row % 5) as f32 / 4.0).collect();
        let on_backend = world.labels(&labels);
        let (logits, bias) = (&mut world.on_backend[2], &mut world.bias_gradients[1]);
        let loss = world.backend.discriminator_loss(logits, &on_backend, bias);
        let report = world.report(&Findings {
            loss_d: Some(loss.unwrap()),
            ..Findings::default()
        });
        let rows = || {
            let rows = world.logits.iter().zip(&labels);
            rows.map(|(z, l)| (f64::from(*z), f64::from(*l)))
        };
        let gradients = || rows().map(|(z, l)| (paper::sigmoid(z) - l) / ROWS as f64);
        near(&p, rows().map(|(z, _)| paper::sigmoid(z)), "p");
        let loss = rows().map(|(z, l)| paper::cross_entropy(z, l)).sum::<f64>() / ROWS as f64;
        assert!((report.loss_d.unwrap() - loss).abs() < 1e-6 * loss);
        let [_, _, logits] = &world.on_backend;
        near(&world.read(logits), gradients(), "gradient");
        let bias = world.read(&world.bias_gradients[1]);
        near(&bias, [gradients().sum()], "gradient of the bias");
    }
    on_every_backend!(check);
}

#[test]
fn eqs_5_and_6_loss_of_g_and_its_gradient() {
    fn check<B: Backend>(mut world: World<B>) {
        let labels: Vec<f32> = (0..ROWS).map(|row| f32::from(row % 3 == 0)).collect();
        let on_backend = world.labels(&labels);
        let ([f, f_hat, _], bias) = (&mut world.on_backend, &mut world.bias_gradients[0]);
        let target = Target::Ones {
            labels: &on_backend,
        };
        let kind = ReconstructionError::L2;
        let loss = world.backend.generator_loss(f_hat, f, &target, kind, bias);
        let report = world.report(&Findings {
            loss_g: Some(loss.unwrap()),
            ..Findings::default()
        });
        let rows = world.f.iter().zip(&labels);
        let t: Vec<Vec<f64>> = rows.map(|(f, l)| paper::target(f, *l)).collect();
        let loss = paper::generator_loss(&t, &world.f_hat);
        assert!((report.loss_g.unwrap() - loss).abs() < 1e-6 * loss);
        let rows = t.iter().zip(&world.f_hat);
        let gradients: Vec<Vec<f64>> = rows
            .map(|(t, f_hat)| paper::generator_gradient(t, f_hat, ROWS))
            .collect();
        let [_, f_hat, _] = &world.on_backend;
        let found = world.read(f_hat);
        near(&found, gradients.iter().flatten().copied(), "gradient");
        assert!(found[5 * WIDTH..6 * WIDTH].iter().all(|g| *g == 0.0));
        let sums = (0..WIDTH).map(|column| gradients.iter().map(|row| row[column]).sum());
        let bias = world.read(&world.bias_gradients[0]);
        near(&bias, sums, "gradient of the bias");
    }
    on_every_backend!(check);
}

#[test]
fn eqs_2_and_4_labels_by_mean_and_std() {
    fn check<B: Backend>(mut world: World<B>) {
        let errors = |world: &mut World<B>, out: &mut B::Scores| {
            let [f, f_hat, _] = &world.on_backend;
            let kind = ReconstructionError::L2;
            world.backend.row_errors(f, f_hat, kind, out).unwrap();
        };
        let probabilities = |world: &mut World<B>, out: &mut B::Scores| {
            let logits = &world.on_backend[2];
            world.backend.probabilities(logits, out).unwrap();
        };
        for k in [1.0, 0.1] {
            check_labels(&mut world, k, errors);
            check_labels(&mut world, k, probabilities);
        }
    }
    on_every_backend!(check);
}

/// Labels of scores by mean + k·std, on the backend where it labels, else on the host as a step does.
fn check_labels<B: Backend>(
    world: &mut World<B>,
    k: f64,
    fill: impl FnOnce(&mut World<B>, &mut B::Scores),
) {
    let rule = LabelRule {
        threshold: ThresholdRule::MeanStd { k },
        labels: PseudoLabels::Hard,
    };
    let mut labels = world.backend.labels(ROWS).unwrap();
    let mut by_backend = false;
    let scores = world.scores(|world, scores| {
        fill(world, scores);
        by_backend = world
            .backend
            .label(scores, rule, None, &[], &mut labels)
            .unwrap();
    });
    if !by_backend {
        let mut on_host = HostLabels::default();
        label(&scores, rule, None, &[], &mut Vec::new(), &mut on_host);
        world.backend.write_labels(&on_host, &mut labels).unwrap();
    }
    let report = world.report(&Findings {
        labels_g: Some(labels),
        ..Findings::default()
    });
    let found = report.labels_g;
    let wide: Vec<f64> = scores.iter().map(|score| f64::from(*score)).collect();
    let threshold = paper::threshold(paper::mean_and_std(&wide), k);
    let expected: Vec<f32> = wide.iter().map(|e| paper::label(*e, threshold)).collect();
    // Sums in another order.
    assert!((found.threshold.value - threshold).abs() < 1e-12);
    assert!(found.finite && !found.threshold.degenerate);
    assert_eq!(found.values, expected);
    assert!(expected.contains(&1.0) && expected.contains(&0.0));
}

/// All three products of a layer, of numbers that are rounded to TF32 where a job says so, against f64.
#[test]
fn products_are_of_the_precision_of_the_job() {
    const OUTPUTS: usize = 11;
    type Number = fn(f32) -> f64;
    /// Σ over `inner` of left · right.
    fn product(
        shape: [usize; 3],
        of: Number,
        left: impl Fn(usize, usize) -> f32,
        right: impl Fn(usize, usize) -> f32,
    ) -> Vec<f64> {
        let [rows, columns, inner] = shape;
        let places = (0..rows).flat_map(|row| (0..columns).map(move |column| (row, column)));
        places
            .map(|(row, column)| {
                (0..inner)
                    .map(|k| of(left(row, k)) * of(right(k, column)))
                    .sum()
            })
            .collect()
    }
    fn check<B: Backend>(mut world: World<B>) {
        let (weights, gradients) = (values(OUTPUTS * WIDTH, 4), values(ROWS * OUTPUTS, 5));
        let f = values(ROWS * WIDTH, 1);
        let precisions: [(MatmulPrecision, Number); 3] = [
            (MatmulPrecision::F32, f64::from),
            (MatmulPrecision::Tf32, |value| f64::from(tf32::round(value))),
            (MatmulPrecision::F32, f64::from),
        ];
        let mut before: Option<Vec<f32>> = None;
        for (precision, of) in precisions {
            let backend = &mut world.backend;
            backend.set_precision(precision);
            let mut filled = |values: &[f32], rows: usize, columns: usize| {
                let mut buffer = backend.buffer(rows, columns).unwrap();
                if !values.is_empty() {
                    backend.write(values, columns, &mut buffer).unwrap();
                }
                buffer
            };
            let input = filled(&f, ROWS, WIDTH);
            let weight = filled(&weights, OUTPUTS, WIDTH);
            let bias = filled(&[0.0; OUTPUTS], 1, OUTPUTS);
            let gradient = filled(&gradients, ROWS, OUTPUTS);
            let mut forward = filled(&[], ROWS, OUTPUTS);
            let mut of_weight = filled(&[], OUTPUTS, WIDTH);
            let (mut of_input, mut of_bias) =
                (filled(&f, ROWS, WIDTH), filled(&[0.0; WIDTH], 1, WIDTH));
            backend
                .layer(&input, &weight, &bias, false, None, &mut forward)
                .unwrap();
            backend
                .weight_gradient(&gradient, &input, &mut of_weight)
                .unwrap();
            let gate = Gate::Linear { mask: None };
            backend
                .input_gradient(&gradient, &weight, gate, &mut of_input, &mut of_bias)
                .unwrap();

            let (f, w, g) = (
                |r: usize, c: usize| f[r * WIDTH + c],
                |r: usize, c: usize| weights[r * WIDTH + c],
                |r: usize, c: usize| gradients[r * OUTPUTS + c],
            );
            let found = world.read(&forward);
            // Sums of 300 numbers in f32 are off by less than this, sums of numbers that were not rounded by a hundred times more.
            let near = |found: &[f32], expected, what| within(1e-5, found, expected, what);
            near(
                &found,
                product([ROWS, OUTPUTS, WIDTH], of, f, |k, c| w(c, k)),
                "forward",
            );
            near(
                &world.read(&of_weight),
                product([OUTPUTS, WIDTH, ROWS], of, |r, k| g(k, r), f),
                "gradient of a weight",
            );
            near(
                &world.read(&of_input),
                product([ROWS, WIDTH, OUTPUTS], of, g, w),
                "gradient of the input",
            );
            assert_ne!(before.as_ref(), Some(&found), "{precision:?}");
            before = Some(found);
        }
    }
    on_every_backend!(check);
}
