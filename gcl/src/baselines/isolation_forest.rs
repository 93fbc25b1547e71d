//! Isolation forest (Liu et al. 2008): rows that few random cuts set apart are anomalous.

use rand_chacha::ChaCha12Rng;
use sweeps::training::IsolationForest;

use crate::baselines::fit::{Fault, FitContext};
use crate::baselines::numbers::each;
use crate::data::features::Features;
use crate::method::random_streams::{below, sample, stream, unit};

/// A node of a tree; children by index.
enum Node {
    /// Rows with `column` at most `cut` go left.
    Cut {
        column: u32,
        cut: f64,
        left: u32,
        right: u32,
    },
    /// The path length that ends here, of the rows left together included.
    Leaf(f64),
}

/// 2^(−E[h]/c(ψ)) of every test row, in `(0, 1)`.
pub(crate) fn score(
    context: &FitContext<'_>,
    settings: IsolationForest,
) -> Result<Vec<f32>, Fault> {
    let samples = settings.samples.min(context.rows.len());
    let trees: Vec<Vec<Node>> = each(context.threads, settings.trees, |index| {
        context.go_on()?;
        Ok(grow(context, index, samples))
    })
    .into_iter()
    .collect::<Result<_, _>>()?;
    let scale = mean_path(samples).max(f64::MIN_POSITIVE);
    each(context.threads, context.test.rows(), |row| {
        context.go_on()?;
        let mut scratch = Vec::new();
        let row = context.test.row(row, &mut scratch);
        // A comparison would send NaN to the right without a word.
        if !row.iter().all(|value| value.is_finite()) {
            return Err(Fault::NotFinite("a test feature"));
        }
        let total: f64 = trees.iter().map(|tree| path(tree, row)).sum();
        Ok(libm::exp2(-total / trees.len() as f64 / scale) as f32)
    })
    .into_iter()
    .collect()
}

/// The mean path length of an unsuccessful search in a tree of `rows`.
pub(crate) fn mean_path(rows: usize) -> f64 {
    const EULER: f64 = 0.577_215_664_901_532_9;
    match rows {
        0 | 1 => 0.0,
        2 => 1.0,
        _ => {
            let n = rows as f64;
            2.0 * (libm::log(n - 1.0) + EULER) - 2.0 * (n - 1.0) / n
        }
    }
}

fn path(tree: &[Node], row: &[f32]) -> f64 {
    let mut place = 0;
    loop {
        match tree[place as usize] {
            Node::Leaf(length) => return length,
            Node::Cut {
                column,
                cut,
                left,
                right,
            } => {
                place = if f64::from(row[column as usize]) <= cut {
                    left
                } else {
                    right
                };
            }
        }
    }
}

fn grow(context: &FitContext<'_>, index: usize, samples: usize) -> Vec<Node> {
    let mut stream = stream(context.seed, &format!("forest {index}"));
    let mut rows: Vec<u32> = sample(&mut stream, context.rows.len() as u32, samples)
        .into_iter()
        .map(|place| context.rows[place as usize])
        .collect();
    let limit = samples.next_power_of_two().trailing_zeros();
    let mut columns: Vec<u32> = (0..context.train.columns() as u32).collect();
    let mut tree = Vec::new();
    split(
        context.train,
        &mut rows,
        (0, limit),
        &mut columns,
        &mut stream,
        &mut tree,
    );
    tree
}

/// Grows the part of the tree below these rows, and gives its place. As deep as `limit`, which is at most 16.
fn split(
    features: &Features,
    rows: &mut [u32],
    (depth, limit): (u32, u32),
    columns: &mut [u32],
    stream: &mut ChaCha12Rng,
    tree: &mut Vec<Node>,
) -> u32 {
    let place = tree.len() as u32;
    tree.push(Node::Leaf(f64::from(depth) + mean_path(rows.len())));
    if depth == limit || rows.len() < 2 {
        return place;
    }
    let Some((column, low, high)) = uneven_column(features, rows, columns, stream) else {
        return place;
    };
    let mut cut = low + unit(stream) * (high - low);
    if cut >= high {
        // Rounded up; the right side would be empty.
        cut = low;
    }
    let mut middle = 0;
    for index in 0..rows.len() {
        if f64::from(features.value(rows[index] as usize, column as usize)) <= cut {
            rows.swap(index, middle);
            middle += 1;
        }
    }
    let (front, back) = rows.split_at_mut(middle);
    let next = (depth + 1, limit);
    let left = split(features, front, next, columns, stream, tree);
    let right = split(features, back, next, columns, stream, tree);
    tree[place as usize] = Node::Cut {
        column,
        cut,
        left,
        right,
    };
    place
}

/// A column drawn uniformly from those in which the rows differ, with its range; `None` where they are all alike.
fn uneven_column(
    features: &Features,
    rows: &[u32],
    columns: &mut [u32],
    stream: &mut ChaCha12Rng,
) -> Option<(u32, f64, f64)> {
    for place in 0..columns.len() {
        let other = place + below(stream, (columns.len() - place) as u32) as usize;
        columns.swap(place, other);
        let column = columns[place];
        let (mut low, mut high) = (f64::INFINITY, f64::NEG_INFINITY);
        for row in rows {
            let value = f64::from(features.value(*row as usize, column as usize));
            low = low.min(value);
            high = high.max(value);
        }
        if low < high {
            return Some((column, low, high));
        }
    }
    None
}
