//! Everything random in a run, behind one trait: drawn from seeded streams in production, read from a trace in a replay.
//!
//! One ChaCha12 stream per purpose. Its 256-bit key is BLAKE3's `derive_key` with the context
//! `gcl-sweep 1 random stream` over the seed (8 bytes, little-endian) followed by the purpose's name, so that a draw more
//! in one stream shifts no other. Purposes: `weights`, `order`, `noise`, `replacement`, `supervision`, `dropout`; of the
//! baselines `projection`, `fourier`, `forest N` (tree N), `sample`; of `distil`
//! `folds`; of artifacts `embedding`.

use std::collections::BTreeMap;

use kernels::buffer::zeros;
use rand_chacha::ChaCha12Rng;
use rand_core::{Rng, SeedableRng};
use rayon::prelude::*;

use crate::backend::state::{LayerShape, NetworkState, ParameterState};
use crate::error::TrainError;

/// What the training loop draws.
pub(crate) trait RandomStreams: Send {
    /// The order in which an epoch visits `rows`.
    fn order(&mut self, rows: &[u32], out: &mut Vec<u32>) -> Result<(), TrainError>;

    /// Standard normal numbers, `[positive.len(), dimension]`, for the rows of a batch of `batch` rows that are labelled
    /// anomalous.
    fn noise(
        &mut self,
        positive: &[u32],
        batch: usize,
        dimension: usize,
        out: &mut Vec<f32>,
    ) -> Result<(), TrainError>;

    /// For each row of a batch the row whose features are its target: itself where `labels` is at most one half, one of
    /// those rows where it is above (itself when there is none).
    fn replacement(&mut self, labels: &[f32], out: &mut Vec<u32>) -> Result<(), TrainError>;

    /// A mask for dropout: 0 with probability `share`, else 1/(1 − `share`).
    fn dropout(&mut self, length: usize, share: f64, out: &mut Vec<f32>);

    /// Where every stream stands.
    fn positions(&self) -> Positions;
}

/// Where the streams stand, in words of 32 bits, by purpose.
pub(crate) type Positions = BTreeMap<String, u64>;

/// The draws of a job.
pub(crate) struct SeededStreams {
    order: ChaCha12Rng,
    noise: ChaCha12Rng,
    replacement: ChaCha12Rng,
    dropout: ChaCha12Rng,
}

/// The stream of `purpose` of a job with `seed`.
pub(crate) fn stream(seed: u64, purpose: &str) -> ChaCha12Rng {
    let mut material = seed.to_le_bytes().to_vec();
    material.extend(purpose.as_bytes());
    ChaCha12Rng::from_seed(blake3::derive_key("gcl-sweep 1 random stream", &material))
}

impl SeededStreams {
    pub(crate) fn new(seed: u64) -> Self {
        Self {
            order: stream(seed, "order"),
            noise: stream(seed, "noise"),
            replacement: stream(seed, "replacement"),
            dropout: stream(seed, "dropout"),
        }
    }

    /// The streams of `seed`, standing at `positions`.
    pub(crate) fn resume(seed: u64, positions: &Positions) -> Self {
        let mut draws = Self::new(seed);
        for (purpose, stream) in draws.streams_mut() {
            if let Some(position) = positions.get(purpose) {
                stream.set_word_pos(u128::from(*position));
            }
        }
        draws
    }

    fn streams_mut(&mut self) -> [(&'static str, &mut ChaCha12Rng); 4] {
        [
            ("order", &mut self.order),
            ("noise", &mut self.noise),
            ("replacement", &mut self.replacement),
            ("dropout", &mut self.dropout),
        ]
    }
}

impl RandomStreams for SeededStreams {
    fn order(&mut self, rows: &[u32], out: &mut Vec<u32>) -> Result<(), TrainError> {
        out.clear();
        out.extend_from_slice(rows);
        shuffle(&mut self.order, out);
        Ok(())
    }

    fn noise(
        &mut self,
        positive: &[u32],
        _batch: usize,
        dimension: usize,
        out: &mut Vec<f32>,
    ) -> Result<(), TrainError> {
        out.clear();
        let length = positive.len() * dimension;
        while out.len() < length {
            let (first, second) = normal_pair(&mut self.noise);
            out.push(first as f32);
            if out.len() < length {
                out.push(second as f32);
            }
        }
        Ok(())
    }

    fn replacement(&mut self, labels: &[f32], out: &mut Vec<u32>) -> Result<(), TrainError> {
        let normal: Vec<u32> = (0..labels.len() as u32)
            .filter(|row| labels[*row as usize] <= 0.5)
            .collect();
        out.clear();
        for (row, label) in labels.iter().enumerate() {
            out.push(if *label > 0.5 && !normal.is_empty() {
                normal[below(&mut self.replacement, normal.len() as u32) as usize]
            } else {
                row as u32
            });
        }
        Ok(())
    }

    fn dropout(&mut self, length: usize, share: f64, out: &mut Vec<f32>) {
        let kept = (1.0 / (1.0 - share)) as f32;
        let bound = (share * 4_294_967_296.0) as u64;
        out.clear();
        out.extend((0..length).map(|_| {
            if u64::from(self.dropout.next_u32()) < bound {
                0.0
            } else {
                kept
            }
        }));
    }

    fn positions(&self) -> Positions {
        [
            ("order", &self.order),
            ("noise", &self.noise),
            ("replacement", &self.replacement),
            ("dropout", &self.dropout),
        ]
        .into_iter()
        .map(|(purpose, stream)| (purpose.to_owned(), stream.get_word_pos() as u64))
        .collect()
    }
}

/// Initial weights of G and, where there is one, D: uniform in ±1/√fan_in, weights and biases alike. G is drawn first, so
/// that an autoencoder and a GCL of one seed start from the same G.
pub(crate) fn initial_weights(seed: u64, networks: &[&[LayerShape]]) -> Vec<NetworkState> {
    let mut stream = stream(seed, "weights");
    networks
        .iter()
        .map(|shapes| NetworkState {
            shapes: shapes.to_vec(),
            parameters: shapes
                .iter()
                .flat_map(|shape| {
                    let bound = 1.0 / (shape.inputs as f64).sqrt();
                    shape.lengths().map(|length| (length, bound))
                })
                .map(|(length, bound)| {
                    let mut values = zeros(length);
                    fill_uniform(&mut stream, bound, &mut values);
                    ParameterState::new(values)
                })
                .collect(),
        })
        .collect()
}

/// Fills `values` with uniform numbers in ±`bound`, one word each, on the threads of the caller's pool: a ChaCha stream
/// can be taken up at any word, so the numbers are those of drawing one after another.
fn fill_uniform(stream: &mut ChaCha12Rng, bound: f64, values: &mut [f32]) {
    const CHUNK: usize = 1 << 16;
    let start = stream.get_word_pos();
    let end = start + values.len() as u128;
    values
        .par_chunks_mut(CHUNK)
        .enumerate()
        .for_each(|(chunk, values)| {
            let mut stream = stream.clone();
            stream.set_word_pos(start + (chunk * CHUNK) as u128);
            for value in values {
                let unit = f64::from(stream.next_u32()) / 4_294_967_296.0;
                *value = ((2.0 * unit - 1.0) * bound) as f32;
            }
        });
    stream.set_word_pos(end);
}

/// The videos whose label is known: the first round(percent/100·`videos`) of one random order of all of them, so that a
/// smaller share is a subset of a larger one.
pub(crate) fn supervised_videos(seed: u64, videos: usize, percent: f64) -> Vec<usize> {
    let mut order: Vec<u32> = (0..videos as u32).collect();
    shuffle(&mut stream(seed, "supervision"), &mut order);
    let known = (percent / 100.0 * videos as f64 + 0.5).floor() as usize;
    order
        .into_iter()
        .take(known)
        .map(|video| video as usize)
        .collect()
}

/// A uniform number in `[0, 1)`.
pub(crate) fn unit(stream: &mut ChaCha12Rng) -> f64 {
    f64::from(stream.next_u32()) / 4_294_967_296.0
}

/// `wanted` of the numbers below `count` without replacement, in the order drawn; all where there are no more.
pub(crate) fn sample(stream: &mut ChaCha12Rng, count: u32, wanted: usize) -> Vec<u32> {
    let mut items: Vec<u32> = (0..count).collect();
    let wanted = wanted.min(items.len());
    for place in 0..wanted {
        let other = place + below(stream, count - place as u32) as usize;
        items.swap(place, other);
    }
    items.truncate(wanted);
    items
}

/// Fisher and Yates.
pub(crate) fn shuffle(stream: &mut ChaCha12Rng, items: &mut [u32]) {
    for last in (1..items.len()).rev() {
        items.swap(last, below(stream, last as u32 + 1) as usize);
    }
}

/// A uniform number below `bound`, without bias (Lemire's multiplication with rejection).
pub(crate) fn below(stream: &mut ChaCha12Rng, bound: u32) -> u32 {
    let rejected = bound.wrapping_neg() % bound;
    loop {
        let product = u64::from(stream.next_u32()) * u64::from(bound);
        if product as u32 >= rejected {
            return (product >> 32) as u32;
        }
    }
}

/// Two standard normal numbers (Box and Muller, by `libm`, whose bits are the same on every machine).
pub(crate) fn normal_pair(stream: &mut ChaCha12Rng) -> (f64, f64) {
    let radius = f64::from(stream.next_u32()) + 1.0;
    let angle = f64::from(stream.next_u32());
    let radius = (-2.0 * libm::log(radius / 4_294_967_296.0)).sqrt();
    let (sine, cosine) = libm::sincos(angle * (std::f64::consts::TAU / 4_294_967_296.0));
    (radius * cosine, radius * sine)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_order_is_a_permutation_and_the_next_is_another() {
        let mut draws = SeededStreams::new(1);
        let rows: Vec<u32> = (10..110).collect();
        let (mut first, mut second) = (Vec::new(), Vec::new());
        draws.order(&rows, &mut first).unwrap();
        draws.order(&rows, &mut second).unwrap();
        assert_ne!(first, second);
        first.sort_unstable();
        assert_eq!(first, rows);
    }

    #[test]
    fn bounded_draws_are_uniform() {
        let mut stream = stream(5, "order");
        let mut counts = [0_u32; 7];
        for _ in 0..70_000 {
            counts[below(&mut stream, 7) as usize] += 1;
        }
        assert!(counts.iter().all(|count| count.abs_diff(10_000) < 500));
    }

    #[test]
    fn noise_has_the_moments_of_a_standard_normal() {
        let mut noise = Vec::new();
        SeededStreams::new(3)
            .noise(&[0; 101], 200, 1001, &mut noise)
            .unwrap();
        assert_eq!(noise.len(), 101 * 1001);
        let moment = |power: i32| {
            noise
                .iter()
                .map(|value| f64::from(*value).powi(power))
                .sum::<f64>()
                / noise.len() as f64
        };
        assert!(moment(1).abs() < 0.02);
        assert!((moment(2) - 1.0).abs() < 0.02);
        assert!((moment(4) - 3.0).abs() < 0.15);
    }

    #[test]
    fn streams_go_on_where_they_stood_and_do_not_shift_each_other() {
        let mut draws = SeededStreams::new(9);
        let (mut order, mut noise, mut again) = (Vec::new(), Vec::new(), Vec::new());
        let rows: Vec<u32> = (0..50).collect();
        draws.order(&rows, &mut order).unwrap();
        draws.noise(&[1, 2, 3], 9, 7, &mut noise).unwrap();
        let mut resumed = SeededStreams::resume(9, &draws.positions());
        draws.order(&rows, &mut order).unwrap();
        resumed.order(&rows, &mut again).unwrap();
        assert_eq!(order, again);
        let mut untouched = SeededStreams::new(9);
        untouched.order(&rows, &mut again).unwrap();
        untouched.order(&rows, &mut again).unwrap();
        assert_eq!(order, again);
    }

    #[test]
    fn replacements_are_normal_rows() {
        let labels = [1.0, 0.0, 1.0, 0.0, 0.0];
        let mut rows = Vec::new();
        SeededStreams::new(0)
            .replacement(&labels, &mut rows)
            .unwrap();
        for (row, source) in rows.iter().enumerate() {
            assert!(labels[*source as usize] == 0.0);
            assert!(labels[row] == 1.0 || *source == row as u32);
        }
        SeededStreams::new(0)
            .replacement(&[1.0; 3], &mut rows)
            .unwrap();
        assert_eq!(rows, [0, 1, 2]);
    }

    #[test]
    fn supervision_is_nested() {
        let third = supervised_videos(4, 238, 33.0);
        let most = supervised_videos(4, 238, 66.0);
        assert_eq!((third.len(), most.len()), (79, 157));
        assert!(third.iter().all(|video| most.contains(video)));
        assert_eq!(supervised_videos(4, 238, 100.0).len(), 238);
    }

    #[test]
    fn dropout_keeps_the_mean() {
        let mut mask = Vec::new();
        SeededStreams::new(2).dropout(100_000, 0.6, &mut mask);
        let mean: f32 = mask.iter().sum::<f32>() / 1e5;
        assert!((mean - 1.0).abs() < 0.02);
    }

    /// Larger than a chunk, and a bias between two weights: the stream goes on where it should.
    #[test]
    fn weights_are_those_of_drawing_one_after_another() {
        let shapes = [(301, 457), (457, 3)].map(|(inputs, outputs)| LayerShape { inputs, outputs });
        let mut one = stream(11, "weights");
        for network in initial_weights(11, &[&shapes, &shapes[..1]]) {
            for (index, parameter) in network.parameters.iter().enumerate() {
                let bound = 1.0 / (shapes[index / 2].inputs as f64).sqrt();
                for value in &parameter.value {
                    let expected = ((2.0 * unit(&mut one) - 1.0) * bound) as f32;
                    assert_eq!(value.to_bits(), expected.to_bits());
                }
            }
        }
    }

    /// Every record of every lab hangs on these bits.
    #[test]
    fn the_streams_are_pinned() {
        let shape = LayerShape {
            inputs: 4,
            outputs: 1,
        };
        let drawn = initial_weights(7, &[&[shape]]);
        let bits: Vec<u32> = drawn[0].parameters[0]
            .value
            .iter()
            .map(|value| value.to_bits())
            .collect();
        assert_eq!(
            bits,
            [1_047_402_920, 3_200_468_751, 1_055_420_280, 1_053_331_900]
        );
    }
}
