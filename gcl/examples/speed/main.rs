//! Answers the questions of `benches/speed/run.py`, one a line: `speed DIM BATCH ROWS THREADS [SEED]`, or on a GPU those of
//! `benches/speed/gpu.py`: `speed DIM BATCH ROWS cuda:N [SEED [f32|tf32]]`, built with `--features cuda`.
//!
//! `steps N` seconds of N steps; `report` the thresholds and losses of the last one; `product M N K` seconds of one
//! product, `ways M N K` every way to make it and its seconds on one thread; `dump FOLDER` the weights, each parameter a
//! file of little-endian f32; `auc FRAMES REPEATS` seconds of the AUC of frames in segments of 16 and in segments of one,
//! and both values; `folder PATH VIDEOS SEGMENTS PACKED` makes a data set of 2048 features; `first PATH` seconds to open
//! it, to prepare it and to make the networks; `quit`.
//!
//! `speed job DIM BATCH EPOCHS THREADS` answers one line, see `job`.
#![expect(clippy::print_stdout, reason = "it is a command")]
#![allow(
    clippy::disallowed_methods,
    clippy::disallowed_types,
    reason = "timing is its purpose"
)]

mod job;

use std::error::Error;
use std::io::BufRead as _;
use std::path::Path;
use std::time::Instant;

#[cfg(feature = "cuda")]
use gcl::measure::GpuStepper;
use gcl::measure::{StepReport, Stepper, on_device};
use gcl::{Device, Features, Matrix, Prepared, TrainError, open_device};
use kernels::product::{View, product, time_kernels};
use metrics::{Frames, auc};
use sweeps::training::FeatureScaling;
use sweeps::{Regime, Synthetic};

/// The same numbers as `data()` of `pytorch_step.py`: in [0, 1), exact in f32.
fn number(index: usize) -> f32 {
    ((index as u32).wrapping_mul(2_654_435_761) >> 8) as f32 / 16_777_216.0
}

fn numbers(count: usize) -> Vec<f32> {
    (0..count).map(number).collect()
}

fn main() -> Result<(), Box<dyn Error>> {
    let mut arguments: Vec<String> = std::env::args().skip(1).collect();
    let whole_job = arguments.first().is_some_and(|word| word == "job");
    if whole_job {
        arguments.remove(0);
    }
    let argument = |index: usize, default: usize| {
        arguments
            .get(index)
            .map_or(Ok(default), |text| text.parse::<usize>())
    };
    let (dimension, batch) = (argument(0, 2048)?, argument(1, 8192)?);
    let rows = argument(2, 2 * batch)?;
    let gpu = arguments.get(3).filter(|word| word.starts_with("cuda:"));
    let threads = if gpu.is_some() { 1 } else { argument(3, 1)? };
    if whole_job {
        println!("{}", job::memory((dimension, batch), rows, threads)?);
        return Ok(());
    }
    let seed = argument(4, 0)? as u64;
    let device = open_device(gpu.map_or("cpu", String::as_str), Some(threads))?;
    let data = Matrix::new(numbers(rows * dimension), dimension).into();
    let precision = arguments.get(5).map_or("f32", String::as_str);
    let mut steps = if gpu.is_some() {
        Steps::on_gpu(&data, batch, seed, &device, precision)?
    } else {
        Steps::Cpu(Stepper::new(&data, batch, seed, threads)?)
    };
    let mut last: Option<StepReport> = None;
    println!("ready");
    for line in std::io::stdin().lock().lines() {
        let line = line?;
        let words: Vec<&str> = line.split_whitespace().collect();
        let word = |index: usize| words.get(index).copied().unwrap_or_default();
        let size = |index: usize| word(index).parse::<usize>();
        match word(0) {
            "steps" => {
                let count = size(1)?;
                let start = Instant::now();
                for _ in 0..count {
                    last = Some(steps.step(&device)?);
                }
                println!("{}", start.elapsed().as_secs_f64());
            }
            "report" => match last {
                Some(report) => println!(
                    "{} {} {} {}",
                    report.threshold_g, report.threshold_d, report.loss_g, report.loss_d
                ),
                None => println!("nan nan nan nan"),
            },
            "product" => {
                let (m, n, k) = (size(1)?, size(2)?, size(3)?);
                let (a, b) = (numbers(m * k), numbers(n * k));
                let (a, b) = (View::new(&a, m, k), View::new(&b, n, k).t());
                let mut out = vec![0.0; m * n];
                let mut best = f64::INFINITY;
                for _ in 0..3 {
                    let start = Instant::now();
                    on_device(&device, || product(&mut out, a, b, threads));
                    best = best.min(start.elapsed().as_secs_f64());
                }
                println!("{best}");
            }
            "ways" => {
                let (m, n, k) = (size(1)?, size(2)?, size(3)?);
                let (a, b) = (numbers(m * k), numbers(n * k));
                let (a, b) = (View::new(&a, m, k), View::new(&b, n, k).t());
                let mut out = vec![0.0; m * n];
                let timed = time_kernels(&mut out, a, b);
                let timed = timed
                    .iter()
                    .map(|(kernel, seconds)| format!("{kernel:?} {seconds}"));
                println!("{}", timed.collect::<Vec<_>>().join(" "));
            }
            "dump" => {
                for (index, values) in steps.weights()?.iter().enumerate() {
                    let bytes: Vec<u8> = values.iter().flat_map(|v| v.to_le_bytes()).collect();
                    std::fs::write(Path::new(word(1)).join(format!("{index}.f32")), bytes)?;
                }
                println!("done");
            }
            "auc" => println!("{}", time_auc(size(1)?, size(2)?)?),
            "folder" => {
                make_folder(Path::new(word(1)), size(2)?, size(3)?, word(4) == "1")?;
                println!("done");
            }
            "first" => println!("{}", time_to_first_step(Path::new(word(1)), &device)?),
            "quit" => return Ok(()),
            other => return Err(format!("`{other}` is no question").into()),
        }
    }
    Ok(())
}

/// Steps on the device that was asked for.
enum Steps<'a> {
    Cpu(Stepper<'a>),
    #[cfg(feature = "cuda")]
    Gpu(GpuStepper),
}

impl<'a> Steps<'a> {
    #[cfg(feature = "cuda")]
    fn on_gpu(
        data: &'a Features,
        batch: usize,
        seed: u64,
        device: &Device,
        precision: &str,
    ) -> Result<Self, Box<dyn Error>> {
        use sweeps::training::MatmulPrecision;

        let precision = match precision {
            "f32" => MatmulPrecision::F32,
            "tf32" => MatmulPrecision::Tf32,
            other => return Err(format!("`{other}` is no precision: f32, tf32").into()),
        };
        Ok(Self::Gpu(GpuStepper::new(
            data, batch, seed, device, precision,
        )?))
    }

    #[cfg(not(feature = "cuda"))]
    fn on_gpu(
        _: &'a Features,
        _: usize,
        _: u64,
        _: &Device,
        _: &str,
    ) -> Result<Self, Box<dyn Error>> {
        Err("built without the feature `cuda`".into())
    }

    fn step(&mut self, device: &Device) -> Result<StepReport, TrainError> {
        match self {
            Self::Cpu(stepper) => on_device(device, || stepper.step()),
            #[cfg(feature = "cuda")]
            Self::Gpu(stepper) => stepper.step(),
        }
    }

    fn weights(&self) -> Result<Vec<Vec<f32>>, TrainError> {
        match self {
            Self::Cpu(stepper) => stepper.weights(),
            #[cfg(feature = "cuda")]
            Self::Gpu(stepper) => stepper.weights(),
        }
    }
}

/// Seconds and values of the AUC by segments of 16 frames and by frames.
fn time_auc(frames: usize, repeats: usize) -> Result<String, Box<dyn Error>> {
    let segments = frames / 16;
    let scores = numbers(segments);
    let mut by_segment = Frames::default();
    let mut by_frame = Frames::default();
    let (mut positives, mut negatives, mut expanded) = (Vec::new(), Vec::new(), Vec::new());
    for (segment, score) in scores.iter().enumerate() {
        // Every eighth segment has anomalous frames, some of them half.
        let positive = if segment % 8 == 0 {
            16 - (segment % 3) as u32 * 4
        } else {
            0
        };
        positives.push(positive);
        negatives.push(16 - positive);
        expanded.extend(std::iter::repeat_n(*score, 16));
    }
    by_segment.push_counts(&positives, &negatives);
    let single = |counts: &[u32], others: &[u32]| -> Vec<u32> {
        counts
            .iter()
            .zip(others)
            .flat_map(|(own, _)| (0..16).map(move |frame| u32::from(frame < *own)))
            .collect()
    };
    let ones = single(&positives, &negatives);
    let rest: Vec<u32> = ones.iter().map(|one| 1 - one).collect();
    by_frame.push_counts(&ones, &rest);
    let time = |scores: &[f32], frames: &Frames| {
        let mut best = f64::INFINITY;
        let mut value = None;
        for _ in 0..repeats {
            let start = Instant::now();
            value = auc(scores, frames);
            best = best.min(start.elapsed().as_secs_f64());
        }
        (best, value)
    };
    let (segment_seconds, segment_value) = time(&scores, &by_segment);
    let (frame_seconds, frame_value) = time(&expanded, &by_frame);
    let (Some(segment_value), Some(frame_value)) = (segment_value, frame_value) else {
        return Err("one class".into());
    };
    Ok(format!(
        "{segment_seconds} {frame_seconds} {segment_value} {frame_value}"
    ))
}

fn make_folder(
    folder: &Path,
    videos: usize,
    segments: usize,
    packed: bool,
) -> Result<(), Box<dyn Error>> {
    let dataset = datasets::synthesize(&Synthetic {
        videos: videos as u32,
        mean_length: segments as u32,
        dimension: 2048,
        seed: 0,
        regime: Regime::FixedCameras,
    })?;
    if packed {
        let loose = folder.with_extension("unpacked");
        datasets::write(&dataset, &loose)?;
        datasets::pack(&loose, folder)?;
        std::fs::remove_dir_all(loose)?;
    } else {
        datasets::write(&dataset, folder)?;
    }
    Ok(())
}

/// Seconds to open, to prepare and to make the networks.
fn time_to_first_step(folder: &Path, device: &Device) -> Result<String, Box<dyn Error>> {
    let start = Instant::now();
    let dataset = datasets::open(folder)?;
    let opened = start.elapsed().as_secs_f64();
    let start = Instant::now();
    let prepared = Prepared::new(&dataset, FeatureScaling::None)?;
    let ready = start.elapsed().as_secs_f64();
    let start = Instant::now();
    let stepper = on_device(device, || Stepper::on(&prepared, 8192, 0, device.threads()))?;
    let made = start.elapsed().as_secs_f64();
    drop(stepper);
    Ok(format!("{opened} {ready} {made}"))
}
