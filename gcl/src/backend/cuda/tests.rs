//! Each kernel alone, on the processor, against what it says in words. What they do together is held against the paper's
//! equations and the recorded traces elsewhere.
#![allow(unsafe_code, reason = "launches take addresses")]

use crate::backend::cuda::kernels::{
    AddPieces, Address, BiasRelu, ColumnSums, FACTS, Gate, Gather, Label, Sigmoid, Supervise,
    blocks, pieces,
};
use crate::backend::cuda::queue::Queue;
use crate::backend::cuda::shim::{HostMemory, Shim, bytes};
use crate::method::threshold::{Threshold as Found, soft_labels};
use sweeps::training::Threshold;

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
    let Some(queue) = Shim::open() else { return };
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

#[test]
fn rows_in_several_pieces_are_found_in_theirs() {
    let Some(queue) = Shim::open() else { return };
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

#[test]
fn every_half_is_widened_exactly() {
    let Some(queue) = Shim::open() else { return };
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

/// candle's own gather addresses in 32 bits and would give the first row.
#[test]
fn a_row_beyond_4_294_967_296_values_is_found() {
    let Some(queue) = Shim::open() else { return };
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

#[test]
fn bias_relu_and_mask_leave_a_nan_alone() {
    let Some(queue) = Shim::open() else { return };
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

#[test]
fn a_gate_passes_gradients_and_adds_up_columns() {
    let Some(queue) = Shim::open() else { return };
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
    let Some(queue) = Shim::open() else { return };
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

#[test]
fn known_videos_mask_labels_and_keep_their_best_row() {
    let Some(queue) = Shim::open() else { return };
    // Rows 10 and 11 are of a normal video, 12, 13 and 15 of an anomalous one, 14 of an unknown one.
    let video = On::of(queue, &[9_u32, 9, 9, 9, 9, 9, 9, 9, 9, 9, 0, 0, 1, 1, 2, 1]);
    let known = On::of(queue, &[1_u8, 2, 0, 0, 0, 0, 0, 0, 0, 0]);
    let rows = On::of(queue, &[10_u32, 12, 11, 13, 14, 15]);
    let scores = On::of(queue, &[0.9_f32, 0.1, 0.8, 0.2, 0.7, 0.2]);
    let supervised = |top: u32, labels: [f32; 6]| {
        let labels = On::of(queue, &labels);
        let arguments = Supervise {
            labels: labels.at(),
            scores: scores.at(),
            rows: rows.at(),
            video: video.at(),
            known: known.at(),
            count: 6,
            top,
        };
        run(queue, &arguments, (blocks(6), 1));
        labels.read::<f32>(6)
    };
    assert_eq!(supervised(0, [1.0; 6]), [0.0, 1.0, 0.0, 1.0, 1.0, 1.0]);
    assert_eq!(supervised(0, [0.0; 6]), [0.0; 6]);
    // The first of equals.
    assert_eq!(supervised(1, [0.0; 6]), [0.0, 0.0, 0.0, 1.0, 0.0, 0.0]);
}

#[test]
fn probabilities_are_those_of_the_host() {
    let Some(queue) = Shim::open() else { return };
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
