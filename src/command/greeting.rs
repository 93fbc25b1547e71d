//! `gcl-sweep` alone: what this is, and what may be typed next.

use std::path::Path;

use sweeps::NextStep;

use super::conclusion::steps;
use crate::error::CommandError;
use crate::output;

const WHAT: &str = "\
gcl-sweep runs sweeps of Generative Cooperative Learning (GCL, CVPR 2022), which looks for anomalies in videos without labels: a \
generator's reconstruction errors are pseudo labels for a discriminator, whose labels teach the generator in turn to reconstruct badly \
what is anomalous. It trains on this machine or on a cluster's GPUs, over many seeds, and writes reports that say what may be claimed.
";

/// The sweep file that a checkout has.
const SHIPPED: &str = "sweeps/quickstart.toml";

/// Greets whoever typed the program's name alone.
pub fn greeting() -> Result<(), CommandError> {
    let first = if Path::new(SHIPPED).exists() {
        vec![(
            "a first sweep, on data that it makes itself, in half a minute:",
            "gcl-sweep run sweeps/quickstart.toml --out out/quickstart",
        )]
    } else {
        vec![
            (
                "a first sweep, on data that it makes itself, in a minute:",
                "gcl-sweep new first.toml --show first",
            ),
            ("", "gcl-sweep run first.toml --out out/first"),
        ]
    };
    let rest = [
        (
            "a sweep file for your own features, or for a figure of the paper, from three questions:",
            "gcl-sweep new",
        ),
        (
            "features and lists as they are passed around, as a data set:",
            "gcl-sweep data import --help",
        ),
        ("features from videos:", "gcl-sweep extract --help"),
        (
            "several machines or GPUs: a coordinator, and a worker for each:",
            "gcl-sweep coordinator --help",
        ),
        ("every command:", "gcl-sweep --help"),
    ];
    let next: Vec<NextStep> = first
        .into_iter()
        .chain(rest)
        .map(|(why, command)| NextStep {
            why: why.to_owned(),
            command: command.to_owned(),
        })
        .collect();
    output::prose(&format!("{WHAT}{}", steps(&next)))
}
