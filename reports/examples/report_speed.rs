//! How long a large report takes: `cargo run --release -p reports --example report_speed [JOBS]`.
//!
//! Aggregates and draws made-up jobs in two shapes, one group per variant and a grid of values with ten seeds each, to one
//! HTML page and its SVG figures, each in a process of its own, and prints the CPU time and the peak of memory that the
//! system counted; then what writing the whole report takes, PNG files and tables with it. Ends with 1 where one is above its limit. Linux only.

#[allow(clippy::unwrap_used)] // What tests fabricate.
#[path = "../tests/fabricated/mod.rs"]
mod fabricated;

use std::process::{Command, ExitCode};

/// Jobs, epochs of each, shape, and what is allowed: seconds of CPU, and megabytes of the page.
type Case = (u64, u32, &'static str, f64, f64);

const CASES: [Case; 7] = [
    (10_000, 15, "groups", 2.0, 50.0),
    (10_000, 15, "grid", 2.0, 50.0),
    (1000, 15, "groups", 2.0, 5.0),
    (1000, 100, "groups", 2.0, 5.0),
    (1000, 100, "grid", 2.0, 5.0),
    (20_000, 100, "groups", 10.0, 50.0),
    (20_000, 100, "grid", 10.0, 50.0),
];

fn main() -> Result<ExitCode, Box<dyn std::error::Error>> {
    let mut arguments = std::env::args().skip(1);
    let only: Option<u64> = arguments.next().map(|text| text.parse()).transpose()?;
    if let Some(number) = arguments.next() {
        let case = CASES.get(number.parse::<usize>()?);
        return measure(*case.ok_or("there is no such case")?);
    }
    let mut fine = true;
    for (number, case) in CASES.iter().enumerate() {
        if only.is_none_or(|jobs| jobs == case.0) {
            let myself = std::env::current_exe()?;
            fine &= Command::new(myself)
                .args([case.0.to_string(), number.to_string()])
                .status()?
                .success();
        }
    }
    Ok(if fine {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    })
}

fn measure(
    (jobs, epochs, shape, seconds, megabytes): Case,
) -> Result<ExitCode, Box<dyn std::error::Error>> {
    let results = [match shape {
        // Two variants, ten seeds at each value.
        "grid" => fabricated::long_grid(u32::try_from(jobs / 20)?, epochs),
        _ => fabricated::long(jobs, epochs),
    }];
    let (before, records) = (cpu_seconds()?, peak_megabytes()?);
    let figures = reports::render_figures(&results)?;
    let page = reports::render_page(&results)?;
    let taken = cpu_seconds()? - before;
    let peak = peak_megabytes()? - records;
    let folder = tempfile::tempdir()?;
    reports::write_csv(&results[0], folder.path())?;
    reports::write_report(&results, &folder.path().join("report"))?;
    let written = cpu_seconds()? - before - taken;
    let svg: usize = figures.iter().map(|figure| figure.svg.len()).sum();
    let csv: usize = figures.iter().map(|figure| figure.csv.len()).sum();
    let page = page.len() as f64 / 1e6;
    let line = format!(
        "{jobs} jobs × {epochs} epochs, {shape}: {taken:.2} s of CPU, {written:.2} s to write all files with PNG, {peak:.0} MB beside {records:.0} MB of records, page {page:.2} MB, {} figures of {:.2} MB, their CSV {:.2} MB",
        figures.len(),
        svg as f64 / 1e6,
        csv as f64 / 1e6
    );
    #[expect(clippy::print_stdout, reason = "it is what this program is for")]
    {
        println!("{line}");
    }
    Ok(if taken < seconds && peak < 300.0 && page < megabytes {
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
