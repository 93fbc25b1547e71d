//! The artifact `embedding` (Fig. 6): a t-SNE of what G makes of test segments, by the crate `bhtsne`.
//!
//! Up to [`POINTS`] segments are drawn by a stream of their own, so jobs of one seed on one data set show the same ones.
//! With crops, the mean of a segment's reconstructions. The start is drawn too. Fewer than [`FEWEST`] test segments make no embedding.

use bhtsne::Neighbor;
use metrics::artifact::{EMBEDDING, Embedding};

use crate::backend::networks::Networks;
use crate::backend::{Backend, Split};
use crate::baselines::numbers::each;
use crate::data::prepared::Prepared;
use crate::error::TrainError;
use crate::method::random_streams::{normal_pair, sample, stream};

/// The most points: more hide each other in a figure, and take long.
const POINTS: usize = 1500;
/// A perplexity above 1 needs as many.
const FEWEST: usize = 8;
const PERPLEXITY: f64 = 30.0;
const ITERATIONS: usize = 1000;
/// Barnes and Hut's θ, the usual one.
const THETA: f64 = 0.5;

/// The artifact, of the networks as they are.
pub(crate) fn make<B: Backend>(
    networks: &mut Networks<B>,
    dataset: &Prepared,
    seed: u64,
    threads: usize,
) -> Result<Option<Vec<u8>>, TrainError> {
    let frames = &dataset.frames;
    if frames.segments() < FEWEST {
        return Ok(None);
    }
    let mut stream = stream(seed, EMBEDDING);
    let mut chosen = sample(&mut stream, frames.segments() as u32, POINTS);
    chosen.sort_unstable();
    let start: Vec<f64> = chosen
        .iter()
        .flat_map(|_| {
            let (x, y) = normal_pair(&mut stream);
            [1e-4 * x, 1e-4 * y]
        })
        .collect();
    let reconstructions = reconstruct(networks, dataset, &chosen)?;
    let rows: Vec<&[f32]> = reconstructions.chunks_exact(dataset.dimension()).collect();
    // More than a third of the points are no neighbours.
    let perplexity = PERPLEXITY.min(((rows.len() - 1) / 3) as f64);
    let points: Vec<f32> = tsne(&rows, start, perplexity, threads)?
        .into_iter()
        .map(|value| value as f32)
        .collect();
    if !points.iter().all(|value| value.is_finite()) {
        return Err(TrainError::host(
            "the t-SNE of the reconstructions is not finite",
        ));
    }
    let anomalous: Vec<bool> = chosen
        .iter()
        .map(|segment| {
            let positive = frames.positives()[*segment as usize];
            positive > 0 && positive >= frames.negatives()[*segment as usize]
        })
        .collect();
    let videos: Vec<u32> = chosen
        .iter()
        .map(|segment| {
            let before = |range: &std::ops::Range<usize>| range.end <= *segment as usize;
            frames.videos().partition_point(before) as u32
        })
        .collect();
    let artifact = Embedding {
        names: dataset.test_names.to_vec(),
        perplexity,
        iterations: ITERATIONS as u64,
        points: points.as_chunks::<2>().0.to_vec(),
        segments: chosen,
        videos,
        anomalous,
    };
    Ok(Some(artifact.encode()?))
}

/// One thread computes, and the neighbours are found here: `bhtsne`'s own search draws pivots from an unseeded stream, which
/// shows where distances tie, as those of rows that a dead unit made equal do.
fn tsne(
    rows: &[&[f32]],
    start: Vec<f64>,
    perplexity: f64,
    threads: usize,
) -> Result<Vec<f64>, TrainError> {
    let pool = rayon::ThreadPoolBuilder::new()
        .num_threads(1)
        .build()
        .map_err(|error| {
            TrainError::host(format!(
                "a thread for the t-SNE could not be started: {error}"
            ))
        })?;
    let neighbors = each(threads, rows.len(), |row| {
        nearest(rows, row, (3.0 * perplexity) as usize)
    });
    Ok(pool.install(|| {
        let mut tsne: bhtsne::tSNE<'_, f64, &[f32]> = bhtsne::tSNE::new(rows);
        tsne.perplexity(perplexity)
            .epochs(ITERATIONS)
            .initial_embedding(start)
            .barnes_hut_with_neighbors(THETA, &neighbors);
        tsne.embedding()
    }))
}

/// The `wanted` rows next to `row`, the nearest first, of equals the first.
fn nearest(rows: &[&[f32]], row: usize, wanted: usize) -> Vec<Neighbor<f64>> {
    let mut all: Vec<Neighbor<f64>> = (0..rows.len())
        .filter(|other| *other != row)
        .map(|index| Neighbor {
            index,
            distance: distance(rows[row], rows[index]),
        })
        .collect();
    all.sort_by(|x, y| x.distance.total_cmp(&y.distance));
    all.truncate(wanted);
    all
}

fn distance(x: &[f32], y: &[f32]) -> f64 {
    // Eight sums side by side: one alone waits for itself at every addition.
    let mut sums = [0.0_f64; 8];
    let add = |sums: &mut [f64], x: &[f32], y: &[f32]| {
        for ((sum, x), y) in sums.iter_mut().zip(x).zip(y) {
            let difference = f64::from(*x) - f64::from(*y);
            *sum += difference * difference;
        }
    };
    let ((xs, x_rest), (ys, y_rest)) = (x.as_chunks::<8>(), y.as_chunks::<8>());
    for (x, y) in xs.iter().zip(ys) {
        add(&mut sums, x, y);
    }
    add(&mut sums, x_rest, y_rest);
    sums.iter().sum::<f64>().sqrt()
}

/// f̂ of these test segments, `[segments, d]`.
fn reconstruct<B: Backend>(
    networks: &mut Networks<B>,
    dataset: &Prepared,
    segments: &[u32],
) -> Result<Vec<f32>, TrainError> {
    let (crops, columns) = (dataset.crops as u32, dataset.dimension());
    let rows: Vec<u32> = segments
        .iter()
        .flat_map(|segment| segment * crops..(segment + 1) * crops)
        .collect();
    let (mut all, mut some) = (Vec::with_capacity(rows.len() * columns), Vec::new());
    for rows in rows.chunks(networks.capacity()) {
        let batch = networks.load(Split::Test, rows)?;
        let reconstruction = networks.reconstruct(&batch)?;
        networks.read_reconstruction(reconstruction, &mut some)?;
        networks.put_back(batch, None);
        all.extend_from_slice(&some);
    }
    if crops == 1 {
        return Ok(all);
    }
    let crops = crops as usize;
    Ok(all
        .chunks_exact(crops * columns)
        .flat_map(|rows| {
            (0..columns).map(move |column| {
                let values = rows[column..].iter().step_by(columns);
                (values.map(|value| f64::from(*value)).sum::<f64>() / crops as f64) as f32
            })
        })
        .collect())
}
