//! How long a large report takes: `cargo run --release -p reports --example report_speed [JOBS]`.
//!
//! Aggregates and draws that many made-up jobs of 15 epochs in two shapes, one group per variant and a grid of 500 values, to
//! one HTML page and its SVG figures, each in a process of its own, and prints the CPU time and the peak of memory that the
//! system counted. Ends with 1 where a report of 10,000 jobs takes 2 s or 300 MB, or a page of 1,000 jobs 5 MB. Linux only.

#[path = "../tests/fabricated/mod.rs"]
mod fabricated;

use std::process::{Command, ExitCode};

fn main() -> Result<ExitCode, Box<dyn std::error::Error>> {
    let mut arguments = std::env::args().skip(1);
    let jobs: u64 = arguments.next().map_or(Ok(10_000), |text| text.parse())?;
    if let Some(shape) = arguments.next() {
        return measure(jobs, &shape);
    }
    let mut fine = true;
    for (jobs, shape) in [(jobs, "groups"), (jobs, "grid"), (1000, "groups")] {
        let myself = std::env::current_exe()?;
        fine &= Command::new(myself)
            .args([&jobs.to_string(), shape])
            .status()?
            .success();
    }
    Ok(if fine {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    })
}

fn measure(jobs: u64, shape: &str) -> Result<ExitCode, Box<dyn std::error::Error>> {
    let results = [match shape {
        // Two variants, ten seeds at each value.
        "grid" => fabricated::large_grid(u32::try_from(jobs / 20)?),
        _ => fabricated::large(jobs),
    }];
    let before = cpu_seconds()?;
    let figures = reports::render_figures(&results)?;
    let page = reports::render_page(&results)?;
    let seconds = cpu_seconds()? - before;
    let svg: usize = figures.iter().map(|figure| figure.svg.len()).sum();
    let (page, peak) = (page.len() as f64 / 1e6, peak_megabytes()?);
    let line = format!(
        "{jobs} jobs × 15 epochs, {shape}: {seconds:.2} s of CPU, peak {peak:.0} MB with the records, page {page:.2} MB, {} figures of {:.2} MB",
        figures.len(),
        svg as f64 / 1e6
    );
    #[expect(clippy::print_stdout, reason = "it is what this program is for")]
    {
        println!("{line}");
    }
    let fine = seconds < 2.0 && peak < 300.0 && (jobs > 1000 || page < 5.0);
    Ok(if fine || jobs > 10_000 {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    })
}

/// User and system time of this process; the kernel counts in hundredths.
fn cpu_seconds() -> Result<f64, Box<dyn std::error::Error>> {
    let stat = std::fs::read_to_string("/proc/self/stat")?;
    // The name in brackets may hold anything.
    let rest = stat.rsplit(')').next().unwrap_or_default();
    let ticks: u64 = rest
        .split_whitespace()
        .skip(11)
        .take(2)
        .map(str::parse::<u64>)
        .sum::<Result<_, _>>()?;
    Ok(ticks as f64 / 100.0)
}

fn peak_megabytes() -> Result<f64, Box<dyn std::error::Error>> {
    let status = std::fs::read_to_string("/proc/self/status")?;
    let line = status
        .lines()
        .find_map(|line| line.strip_prefix("VmHWM:"))
        .ok_or("the kernel says nothing of VmHWM")?;
    let kilobytes: f64 = line.trim().trim_end_matches(" kB").parse()?;
    Ok(kilobytes / 1024.0)
}
