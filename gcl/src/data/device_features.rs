//! Features on a device of candle's: kept there, or gathered on the host batch by batch. Either way a batch has the bits that
//! [`Features::gather`] gives.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use candle_core::{DType, Device, Tensor};
use datasets::RawValues;

use crate::backend::Split;
use crate::data::device_cache::{
    DeviceCache, Key, MOST_VALUES, budget, pieces, places, rows_per_slice, staged_rows,
};
use crate::data::features::Features;
use crate::data::prepared::Prepared;
use crate::data::rows::Rows;
use crate::data::scaling::Scaling;
use crate::error::TrainError;

/// The memory of a device that features may take, and what of them it keeps. Shared by all clones of a device.
#[derive(Debug, Default)]
pub(crate) struct DeviceMemory {
    cache: Mutex<DeviceCache<DeviceRows>>,
    /// At most so many bytes, whatever the device has.
    limit: Option<usize>,
}

/// The rows of a split under a scaling, for batches on a device.
pub(crate) struct DeviceFeatures {
    device: Device,
    place: Place,
}

/// Where they are.
pub(crate) enum Place {
    Device {
        rows: Arc<DeviceRows>,
        scaling: DeviceScaling,
    },
    Host {
        features: Features,
        threads: usize,
        staged: Vec<f32>,
    },
}

/// Rows on a device as they are, in slices that candle can address.
#[derive(Debug)]
pub(crate) struct DeviceRows {
    pub(crate) slices: Vec<Tensor>,
    per_slice: usize,
}

/// [`Scaling`] with its numbers on a device, all f64.
pub(crate) enum DeviceScaling {
    None,
    /// `[rows, 1]`.
    Rows(Tensor),
    /// `[1, d]`; `constant` is 1 where the factor is 0, and is not there where none is.
    Columns {
        offset: Tensor,
        factor: Tensor,
        constant: Option<Tensor>,
    },
}

impl DeviceMemory {
    /// At most `limit` bytes of features.
    pub(crate) fn limited(limit: usize) -> Self {
        Self {
            limit: Some(limit),
            ..Self::default()
        }
    }

    /// Both splits for a job whose networks and batches need `need` bytes of `device`, of which `free` are free where that can be
    /// told. What does not fit stays on the host and is gathered there on `threads` threads.
    fn features(
        &self,
        device: &Device,
        free: Option<usize>,
        data: &Prepared,
        need: usize,
        threads: usize,
    ) -> Result<[DeviceFeatures; 2], TrainError> {
        let mut cache = self.cache();
        let mut free = free;
        let mut on_device = |split, features: &Features| {
            let key = Key {
                digest: data.digest,
                split,
            };
            let budget = budget(free, cache.bytes(), need, self.limit);
            let held = cache.bytes();
            let rows = resident(&mut cache, key, features.raw(), device, budget)?;
            // What went and what came, as far as is known without asking the device again.
            free = free.map(|free| (free + held).saturating_sub(cache.bytes()));
            match rows {
                Some(rows) => DeviceFeatures::on_device(device, rows, features.scaling()),
                None => Ok(DeviceFeatures::on_host(device, features.clone(), threads)),
            }
        };
        Ok([
            on_device(Split::Train, &data.train)?,
            on_device(Split::Test, &data.test)?,
        ])
    }

    /// Does `work` with the features on the device as far as they fit; where memory does not suffice after all, lets go of what nobody
    /// uses and does it once more with the features on the host.
    pub(crate) fn with_features<T>(
        &self,
        device: &Device,
        free: impl Fn() -> Option<usize>,
        (data, need, threads): (&Prepared, usize, usize),
        work: impl Fn([DeviceFeatures; 2]) -> Result<T, TrainError>,
    ) -> Result<T, TrainError> {
        let first = self
            .features(device, free(), data, need, threads)
            .and_then(&work);
        match first {
            Err(TrainError::OutOfMemory { .. }) => {
                self.cache().evict_idle();
                work(
                    [&data.train, &data.test]
                        .map(|features| DeviceFeatures::on_host(device, features.clone(), threads)),
                )
            }
            other => other,
        }
    }

    fn cache(&self) -> MutexGuard<'_, DeviceCache<DeviceRows>> {
        self.cache.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The rows on the device, uploaded if they are not there. `None` if they do not fit.
fn resident(
    cache: &mut DeviceCache<DeviceRows>,
    key: Key,
    rows: &Rows,
    device: &Device,
    budget: usize,
) -> Result<Option<Arc<DeviceRows>>, TrainError> {
    if let Some(rows) = cache.get(key) {
        return Ok(Some(rows));
    }
    let bytes = DeviceRows::bytes_of(rows);
    if !cache.make_room(bytes, budget) {
        return Ok(None);
    }
    let upload = || DeviceRows::upload(rows, device, MOST_VALUES);
    let uploaded = match upload() {
        // Somebody else took what seemed free.
        Err(TrainError::OutOfMemory { .. }) if cache.evict_idle() > 0 => upload(),
        other => other,
    };
    match uploaded {
        Ok(rows) => Ok(Some(cache.insert(key, bytes, rows))),
        Err(TrainError::OutOfMemory { .. }) => Ok(None),
        Err(error) => Err(error),
    }
}

impl DeviceFeatures {
    /// Features of a job of their own, which no other job will ask for: on the device for as long as this lives.
    pub(crate) fn unshared(features: &Features, device: &Device) -> Result<Self, TrainError> {
        let rows = DeviceRows::upload(features.raw(), device, MOST_VALUES)?;
        Self::on_device(device, Arc::new(rows), features.scaling())
    }

    fn on_device(
        device: &Device,
        rows: Arc<DeviceRows>,
        scaling: &Scaling,
    ) -> Result<Self, TrainError> {
        Ok(Self {
            place: Place::Device {
                rows,
                scaling: DeviceScaling::new(scaling, device)?,
            },
            device: device.clone(),
        })
    }

    /// Features that stay on the host and are gathered there on `threads` threads.
    pub(crate) fn on_host(device: &Device, features: Features, threads: usize) -> Self {
        Self {
            place: Place::Host {
                features,
                threads,
                staged: Vec::new(),
            },
            device: device.clone(),
        }
    }

    /// Where they are, for who gathers by kernels of our own.
    #[cfg(feature = "cuda")]
    pub(crate) fn into_place(self) -> Place {
        self.place
    }

    /// The rows that `rows` names, scaled, `[rows.len(), d]` of f32 on the device.
    ///
    /// # Errors
    /// If memory does not suffice, or the batch has more values than the device's operations can address.
    pub(crate) fn gather(&mut self, rows: &[u32]) -> Result<Tensor, TrainError> {
        match &mut self.place {
            Place::Device {
                rows: features,
                scaling,
            } => {
                let raw = features.gather(rows, &self.device)?;
                scaling.apply(raw, rows, &self.device)
            }
            Place::Host {
                features,
                threads,
                staged,
            } => {
                let columns = features.columns();
                addressable(rows.len(), columns)?;
                let at_once = staged_rows(columns);
                staged.resize(at_once.min(rows.len()) * columns, 0.0);
                let mut batch = None;
                for (index, part) in rows.chunks(at_once).enumerate() {
                    features.gather(*threads, part, staged);
                    let values = &staged[..part.len() * columns];
                    let part = copied(values, (part.len(), columns), &self.device)?;
                    if rows.len() <= at_once {
                        return Ok(part);
                    }
                    let batch = match &batch {
                        Some(batch) => batch,
                        None => batch.insert(Tensor::zeros(
                            (rows.len(), columns),
                            DType::F32,
                            &self.device,
                        )?),
                    };
                    batch.slice_set(&part, 0, index * at_once)?;
                }
                match batch {
                    Some(batch) => Ok(batch),
                    None => Ok(Tensor::zeros((0, columns), DType::F32, &self.device)?),
                }
            }
        }
    }
}

/// A tensor of these values, which may change when this returns. *Because* CUDA may read memory that is not page-locked
/// after candle's call returned.
pub(crate) fn copied<T: candle_core::WithDType>(
    values: &[T],
    shape: impl Into<candle_core::Shape>,
    device: &Device,
) -> Result<Tensor, candle_core::Error> {
    let tensor = Tensor::from_slice(values, shape, device)?;
    device.synchronize()?;
    Ok(tensor)
}

/// Whether candle's operations can address a batch.
fn addressable(rows: usize, columns: usize) -> Result<(), TrainError> {
    if (rows as u64).saturating_mul(columns as u64) <= MOST_VALUES {
        Ok(())
    } else {
        Err(TrainError::bad_data(format!(
            "a batch of {rows} rows of {columns} values is more than this device's operations can address: lower batch_size"
        )))
    }
}

impl DeviceRows {
    /// Bytes that rows take on a device: f16 stays f16 where all of them are.
    fn bytes_of(rows: &Rows) -> usize {
        let each = if rows.is_half() { 2 } else { 4 };
        each * rows.rows() * rows.columns()
    }

    /// Copies the rows to the device, file by file and [`staged_rows`] at a time; no slice gets more than `most` values.
    fn upload(rows: &Rows, device: &Device, most: u64) -> Result<Self, TrainError> {
        let columns = rows.columns();
        let per_slice = rows_per_slice(columns, most);
        let half = rows.is_half();
        let kind = if half { DType::F16 } else { DType::F32 };
        let slices = (0..rows.rows())
            .step_by(per_slice)
            .map(|first| {
                let length = per_slice.min(rows.rows() - first);
                Tensor::zeros((length, columns), kind, device)
            })
            .collect::<Result<Vec<_>, _>>()?;
        let parts = rows.slices();
        let lengths: Vec<usize> = parts.iter().map(|part| part.len() / columns).collect();
        let mut widened = Vec::new();
        for piece in pieces(&lengths, per_slice, staged_rows(columns)) {
            let shape = (piece.rows.len(), columns);
            let values =
                parts[piece.part].part(piece.rows.start * columns..piece.rows.end * columns);
            let copy = match values {
                RawValues::F32(values) => copied(values, shape, device)?,
                RawValues::F16(values) if half => copied(values, shape, device)?,
                RawValues::F16(_) => {
                    widened.resize(values.len(), 0.0);
                    values.copy_to(&mut widened);
                    copied(&widened, shape, device)?
                }
            };
            slices[piece.slice].slice_set(&copy, 0, piece.at)?;
        }
        Ok(Self { slices, per_slice })
    }

    /// Rows as they are, widened to f32, `[rows.len(), d]`.
    fn gather(&self, rows: &[u32], device: &Device) -> Result<Tensor, TrainError> {
        let take = |slice: &Tensor, rows: &[u32]| {
            addressable(slice.dim(0)?, slice.dim(1)?)?;
            addressable(rows.len(), slice.dim(1)?)?;
            let rows = copied(rows, rows.len(), device)?;
            Ok::<_, TrainError>(slice.index_select(&rows, 0)?)
        };
        let raw = match self.slices.as_slice() {
            [only] => take(only, rows)?,
            slices => {
                let found = places(rows, self.per_slice, slices.len());
                let taken = slices
                    .iter()
                    .zip(&found.of_slice)
                    .filter(|(_, rows)| !rows.is_empty())
                    .map(|(slice, rows)| take(slice, rows))
                    .collect::<Result<Vec<_>, _>>()?;
                take(&Tensor::cat(&taken, 0)?, &found.order)?
            }
        };
        Ok(raw.to_dtype(DType::F32)?)
    }
}

impl DeviceScaling {
    fn new(scaling: &Scaling, device: &Device) -> Result<Self, TrainError> {
        Ok(match scaling {
            Scaling::None => Self::None,
            Scaling::Rows(norms) => Self::Rows(copied(norms, (norms.len(), 1), device)?),
            Scaling::Columns { offset, factor } => {
                let shape = (1, offset.len());
                let zero: Vec<u8> = factor.iter().map(|f| u8::from(*f == 0.0)).collect();
                Self::Columns {
                    offset: copied(offset, shape, device)?,
                    factor: copied(factor, shape, device)?,
                    constant: zero
                        .contains(&1)
                        .then(|| copied(&zero, shape, device))
                        .transpose()?,
                }
            }
        })
    }

    /// What [`Scaling::apply`] does, by the same operations on the same f64: `raw` are the rows that `rows` names.
    fn apply(&self, raw: Tensor, rows: &[u32], device: &Device) -> Result<Tensor, TrainError> {
        Ok(match self {
            Self::None => raw,
            Self::Rows(norms) => {
                let rows = copied(rows, rows.len(), device)?;
                let norms = norms.index_select(&rows, 0)?;
                raw.to_dtype(DType::F64)?
                    .broadcast_div(&norms)?
                    .to_dtype(DType::F32)?
            }
            Self::Columns {
                offset,
                factor,
                constant,
            } => {
                let scaled = raw
                    .to_dtype(DType::F64)?
                    .broadcast_sub(offset)?
                    .broadcast_mul(factor)?
                    .to_dtype(DType::F32)?;
                match constant {
                    // A product with 0 may be −0 or NaN.
                    Some(constant) => constant
                        .broadcast_as(scaled.shape())?
                        .where_cond(&scaled.zeros_like()?, &scaled)?,
                    None => scaled,
                }
            }
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::data::matrix::Matrix;
    use crate::data::prepared::DataParts;
    use half::f16;
    use metrics::Frames;
    use sweeps::Digest;
    use sweeps::training::FeatureScaling;

    const COLUMNS: usize = 9;

    fn values(rows: usize) -> Vec<f16> {
        (0..rows * COLUMNS)
            .map(|place| match (place * 7919 % 2003, place % COLUMNS) {
                // A column that is constant, and zeros of both signs.
                (_, 4) => f16::from_f32(0.75),
                (0..=200, _) => f16::NEG_ZERO,
                (number, _) => f16::from_f32((number as f32 - 900.0) / 300.0),
            })
            .collect()
    }

    fn rows(half: bool, count: usize) -> Rows {
        let values = values(count);
        if half {
            Rows::OwnHalf {
                values,
                columns: COLUMNS,
            }
        } else {
            let wide = values.iter().map(|value| value.to_f32()).collect();
            Rows::Own(Matrix::new(wide, COLUMNS))
        }
    }

    fn bits(batch: &Tensor) -> Vec<u32> {
        let values: Vec<f32> = batch.flatten_all().unwrap().to_vec1().unwrap();
        values.iter().map(|value| value.to_bits()).collect()
    }

    #[test]
    fn a_batch_has_the_bits_of_the_host_wherever_its_rows_are() {
        let device = Device::Cpu;
        let order: Vec<u32> = (0..90).map(|place| place * 7 % 37).collect();
        for half in [false, true] {
            let raw = Arc::new(rows(half, 37));
            for kind in [
                FeatureScaling::None,
                FeatureScaling::L2,
                FeatureScaling::UnitMean,
                FeatureScaling::Standard,
                FeatureScaling::MinMax,
            ] {
                let [scaling, _] = Scaling::fit(kind, &raw, &raw);
                let features = Features::new(raw.clone(), scaling);
                let mut expected = vec![0.0; order.len() * COLUMNS];
                features.gather(1, &order, &mut expected);
                let expected: Vec<u32> = expected.iter().map(|value| value.to_bits()).collect();
                // One slice, many, and slices of a single row.
                for most in [MOST_VALUES, 5 * COLUMNS as u64, 1] {
                    let rows = DeviceRows::upload(&raw, &device, most).unwrap();
                    let slices = 37_usize.div_ceil(rows_per_slice(COLUMNS, most));
                    assert_eq!(rows.slices.len(), slices);
                    let kind_of = if half { DType::F16 } else { DType::F32 };
                    assert!(rows.slices.iter().all(|slice| slice.dtype() == kind_of));
                    let mut on_device =
                        DeviceFeatures::on_device(&device, Arc::new(rows), features.scaling())
                            .unwrap();
                    let batch = on_device.gather(&order).unwrap();
                    assert_eq!(bits(&batch), expected, "{kind:?} {most}");
                }
                let mut on_host = DeviceFeatures::on_host(&device, features, 1);
                assert_eq!(bits(&on_host.gather(&order).unwrap()), expected, "{kind:?}");
            }
        }
    }

    #[test]
    fn a_batch_that_is_larger_than_what_is_staged_comes_in_parts() {
        // Rows of 9 MiB: seven at once.
        let columns = 9 << 18;
        let wide = Features::from(Matrix::new(
            (0..3 * columns).map(|place| place as f32).collect(),
            columns,
        ));
        let order: Vec<u32> = (0..10).map(|row| row % 3).collect();
        let mut on_host = DeviceFeatures::on_host(&Device::Cpu, wide, 1);
        let batch = on_host.gather(&order).unwrap();
        for (row, source) in order.iter().enumerate() {
            let found: f32 = batch.get(row).unwrap().get(5).unwrap().to_scalar().unwrap();
            assert_eq!(found, (*source as usize * columns + 5) as f32);
        }
        let Place::Host { staged, .. } = &on_host.place else {
            panic!("it is on the host");
        };
        assert!(4 * staged.len() <= crate::data::device_cache::STAGED_BYTES);
    }

    #[test]
    fn a_batch_that_candle_cannot_address_is_refused() {
        assert!(addressable(1 << 15, (1 << 16) - 1).is_ok());
        let error = addressable(1 << 15, 1 << 16).unwrap_err();
        assert!(error.to_string().contains("batch_size"), "{error}");
    }

    fn data(digest: u8, count: usize, scaling: FeatureScaling) -> Prepared {
        let mut frames = Frames::default();
        let anomalous = 0..16;
        frames.push(
            count,
            16 * count as u32,
            16,
            std::slice::from_ref(&anomalous),
        );
        let wide = |count| {
            let values = values(count).iter().map(|value| value.to_f32()).collect();
            Matrix::new(values, COLUMNS)
        };
        let parts = DataParts {
            digest: Digest([digest; 32]),
            train: wide(2 * count),
            test: wide(count),
            crops: 1,
            video: vec![0; 2 * count],
            labels: vec![None],
            truth: None,
            test_names: vec!["test".to_owned()],
            frames,
        };
        Prepared::from_parts(parts, scaling).unwrap()
    }

    fn places(features: &[DeviceFeatures; 2]) -> [bool; 2] {
        features
            .each_ref()
            .map(|features| matches!(features.place, Place::Device { .. }))
    }

    #[test]
    fn scalings_share_what_is_on_the_device_and_what_does_not_fit_stays_on_the_host() {
        let bytes = |rows: usize| 4 * rows * COLUMNS;
        let memory = DeviceMemory::limited(bytes(35));
        let ask = |digest: u8, count, scaling| {
            let data = data(digest, count, scaling);
            memory.features(&Device::Cpu, None, &data, 0, 1).unwrap()
        };
        let held = || memory.cache().bytes();
        // Twenty rows and ten.
        let plain = ask(1, 10, FeatureScaling::None);
        let scaled = ask(1, 10, FeatureScaling::Standard);
        assert_eq!(places(&plain), [true; 2]);
        assert_eq!(places(&scaled), [true; 2]);
        assert_eq!(held(), bytes(30));
        // In use: another data set has no room but for its test split.
        let other = ask(2, 3, FeatureScaling::None);
        assert_eq!((places(&other), held()), ([false, true], bytes(33)));
        drop((plain, scaled, other));
        // Idle: the least recently used goes, twenty rows of the first.
        let other = ask(2, 3, FeatureScaling::None);
        assert_eq!((places(&other), held()), ([true; 2], bytes(19)));
        let large = ask(3, 100, FeatureScaling::None);
        assert_eq!((places(&large), held()), ([false; 2], bytes(19)));
    }

    #[test]
    fn what_runs_out_of_memory_is_done_once_more_with_the_features_on_the_host() {
        let memory = DeviceMemory::default();
        let data = data(1, 10, FeatureScaling::L2);
        let tried = Mutex::new(Vec::new());
        let run = |fails: usize| {
            tried.lock().unwrap().clear();
            memory.with_features(
                &Device::Cpu,
                || None,
                (&data, 0, 1),
                |features| {
                    let mut tried = tried.lock().unwrap();
                    tried.push(places(&features));
                    if tried.len() <= fails {
                        return Err(TrainError::OutOfMemory {
                            message: "of the test".to_owned(),
                        });
                    }
                    Ok(())
                },
            )
        };
        assert!(run(0).is_ok());
        assert_eq!(*tried.lock().unwrap(), [[true; 2]]);
        assert!(run(1).is_ok());
        assert_eq!(*tried.lock().unwrap(), [[true; 2], [false; 2]]);
        assert_eq!(memory.cache().bytes(), 0, "what nobody uses went");
        assert!(run(2).is_err());
        assert_eq!(
            tried.lock().unwrap().len(),
            2,
            "once more, not again and again"
        );
    }

    #[test]
    fn a_device_without_free_memory_keeps_nothing() {
        let memory = DeviceMemory::default();
        let data = data(1, 10, FeatureScaling::None);
        let ask = |free| places(&memory.features(&Device::Cpu, free, &data, 1000, 1).unwrap());
        let reserve = crate::data::device_cache::RESERVE_BYTES;
        assert_eq!(ask(Some(reserve)), [false; 2]);
        // Room for the training split alone, then for both.
        assert_eq!(ask(Some(reserve + 1000 + 800)), [true, false]);
        assert_eq!(ask(Some(reserve + 1000 + 360)), [true; 2], "720 are held");
    }
}
