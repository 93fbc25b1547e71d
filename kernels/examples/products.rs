//! GFLOP/s of a · bᵀ by every kernel of this processor, asked in turns: `products M N K [ROUNDS]`, on one thread.
//!
//! Time is what the thread itself computed (`/proc/thread-self/schedstat`), where the system tells it: other programs
//! disturb it less than the clock on the wall. Kernels share a process and alternate; compare the medians.
#![expect(clippy::print_stdout, reason = "it is a command")]
#![allow(
    clippy::disallowed_methods,
    clippy::disallowed_types,
    reason = "timing is its purpose"
)]

use std::error::Error;
use std::time::Instant;

use kernels::product::{GemmKernel, View};

/// Seconds that this thread computed so far.
fn computed(start: Instant) -> f64 {
    std::fs::read_to_string("/proc/thread-self/schedstat")
        .ok()
        .and_then(|text| text.split_whitespace().next()?.parse::<u64>().ok())
        .map_or_else(
            || start.elapsed().as_secs_f64(),
            |nanoseconds| nanoseconds as f64 / 1e9,
        )
}

fn main() -> Result<(), Box<dyn Error>> {
    let arguments = std::env::args()
        .skip(1)
        .map(|text| text.parse::<usize>())
        .collect::<Result<Vec<_>, _>>()?;
    let (&[m, n, k], rounds) = (match &arguments[..] {
        [shape @ .., rounds] if arguments.len() == 4 => (shape, *rounds),
        shape => (shape, 9),
    }) else {
        return Err("products M N K [ROUNDS]".into());
    };
    let number = |i: usize| ((i as u32).wrapping_mul(2_654_435_761) >> 8) as f32 / 16_777_216.0;
    let (a, b): (Vec<f32>, Vec<f32>) = (
        (0..m * k).map(number).collect(),
        (0..n * k).map(number).collect(),
    );
    let (a, b) = (View::new(&a, m, k), View::new(&b, n, k).t());
    let mut out = vec![0.0; m * n];
    let start = Instant::now();
    let mut taken: Vec<(GemmKernel, Vec<f64>)> = GemmKernel::available()
        .map(|kernel| (kernel, Vec::new()))
        .collect();
    for round in 0..=rounds {
        for (kernel, taken) in &mut taken {
            let before = computed(start);
            kernel.multiply(&mut out, a, b);
            // The first round touches the pages.
            if round > 0 {
                taken.push(computed(start) - before);
            }
        }
    }
    for (kernel, mut taken) in taken {
        taken.sort_by(f64::total_cmp);
        let rate = |seconds: f64| 2e-9 * (m * n * k) as f64 / seconds;
        println!(
            "{kernel:?}: {:.1} GFLOP/s (median), {:.1} (best)",
            rate(taken[taken.len() / 2]),
            rate(taken[0])
        );
    }
    Ok(())
}
