//! What the networks and the baselines are fed from: rows as they are, scaled while they are read. No scaled copy exists.

use std::sync::Arc;

use rayon::prelude::*;

use datasets::RawValues;

use crate::data::matrix::Matrix;
use crate::data::rows::Rows;
use crate::data::scaling::Scaling;

/// Rows that a thread gathers at once: a fixed number, so that the work is cut alike whatever the number of threads.
const ROWS: usize = 128;
/// Below this many values a gather is shorter than waking a thread.
const WORTH_A_THREAD: usize = 65_536;

/// The rows of a split under a scaling: f32, whatever they are on disk. Clones share the rows.
#[derive(Debug, Clone)]
pub struct Features {
    rows: Arc<Rows>,
    scaling: Arc<Scaling>,
}

/// Without scaling.
impl From<Matrix> for Features {
    fn from(matrix: Matrix) -> Self {
        Self::new(Arc::new(Rows::Own(matrix)), Arc::new(Scaling::None))
    }
}

impl Features {
    /// These rows under that scaling, which was fitted for them.
    pub(crate) fn new(rows: Arc<Rows>, scaling: Arc<Scaling>) -> Self {
        Self { rows, scaling }
    }

    /// The same rows without scaling.
    pub(crate) fn unscaled(&self) -> Self {
        Self::new(self.rows.clone(), Arc::new(Scaling::None))
    }

    /// Number of rows.
    pub fn rows(&self) -> usize {
        self.rows.rows()
    }

    /// Length of a row.
    pub fn columns(&self) -> usize {
        self.rows.columns()
    }

    /// The rows before scaling.
    pub(crate) fn raw(&self) -> &Arc<Rows> {
        &self.rows
    }

    /// How they are scaled.
    pub(crate) fn scaling(&self) -> &Scaling {
        &self.scaling
    }

    /// Writes one row to `out`, `[columns]`.
    pub(crate) fn copy_row(&self, index: usize, out: &mut [f32]) {
        self.copy_columns(index, 0, out);
    }

    /// Writes the columns `first..first + out.len()` of one row.
    pub(crate) fn copy_columns(&self, index: usize, first: usize, out: &mut [f32]) {
        let raw = self.rows.row(index).part(first..first + out.len());
        self.scaling.apply(index, first, raw, out);
    }

    /// One row: where it lies if nothing has to be done to it, and else in `scratch`.
    pub(crate) fn row<'a>(&'a self, index: usize, scratch: &'a mut Vec<f32>) -> &'a [f32] {
        if let (RawValues::F32(values), Scaling::None) = (self.rows.row(index), &*self.scaling) {
            return values;
        }
        scratch.resize(self.columns(), 0.0);
        self.copy_row(index, scratch);
        scratch
    }

    /// One value.
    pub(crate) fn value(&self, row: usize, column: usize) -> f32 {
        let mut value = [0.0];
        self.copy_columns(row, column, &mut value);
        value[0]
    }

    /// Copies the rows that `rows` names to the beginning of `out`, `[rows.len(), columns]`; side by side on `threads` threads of
    /// the pool that it is called in.
    pub(crate) fn gather(&self, threads: usize, rows: &[u32], out: &mut [f32]) {
        let width = self.columns();
        let out = &mut out[..rows.len() * width];
        let work = |(out, rows): (&mut [f32], &[u32])| {
            for (row, out) in rows.iter().zip(out.chunks_exact_mut(width)) {
                self.copy_row(*row as usize, out);
            }
        };
        if threads > 1 && out.len() >= WORTH_A_THREAD {
            out.par_chunks_mut(ROWS * width)
                .zip(rows.par_chunks(ROWS))
                .for_each(work);
        } else {
            work((out, rows));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::data::scaling::norm;
    use datasets::Dataset;
    use half::f16;
    use std::fs;
    use std::path::Path;
    use sweeps::training::FeatureScaling;

    const COLUMNS: usize = 600;
    const SCALINGS: [FeatureScaling; 5] = [
        FeatureScaling::None,
        FeatureScaling::L2,
        FeatureScaling::UnitMean,
        FeatureScaling::Standard,
        FeatureScaling::MinMax,
    ];

    /// f16 numbers of both signs, −0 and tiny ones among them; rows of zeros; a column that is constant.
    fn numbers(rows: usize, seed: usize) -> Vec<f16> {
        (0..rows * COLUMNS)
            .map(|place| {
                let (row, column) = (place / COLUMNS, place % COLUMNS);
                match ((place * 7919 + seed) % 2003, row % 11, column) {
                    (_, _, 7) => f16::from_f32(-1.5),
                    (_, 10, _) => f16::ZERO,
                    (0..=40, ..) => f16::NEG_ZERO,
                    (number @ 41..=90, ..) => f16::from_bits(number as u16),
                    (number, ..) => f16::from_f32((number as f32 - 900.0) / 300.0),
                }
            })
            .collect()
    }

    fn widened(values: &[f16]) -> Matrix {
        Matrix::new(values.iter().map(|value| value.to_f32()).collect(), COLUMNS)
    }

    /// What was done before features were scaled when they are read: a scaled copy, in place.
    fn scaled_copy(raw: &Matrix, scaling: &Scaling) -> Vec<f32> {
        let mut copy = raw.values().to_vec();
        for row in copy.chunks_exact_mut(COLUMNS) {
            match scaling {
                Scaling::None => {}
                Scaling::Rows(_) => {
                    let norm = norm(row).max(1e-12);
                    for value in row {
                        *value = (f64::from(*value) / norm) as f32;
                    }
                }
                Scaling::Columns { offset, factor } => {
                    for ((value, offset), factor) in row.iter_mut().zip(offset).zip(factor) {
                        *value = if *factor == 0.0 {
                            0.0
                        } else {
                            ((f64::from(*value) - offset) * factor) as f32
                        };
                    }
                }
            }
        }
        copy
    }

    fn bits(values: &[f32]) -> Vec<u32> {
        values.iter().map(|value| value.to_bits()).collect()
    }

    /// A data set of 40 training rows and 24 test rows in four and three files.
    fn folder(place: &Path, half: bool) -> Dataset {
        let head = "video,features,frames,label,anomalous_frames\n";
        fs::write(
            place.join("dataset.toml"),
            format!("name = \"x\"\nfeature_dim = {COLUMNS}\nframes_per_segment = 16\n"),
        )
        .unwrap();
        for (list, videos, length, truth) in [("train", 4, 10, ","), ("test", 3, 8, "1,0-20")] {
            let (mut text, rows) = (head.to_owned(), numbers(videos * length, videos));
            for (video, rows) in rows.chunks_exact(length * COLUMNS).enumerate() {
                let (kind, bytes): (_, Vec<u8>) = if half {
                    ("f2", rows.iter().flat_map(|x| x.to_le_bytes()).collect())
                } else {
                    let wide = rows.iter().flat_map(|x| x.to_f32().to_le_bytes());
                    ("f4", wide.collect())
                };
                let header = format!(
                    "{{'descr': '<{kind}', 'fortran_order': False, 'shape': ({length}, {COLUMNS}), }}"
                );
                let header = format!("{header:<117}\n");
                let mut file = b"\x93NUMPY\x01\x00".to_vec();
                file.extend((header.len() as u16).to_le_bytes());
                file.extend(header.into_bytes());
                file.extend(bytes);
                let name = format!("{list}-{video}.npy");
                fs::write(place.join(&name), file).unwrap();
                text += &format!("{list}-{video},{name},{},{truth}\n", 16 * length);
            }
            fs::write(place.join(format!("{list}.csv")), text).unwrap();
        }
        datasets::open(place).unwrap()
    }

    /// Training and test rows in every way in which they may lie.
    fn everywhere(place: &Path) -> Vec<(&'static str, [Rows; 2])> {
        let raw = [(40, 4), (24, 3)].map(|(rows, seed)| numbers(rows, seed));
        let mut all = vec![
            ("own f32", raw.each_ref().map(|x| Rows::Own(widened(x)))),
            (
                "own f16",
                raw.map(|values| Rows::OwnHalf {
                    values,
                    columns: COLUMNS,
                }),
            ),
        ];
        for half in [false, true] {
            let (loose, packed) = (
                place.join(format!("{half}")),
                place.join(format!("{half}-packed")),
            );
            fs::create_dir(&loose).unwrap();
            let dataset = folder(&loose, half);
            let packed = datasets::pack(&loose, &packed).unwrap();
            for (name, data) in [("files", &dataset), ("a pack", &packed)] {
                let rows = [&data.train, &data.test].map(|s| Rows::of(s, COLUMNS).unwrap());
                assert!(rows.iter().all(|rows| rows.is_half() == half), "{name}");
                assert!(rows.iter().all(|rows| rows.own_bytes() == 0), "{name}");
                all.push((name, rows));
            }
        }
        all
    }

    #[test]
    fn every_read_has_the_bits_of_a_scaled_copy() {
        let place = tempfile::tempdir().unwrap();
        let [raw, raw_test] = [(40, 4), (24, 3)].map(|(rows, seed)| widened(&numbers(rows, seed)));
        let (own, own_test) = (Rows::Own(raw.clone()), Rows::Own(raw_test.clone()));
        for (name, [train, test]) in everywhere(place.path()) {
            let [train, test] = [train, test].map(Arc::new);
            for kind in SCALINGS {
                let fitted = Scaling::fit(kind, &train, &test);
                assert_eq!(
                    fitted,
                    Scaling::fit(kind, &own, &own_test),
                    "{name} {kind:?}"
                );
                for ((rows, raw), scaling) in
                    [(&train, &raw), (&test, &raw_test)].into_iter().zip(fitted)
                {
                    let expected = scaled_copy(raw, &scaling);
                    let features = Features::new(rows.clone(), scaling);
                    check(&features, &expected, &format!("{name} {kind:?}"));
                }
            }
        }
    }

    #[test]
    fn no_scaling_makes_a_copy_of_what_is_mapped() {
        use crate::data::prepared::Prepared;

        let place = tempfile::tempdir().unwrap();
        for half in [false, true] {
            let folder_of = place.path().join(format!("{half}"));
            fs::create_dir(&folder_of).unwrap();
            let dataset = folder(&folder_of, half);
            let mapped = (40 + 24) * COLUMNS * if half { 2 } else { 4 };
            for (kind, of_scaling) in SCALINGS.into_iter().zip([
                0,
                8 * (40 + 24),
                2 * 8 * COLUMNS,
                2 * 8 * COLUMNS,
                2 * 8 * COLUMNS,
            ]) {
                let prepared = Prepared::new(&dataset, kind).unwrap();
                assert_eq!(prepared.mapped_bytes(), mapped, "{kind:?}");
                // The video of each training row.
                assert_eq!(prepared.bytes(), 4 * 40, "{kind:?}");
                assert_eq!(prepared.scaling_bytes(), of_scaling, "{kind:?}");
                let other = prepared.rescaled(FeatureScaling::None);
                assert!(Arc::ptr_eq(other.train.raw(), prepared.train.raw()));
                assert!(Arc::ptr_eq(other.test.raw(), prepared.test.raw()));
            }
        }
    }

    fn check(features: &Features, expected: &[f32], what: &str) {
        let count = features.rows();
        // Some rows twice, in no order, and enough for threads.
        let order: Vec<u32> = (0..5 * count as u32)
            .map(|place| place * 7 % count as u32)
            .collect();
        let of = |row: u32| &expected[row as usize * COLUMNS..][..COLUMNS];
        let wanted: Vec<f32> = order.iter().flat_map(|row| of(*row)).copied().collect();
        for threads in [1, 3] {
            let mut found = vec![9.0; wanted.len() + 5];
            features.gather(threads, &order, &mut found);
            assert_eq!(bits(&found[..wanted.len()]), bits(&wanted), "{what}");
            assert_eq!(found[wanted.len()..], [9.0; 5], "{what}: beyond the batch");
        }
        let (mut scratch, mut part) = (Vec::new(), [0.0; 70]);
        for row in 0..count as u32 {
            let index = row as usize;
            assert_eq!(
                bits(features.row(index, &mut scratch)),
                bits(of(row)),
                "{what}"
            );
            features.copy_columns(index, 64, &mut part);
            assert_eq!(bits(&part), bits(&of(row)[64..134]), "{what}");
            for column in [0, 7, COLUMNS - 1] {
                let value = features.value(index, column);
                assert_eq!(value.to_bits(), of(row)[column].to_bits(), "{what}");
            }
        }
    }
}
