//! Seconds per clip of a backbone with random weights: `time_per_clip BACKBONE THREADS|cuda:N BATCH ROUNDS`. The
//! script `benches/time_per_clip.py` calls it in turn with PyTorch.

use std::io::Write;

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [backbone, threads, batch, rounds] = &arguments[..] else {
        return Err("time_per_clip BACKBONE THREADS BATCH ROUNDS".into());
    };
    let backbone = extract::Backbone::from_name(backbone).ok_or("no such backbone")?;
    let (batch, rounds): (usize, usize) = (batch.parse()?, rounds.parse()?);
    let device = if threads.starts_with("cuda:") {
        extract::Device::open(threads, None)?
    } else {
        extract::Device::open("cpu", Some(threads.parse()?))?
    };
    let extractor = extract::Extractor::load(backbone, &extract::Weights::Random(1), &device)?;
    let side = backbone.crop();
    let clip = extract::Clip {
        frames: 16,
        side,
        pixels: (0..16 * side * side * 3)
            .map(|i| (i * 7919 % 251) as u8)
            .collect(),
    };
    let clips = vec![clip; batch];
    extractor.features(&clips)?;
    for _ in 0..rounds {
        #[expect(clippy::disallowed_methods, reason = "this program measures")]
        let start = std::time::Instant::now();
        extractor.features(&clips)?;
        let seconds = start.elapsed().as_secs_f64() / batch as f64;
        writeln!(std::io::stdout(), "{seconds}")?;
    }
    Ok(())
}
