//! Each kernel alone, on the processor, against what it says in words. What they do together is held against the paper's
//! equations and the recorded traces elsewhere.
#![allow(unsafe_code, reason = "launches take addresses")]

use crate::backend::cuda::Cuda;
use crate::backend::cuda::kernels::{
    AddPieces, Address, BiasRelu, ClearLabels, ColumnSums, FACTS, Gate, Gather, KeepTop, Label,
    PIECE, Sigmoid, blocks, pieces,
};
use crate::backend::cuda::memory::Matrix;
use crate::backend::cuda::queue::Queue;
use crate::backend::cuda::shim::{HostMemory, Shim, bytes};
use crate::backend::state::{LayerShape, NetworkState, ParameterState};
use crate::backend::{Backend, Optimizer, Split};
use crate::data::features::Features;
use crate::data::matrix::Matrix as HostMatrix;
use crate::error::TrainError;
use crate::method::labels::{LabelRule, Supervision};
use crate::method::threshold::{Threshold as Found, soft_labels};
use sweeps::training::{PseudoLabels, Threshold, WeakSupervision};

/// Values on the device.
struct On {
    memory: HostMemory,
    queue: Shim,
}

impl On {
    fn of<T: bytemuck::NoUninit>(queue: Shim, values: &[T]) -> Self {
        let memory = queue.allocate(size_of_val(values)).unwrap();
        // SAFETY: as many bytes as were allocated.
        unsafe { queue.upload(bytes(values), queue.address(&memory)) }.unwrap();
        Self { memory, queue }
    }

    fn at(&self) -> Address {
        self.queue.address(&self.memory)
    }

    fn read<T: bytemuck::AnyBitPattern + bytemuck::NoUninit>(&self, count: usize) -> Vec<T> {
        let mut values = vec![T::zeroed(); count];
        let out = bytemuck::cast_slice_mut(&mut values);
        // SAFETY: tests ask for what they put there.
        unsafe { self.queue.download(&mut [(self.at(), out)]) }.unwrap();
        values
    }
}

fn run<K: super::kernels::Kernel>(queue: Shim, arguments: &K, grid: (usize, usize)) {
    // SAFETY: the tests below give what their kernels need.
    unsafe { queue.launch(arguments, grid) }.unwrap();
}

/// Numbers without a pattern, in [-1, 1).
fn noise(count: usize, seed: u64) -> Vec<f32> {
    let mut state = seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1;
    (0..count)
        .map(|_| {
            state ^= state << 13;
            state ^= state >> 7;
            state ^= state << 17;
            ((state >> 40) as f32) / (1 << 23) as f32 - 1.0
        })
        .collect()
}

const WIDTHS: [usize; 5] = [1, 7, 256, 257, 1000];

fn plain_gather(out: &On, features: Address, rows: &On, width: usize) -> Gather {
    Gather {
        out: out.at(),
        features,
        rows: rows.at(),
        offset: 0,
        factor: 0,
        norms: 0,
        first: 0,
        count: u32::MAX,
        width: width as u32,
        half: 0,
    }
}

#[test]
fn rows_are_gathered_and_scaled_as_on_the_processor() {
    for queue in Shim::both() {
        for width in WIDTHS {
            let features = noise(9 * width, 1);
            let chosen = [8_u32, 0, 3, 3];
            let on = On::of(queue, &features);
            let rows = On::of(queue, &chosen);
            let out = On::of(queue, &vec![0.0_f32; chosen.len() * width]);
            let plain = plain_gather(&out, on.at(), &rows, width);
            let gathered = |arguments: &Gather| {
                run(queue, arguments, (chosen.len(), 1));
                out.read::<f32>(chosen.len() * width)
            };
            let expected = |scale: &dyn Fn(usize, usize, f64) -> f64| -> Vec<f32> {
                chosen
                    .iter()
                    .flat_map(|row| {
                        let row = *row as usize;
                        (0..width).map(move |column| (row, column))
                    })
                    .map(|(row, column)| {
                        scale(row, column, f64::from(features[row * width + column])) as f32
                    })
                    .collect()
            };
            assert_eq!(gathered(&plain), expected(&|_, _, value| value));

            let offset: Vec<f64> = noise(width, 2).into_iter().map(f64::from).collect();
            // Every third channel is constant.
            let factor: Vec<f64> = (0..width)
                .map(|column| {
                    if column % 3 == 2 {
                        0.0
                    } else {
                        1.0 / (column as f64 + 0.3)
                    }
                })
                .collect();
            let (on_offset, on_factor) = (On::of(queue, &offset), On::of(queue, &factor));
            assert_eq!(
                gathered(&Gather {
                    offset: on_offset.at(),
                    factor: on_factor.at(),
                    ..plain
                }),
                expected(&|_, column, value| (value - offset[column]) * factor[column])
            );

            let norms: Vec<f64> = (0..9).map(|row| 0.1 + f64::from(row)).collect();
            let on_norms = On::of(queue, &norms);
            assert_eq!(
                gathered(&Gather {
                    norms: on_norms.at(),
                    ..plain
                }),
                expected(&|row, _, value| value / norms[row])
            );
        }
    }
}

#[test]
fn rows_in_several_pieces_are_found_in_theirs() {
    for queue in Shim::both() {
        let features = noise(9 * 5, 1);
        let rows = On::of(queue, &[8_u32, 0, 3, 4]);
        let out = On::of(queue, &[0.0_f32; 4 * 5]);
        for (first, count) in [(0, 4), (4, 4), (8, 1)] {
            let piece = On::of(queue, &features[first * 5..(first + count) * 5]);
            let arguments = Gather {
                first: first as u32,
                count: count as u32,
                ..plain_gather(&out, piece.at(), &rows, 5)
            };
            run(queue, &arguments, (4, 1));
        }
        let expected: Vec<f32> = [8, 0, 3, 4]
            .iter()
            .flat_map(|row| &features[row * 5..(row + 1) * 5])
            .copied()
            .collect();
        assert_eq!(out.read::<f32>(4 * 5), expected);
    }
}

#[test]
fn every_half_is_widened_exactly() {
    for queue in Shim::both() {
        let halves: Vec<u16> = (0..=u16::MAX).collect();
        let on = On::of(queue, &halves);
        let rows = On::of(queue, &(0..256_u32).collect::<Vec<_>>());
        let out = On::of(queue, &vec![0.0_f32; halves.len()]);
        let arguments = Gather {
            half: 1,
            ..plain_gather(&out, on.at(), &rows, 256)
        };
        run(queue, &arguments, (256, 1));
        for (half, found) in halves.iter().zip(out.read::<f32>(halves.len())) {
            let expected = half::f16::from_bits(*half).to_f32();
            assert!(
                found.to_bits() == expected.to_bits() || (found.is_nan() && expected.is_nan()),
                "{half:#06x}: {found} instead of {expected}"
            );
        }
    }
}

/// candle's own gather addresses in 32 bits and would give the first row.
#[test]
fn a_row_beyond_4_294_967_296_values_is_found() {
    for queue in Shim::both() {
        let width = 2048_usize;
        let last = (1_u64 << 32) / width as u64 + 5;
        // A file of holes: 16 GiB that take no room.
        let mut file = tempfile::tempfile().unwrap();
        let values = noise(width, 3);
        {
            use std::io::{Seek, SeekFrom, Write};
            file.seek(SeekFrom::Start(last * width as u64 * 4)).unwrap();
            file.write_all(bytes(&values)).unwrap();
        }
        // SAFETY: nobody else has the file.
        let mapped = match unsafe { memmap2::Mmap::map(&file) } {
            Ok(mapped) => mapped,
            Err(error) => {
                println!("skipped: 16 GiB cannot be mapped: {error}");
                return;
            }
        };
        let rows = On::of(queue, &[last as u32, 0]);
        let out = On::of(queue, &vec![0.0_f32; 2 * width]);
        let features = mapped.as_ptr().expose_provenance() as Address;
        run(queue, &plain_gather(&out, features, &rows, width), (2, 1));
        let found = out.read::<f32>(2 * width);
        assert_eq!(found[..width], values);
        assert!(found[width..].iter().all(|value| *value == 0.0));
    }
}

#[test]
fn bias_relu_and_mask_leave_a_nan_alone() {
    for queue in Shim::both() {
        let z = On::of(queue, &[f32::NAN, -1.0, 2.0, 0.5, 3.0, -4.0]);
        let bias = On::of(queue, &[0.5_f32, 0.25, -1.0]);
        let mask = On::of(queue, &[2.0_f32, 2.0, 0.0, 2.0, 0.0, 2.0]);
        let arguments = BiasRelu {
            z: z.at(),
            bias: bias.at(),
            mask: mask.at(),
            width: 3,
            relu: 1,
        };
        run(queue, &arguments, (2, 1));
        let found = z.read::<f32>(6);
        assert!(found[0].is_nan());
        assert_eq!(found[1..], [0.0, 0.0, 2.0, 0.0, 0.0]);
    }
}

#[test]
fn a_gate_passes_gradients_and_adds_up_columns() {
    for queue in Shim::both() {
        for (rows, width) in [(1, 1), (31, 5), (32, 256), (33, 257), (200, 300)] {
            let gradient = noise(rows * width, 4);
            let activation = noise(rows * width, 5);
            let mask = noise(rows * width, 6);
            let on_gradient = On::of(queue, &gradient);
            let on_mask = On::of(queue, &mask);
            let sums = On::of(queue, &vec![0.0_f64; pieces(rows) * width]);
            let bias = On::of(queue, &vec![0.0_f32; width]);
            let add = AddPieces {
                out: bias.at(),
                sums: sums.at(),
                pieces: pieces(rows) as u32,
                width: width as u32,
            };
            for (relu, masked) in [(1, false), (0, false), (0, true)] {
                let on_activation = On::of(queue, &activation);
                let arguments = Gate {
                    activation: on_activation.at(),
                    gradient: on_gradient.at(),
                    mask: if masked { on_mask.at() } else { 0 },
                    sums: sums.at(),
                    rows: rows as u32,
                    width: width as u32,
                    relu,
                    scale: 1.25,
                };
                run(queue, &arguments, (blocks(width), pieces(rows)));
                run(queue, &add, (blocks(width), 1));
                let expected: Vec<f32> = (0..rows * width)
                    .map(|place| match (relu, masked) {
                        (1, _) if activation[place] <= 0.0 => 0.0,
                        (0, true) => gradient[place] * 1.25 * mask[place],
                        _ => gradient[place] * 1.25,
                    })
                    .collect();
                assert_eq!(on_activation.read::<f32>(rows * width), expected);
                assert_eq!(bias.read::<f32>(width), column_sums(&expected, width));
            }
            let arguments = ColumnSums {
                gradient: on_gradient.at(),
                sums: sums.at(),
                rows: rows as u32,
                width: width as u32,
            };
            run(queue, &arguments, (blocks(width), pieces(rows)));
            run(queue, &add, (blocks(width), 1));
            assert_eq!(bias.read::<f32>(width), column_sums(&gradient, width));
        }
    }
}

/// The sums over each column, in f64; so few values that the order is not seen in f32.
fn column_sums(values: &[f32], width: usize) -> Vec<f32> {
    (0..width)
        .map(|column| {
            values[column..]
                .iter()
                .step_by(width)
                .map(|value| f64::from(*value))
                .sum::<f64>() as f32
        })
        .collect()
}

fn labelled(queue: Shim, scores: &[f32], rule: Threshold, soft: bool) -> (Vec<f32>, Vec<f64>) {
    let on = On::of(queue, scores);
    let labels = On::of(queue, &vec![7.0_f32; scores.len()]);
    let facts = On::of(queue, &[7.0_f64; FACTS]);
    let (fixed, value) = match rule {
        Threshold::Fixed { value } => (1, value),
        Threshold::MeanStd { k } => (0, k),
        other => panic!("{other:?} is the host's"),
    };
    let arguments = Label {
        labels: labels.at(),
        facts: facts.at(),
        scores: on.at(),
        count: scores.len() as u32,
        fixed,
        soft: u32::from(soft),
        value,
    };
    run(queue, &arguments, (1, 1));
    (labels.read(scores.len()), facts.read(FACTS))
}

#[test]
fn labels_are_those_of_the_host() {
    for queue in Shim::both() {
        for count in [1, 2, 255, 256, 257, 8192] {
            let mut all = vec![noise(count, 8), vec![0.5; count], vec![0.0; count]];
            // All but equal: no row is anomalous.
            all.push(
                (0..count)
                    .map(|place| if place % 2 == 0 { 0.5 } else { 0.500_000_1 })
                    .collect(),
            );
            for scores in all {
                for rule in [
                    Threshold::MeanStd { k: 1.0 },
                    Threshold::MeanStd { k: -0.1 },
                    Threshold::Fixed { value: 0.25 },
                ] {
                    let expected = Found::of(&scores, rule, &mut Vec::new());
                    let (labels, facts) = labelled(queue, &scores, rule, false);
                    let mut hard = Vec::new();
                    expected.labels(&scores, &mut hard);
                    assert!((facts[0] - expected.value).abs() <= 1e-12, "{facts:?}");
                    assert_eq!(facts[1], f64::from(u8::from(expected.degenerate)));
                    assert_eq!(facts[2], 1.0);
                    assert_eq!(labels, hard, "{count} scores, {rule:?}");
                }
                let mut soft = Vec::new();
                soft_labels(&scores, &mut soft);
                let rule = Threshold::MeanStd { k: 1.0 };
                assert_eq!(labelled(queue, &scores, rule, true).0, soft);
            }
        }
        for odd in [f32::NAN, f32::INFINITY, f32::NEG_INFINITY] {
            let mut scores = noise(300, 9);
            scores[287] = odd;
            let (_, facts) = labelled(queue, &scores, Threshold::MeanStd { k: 1.0 }, false);
            assert_eq!(facts[2], 0.0, "{odd}");
        }
    }
}

#[test]
fn rows_of_normal_videos_are_cleared() {
    for queue in Shim::both() {
        let labels = On::of(queue, &vec![1.0_f32; 600]);
        let places: Vec<u32> = (0..300).map(|place| 2 * place).collect();
        let on = On::of(queue, &places);
        let arguments = ClearLabels {
            labels: labels.at(),
            places: on.at(),
            count: 300,
        };
        run(queue, &arguments, (blocks(300), 1));
        let expected: Vec<f32> = (0..600).map(|place| (place % 2) as f32).collect();
        assert_eq!(labels.read::<f32>(600), expected);
    }
}

#[test]
fn the_best_row_of_an_anomalous_video_is_kept_and_of_equals_the_first() {
    for queue in Shim::both() {
        // Two videos, of 3 rows and of 997 with two equal ones in front.
        let mut scores = noise(1000, 11);
        scores[1] = 2.0;
        (scores[421], scores[420], scores[998]) = (3.0, 3.0, 3.0);
        let places: Vec<u32> = [0_u32, 1, 2].into_iter().chain(3..1000).collect();
        let (on_scores, on_places) = (On::of(queue, &scores), On::of(queue, &places));
        let begins = On::of(queue, &[0_u32, 3, 1000]);
        let labels = On::of(queue, &vec![0.0_f32; 1000]);
        let arguments = KeepTop {
            labels: labels.at(),
            scores: on_scores.at(),
            places: on_places.at(),
            begins: begins.at(),
        };
        run(queue, &arguments, (2, 1));
        let found = labels.read::<f32>(1000);
        let kept: Vec<usize> = (0..1000).filter(|place| found[*place] != 0.0).collect();
        assert_eq!((kept, found[420]), (vec![1, 420], 1.0));
    }
}

fn features() -> Features {
    HostMatrix::new(noise(50 * 4, 12), 4).into()
}

fn matrix(cuda: &mut Cuda<Shim>, rows: usize, columns: usize) -> Matrix<Shim> {
    let mut matrix = cuda.buffer(rows, columns).unwrap();
    cuda.write(&noise(rows * columns, 13), columns, &mut matrix)
        .unwrap();
    matrix
}

fn refused(result: Result<(), TrainError>) -> String {
    result.unwrap_err().to_string()
}

#[test]
fn a_batch_is_uploaded_again_after_its_memory_grew() {
    for queue in Shim::both() {
        let features = features();
        let mut cuda = Cuda::on(queue, &features);
        let rows = [3_u32, 49, 0, 7];
        let gathered = |cuda: &mut Cuda<Shim>| {
            let (mut out, mut values) = (cuda.buffer(4, 4).unwrap(), Vec::new());
            cuda.gather(Split::Train, &rows, &mut out).unwrap();
            cuda.read(&out, &mut values).unwrap();
            values
        };
        let before = gathered(&mut cuda);
        let layer = LayerShape {
            inputs: 4,
            outputs: 4,
        };
        cuda.reserve(5000, &[layer]).unwrap();
        assert_eq!(gathered(&mut cuda), before);
    }
}

/// Two runs may have their tables of videos at one address, one after the other.
#[test]
fn what_is_known_of_videos_is_that_of_the_call() {
    for queue in Shim::both() {
        let mut cuda = Cuda::on(queue, &features());
        let logits = matrix(&mut cuda, 4, 1);
        let mut scores = cuda.scores(4).unwrap();
        cuda.probabilities(&logits, &mut scores).unwrap();
        let mut labels = cuda.labels(4).unwrap();
        let rule = LabelRule {
            threshold: Threshold::Fixed { value: 0.0 },
            labels: PseudoLabels::Hard,
        };
        let mut video = [0_u32, 0, 1, 1];
        let mut labelled = |video: &[u32], known: &[Option<bool>]| {
            let supervision = Supervision {
                video,
                known,
                mode: WeakSupervision::Mask,
            };
            let on_device =
                cuda.label(&scores, rule, Some(supervision), &[0, 1, 2, 3], &mut labels);
            on_device.map(|on_device| {
                assert!(on_device);
                let mut values = Vec::new();
                cuda.read_labels(&labels, &mut values).unwrap();
                values
            })
        };
        let known = [Some(false), Some(true)];
        assert_eq!(labelled(&video, &known).unwrap(), [0.0, 0.0, 1.0, 1.0]);
        video.reverse();
        assert_eq!(labelled(&video, &known).unwrap(), [1.0, 1.0, 0.0, 0.0]);
        let other = [Some(true), None];
        assert_eq!(labelled(&video, &other).unwrap(), [1.0; 4]);
        // A video that nobody told of, and a row without one.
        assert!(labelled(&video, &known[..1]).is_err());
        assert!(labelled(&video[..3], &known).is_err());
    }
}

#[test]
fn what_does_not_fit_is_refused_before_a_kernel_reads_it() {
    for queue in Shim::both() {
        let mut cuda = Cuda::on(queue, &features());
        let gradient = matrix(&mut cuda, 8, 4);
        let mut wide = matrix(&mut cuda, 1, 5);
        assert!(refused(cuda.column_sums(&gradient, &mut wide)).contains("column sums"));
        let (input, weight) = (matrix(&mut cuda, 8, 3), matrix(&mut cuda, 4, 3));
        let mut out = matrix(&mut cuda, 8, 4);
        // As wide as it must be, with nothing in it.
        let bias = cuda.buffer(1, 4).unwrap();
        let layer = cuda.layer(&input, &weight, &bias, false, None, &mut out);
        assert!(refused(layer).contains("a layer"));

        let shape = LayerShape {
            inputs: 3,
            outputs: 4,
        };
        let of = |count: usize| ParameterState {
            value: noise(count, 14),
            ..ParameterState::default()
        };
        let state = NetworkState {
            shapes: vec![shape],
            parameters: vec![of(12), of(4)],
        };
        let optimizer = Optimizer::Adagrad {
            learning_rate: 0.1,
            weight_decay: 0.0,
        };
        let mut parameters = cuda.parameters(&state).unwrap();
        cuda.optimize(&mut parameters, &optimizer).unwrap();
        for section in 0..3 {
            let mut parameters = cuda.parameters(&state).unwrap();
            let foreign = matrix(&mut cuda, 1, 4);
            match section {
                0 => parameters[1].square = foreign,
                1 => parameters[1].momentum = foreign,
                _ => parameters[1].gradient = foreign,
            }
            let refused = refused(cuda.optimize(&mut parameters, &optimizer));
            assert!(refused.contains("parameters"), "{section}: {refused}");
        }
    }
}

#[test]
fn a_launch_of_more_blocks_than_cuda_takes_is_refused_by_name() {
    for queue in Shim::both() {
        let mut cuda = Cuda::on(queue, &features());
        let rows = 65_535 * PIECE;
        let mut sums = cuda.buffer(1, 1).unwrap();
        let most = matrix(&mut cuda, rows, 1);
        cuda.column_sums(&most, &mut sums).unwrap();
        let more = matrix(&mut cuda, rows + 1, 1);
        let refused = refused(cuda.column_sums(&more, &mut sums));
        assert!(
            refused.contains("`column_sums`") && refused.contains("batch_size"),
            "{refused}"
        );
    }
}

#[test]
fn probabilities_are_those_of_the_host() {
    for queue in Shim::both() {
        let logits: Vec<f32> = noise(1000, 10).iter().map(|value| value * 90.0).collect();
        let on = On::of(queue, &logits);
        let p = On::of(queue, &vec![0.0_f32; logits.len()]);
        let arguments = Sigmoid {
            p: p.at(),
            logits: on.at(),
            count: logits.len() as u32,
        };
        run(queue, &arguments, (blocks(logits.len()), 1));
        for (found, logit) in p.read::<f32>(logits.len()).iter().zip(&logits) {
            let expected = 1.0 / (1.0 + (-f64::from(*logit)).exp());
            // Below the smallest normal number a step is larger.
            let bound = 1e-7 * expected.max(f64::from(f32::MIN_POSITIVE));
            assert!((f64::from(*found) - expected).abs() <= bound, "{logit}");
        }
    }
}
