//! What the measurements share: release binaries started in a folder of their own, and the sweeps they are given.
#![allow(
    clippy::expect_used,
    clippy::print_stdout,
    reason = "a measurement that cannot be made says why and ends; its numbers go to stdout"
)]

pub mod house;

use proto::nouns::Submit;

/// A sweep of `count` jobs that differ in their seed, beginning with `first`.
pub fn sweep(name: &str, first: u64, count: u64) -> Submit {
    Submit {
        file: format!("{name}.toml"),
        text: format!(
            "name = \"{name}\"\n[dataset.synthetic]\nvideos = 12\n[axes]\nseed = {{ from = {first}, count = {count} }}\n"
        ),
        max_jobs: Some(count as usize),
        ..Submit::default()
    }
}

/// The value after `--NAME`, or the default.
#[allow(
    clippy::match_wild_err_arm,
    reason = "whatever kind of number it was to be: it is none"
)]
pub fn argument<T: std::str::FromStr>(name: &str, default: T) -> T {
    let mut arguments = std::env::args().skip_while(|argument| argument != name);
    arguments.next();
    arguments.next().map_or(default, |text| {
        text.parse()
            .unwrap_or_else(|_| panic!("`{text}` cannot be the value of {name}"))
    })
}

/// The value below which that share of the sorted `values` is.
pub fn quantile(values: &mut [f64], share: f64) -> f64 {
    values.sort_by(f64::total_cmp);
    let last = values.len().saturating_sub(1);
    values[((last as f64) * share).round() as usize]
}
