//! A sweep file for somebody's own data, from one that ships: its variants and its report stay, the data set and the settings
//! that depend on it are rewritten.

use crate::choice::{Choice, choices};

choices! {
    /// What a sweep is to show.
    pub enum Show {
        /// GCL_B beside an autoencoder.
        First = "first",
        /// Controls, an autoencoder, its student and GCL_B: six numbers.
        FirstLook = "first-look",
        /// Fig. 4 of the paper.
        Fig4 = "fig4",
        /// Fig. 5.
        Fig5 = "fig5",
        /// Fig. 6.
        Fig6 = "fig6",
        /// Fig. 7.
        Fig7 = "fig7",
        /// Fig. 8.
        Fig8 = "fig8",
        /// Fig. 9.
        Fig9 = "fig9",
        /// Fig. 10.
        Fig10 = "fig10",
        /// Table 1.
        Table1 = "table1",
        /// Table 2.
        Table2 = "table2",
        /// AUC over the thresholds.
        Thresholds = "thresholds",
    }
}

impl Show {
    /// The file that ships for small data.
    fn shipped(self) -> &'static str {
        match self {
            Self::First => include_str!("../quickstart.toml"),
            Self::FirstLook => include_str!("../first-look.toml"),
            Self::Fig4 => include_str!("../small/fig4.toml"),
            Self::Fig5 => include_str!("../small/fig5.toml"),
            Self::Fig6 => include_str!("../small/fig6.toml"),
            Self::Fig7 => include_str!("../small/fig7.toml"),
            Self::Fig8 => include_str!("../small/fig8.toml"),
            Self::Fig9 => include_str!("../small/fig9.toml"),
            Self::Fig10 => include_str!("../small/fig10.toml"),
            Self::Table1 => include_str!("../small/table1.toml"),
            Self::Table2 => include_str!("../small/table2.toml"),
            Self::Thresholds => include_str!("../small/thresholds.toml"),
        }
    }
}

/// The data that a draft is for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DraftData {
    /// The name that `--data NAME=DIR` gives them.
    pub name: String,
    /// Width of a feature row.
    pub dimension: usize,
    /// Segments of the training split.
    pub segments: usize,
}

/// Segments and dimension of the generated set that a draft without data names.
const GENERATED: (usize, usize) = (8000, 128);
/// Steps that an epoch should have at least; the paper's batch of 8192 makes 96 of UCF-Crime's segments.
const STEPS: usize = 20;
/// The paper's learning rate, and the width it is for.
const RATE: (f64, f64) = (2e-5, 2048.0);

/// The text of a sweep file. Without `data` it generates its own; without `seeds` it has as many as the file that ships.
pub fn draft(show: Show, data: Option<&DraftData>, seeds: Option<u32>) -> String {
    let (segments, dimension) = data.map_or(GENERATED, |data| (data.segments, data.dimension));
    let batch = batch_size(segments);
    let rate = RATE.0 * RATE.1 / dimension.max(1) as f64;
    let place = data.map_or("generated data", |data| data.name.as_str());
    let mut out = String::new();
    out.push_str(&format!(
        "name = {:?}\n",
        data.map_or_else(
            || show.word().to_owned(),
            |data| format!("{}-{}", show.word(), data.name)
        )
    ));
    out.push_str(&format!(
        "description = {:?}\n\n",
        format!("{} On {place}.", purpose(show))
    ));
    match data {
        Some(data) => out.push_str(&format!(
            "[dataset]\nname = {:?}   # gcl-sweep run … --data {}=DIR\n\n",
            data.name, data.name
        )),
        None if show == Show::First => {
            // Whether one is ahead of the other is asked of worlds, not of one.
            out.push_str(&GENERATED_TEXT.replace(ONE_WORLD, WORLDS));
        }
        None => out.push_str(GENERATED_TEXT),
    }
    let (mut section, mut reported) = ("", false);
    for line in show.shipped().lines() {
        if line.starts_with('[') {
            section = line.trim();
        }
        if line.trim() == "[report]" && !reported {
            out.push_str(CONTROLLED);
            reported = true;
            continue;
        }
        match section {
            // What stands above is written anew, and what leads elsewhere is not this file's.
            "" | "[dataset]" | "[dataset.synthetic]" | "[[next]]" => continue,
            _ => {}
        }
        let key = line.split('=').next().unwrap_or("").trim();
        let line = match (section, key) {
            ("[job]", "batch_size") => format!(
                "batch_size = {batch}   # {} steps an epoch on {segments} segments; the paper's 8192 is for UCF-Crime's 790,000",
                segments / batch
            ),
            ("[job]", "learning_rate") => format!(
                "learning_rate = {rate:.0e}   # the paper's 2e-5 is for 2048 dimensions; scaled as 1/width"
            ),
            ("[job]", "feature_scaling") if data.is_none() => {
                "feature_scaling = \"none\"   # as the generator makes them; on other features try \"standard\" and \"l2\" too"
                    .to_owned()
            }
            ("[job]", "feature_scaling") => {
                "feature_scaling = \"standard\"   # the paper states none; it decides more than any other setting: try \"none\" and \"l2\" too"
                    .to_owned()
            }
            ("[axes]", "seed") => match seeds {
                Some(seeds) => format!("seed = {{ from = 0, count = {seeds} }}"),
                None => line.to_owned(),
            },
            ("[report]", "controls") => continue,
            _ => line.to_owned(),
        };
        if !(line.is_empty() && out.ends_with("\n\n")) {
            out.push_str(&line);
            out.push('\n');
        }
    }
    if !reported {
        out.push('\n');
        out.push_str(CONTROLLED);
    }
    out
}

/// Every draft has what its methods must be held against.
const CONTROLLED: &str = "\
[report]
controls = true          # what needs no learning, below the table; and what kind of data this is
";

const ONE_WORLD: &str = "seed = 1                 # of the data\n";
const WORLDS: &str = "seed = \"job\"             # each seed has data of its own\n";
const GENERATED_TEXT: &str = "\
[dataset.synthetic]      # replace it by [dataset] name = \"…\" for data of your own
videos = 300             # two thirds train, one third tests
mean_length = 40         # segments of 16 frames
dimension = 128
seed = 1                 # of the data
regime = \"coherent-events\"   # a world in which GCL can work: events share a direction
coherence = 0.9          # at 0 they share none, and GCL is behind the autoencoder

";

/// What the shipped file says that it shows, without the data that it shows it on.
fn purpose(show: Show) -> String {
    if show == Show::First {
        return "GCL_B beside a plain autoencoder, and beside a D that learns that autoencoder's labels once (AE→D)."
            .to_owned();
    }
    let line = show
        .shipped()
        .lines()
        .find_map(|line| line.strip_prefix("description = \""));
    let text = line.unwrap_or_default();
    let end = [" On person tracks", " on person tracks"]
        .iter()
        .filter_map(|cut| text.find(cut))
        .min()
        .unwrap_or(text.len());
    let text = text[..end].trim_end_matches(['"', '.', ':']);
    format!("{text}.")
}

/// The largest power of two that leaves an epoch its steps, 16 to the paper's 8192.
fn batch_size(segments: usize) -> usize {
    let most = (segments / STEPS).clamp(16, 8192);
    1 << most.ilog2()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Limits, expand_text};

    #[test]
    fn every_draft_is_a_sweep_file_without_fault_or_warning() {
        let data = DraftData {
            name: "my-features".into(),
            dimension: 1024,
            segments: 50_000,
        };
        for show in Show::ALL {
            let (_, shipped) = expand_text("s", show.shipped(), Limits::default()).unwrap();
            for (data, seeds) in [
                (None, None),
                (Some(&data), None),
                (Some(&data), Some(7)),
                (None, Some(1)),
            ] {
                let text = draft(*show, data, seeds);
                let (spec, expansion) = expand_text("draft", &text, Limits::default())
                    .unwrap_or_else(|faults| panic!("{text}\n{faults}"));
                assert!(spec.warnings.is_empty() && spec.next.is_empty(), "{text}");
                assert!(!text.contains("tracks") && !text.contains("147"), "{text}");
                let cells = |expansion: &crate::Expansion| -> Vec<String> {
                    let rows = expansion.cells.iter();
                    rows.filter(|cell| cell.control().is_none())
                        .map(|cell| cell.variant.clone())
                        .collect()
                };
                let variants =
                    |expansion: &crate::Expansion| -> std::collections::BTreeSet<String> {
                        cells(expansion).into_iter().collect()
                    };
                let controls = expansion.cells.len() - cells(&expansion).len();
                // Of each world, where seeds have worlds of their own.
                let worlds: std::collections::BTreeSet<_> = expansion
                    .cells
                    .iter()
                    .map(|cell| &cell.job.dataset)
                    .collect();
                assert_eq!(controls, 7 * worlds.len(), "{text}");
                // A sweep without variants has one of its own name.
                assert!(
                    variants(&expansion) == variants(&shipped) || variants(&expansion).len() == 1
                );
                if seeds.is_none() {
                    assert_eq!(cells(&expansion).len(), cells(&shipped).len());
                }
            }
        }
    }

    #[test]
    fn settings_follow_the_data() {
        assert_eq!(
            [790_000, 10_972, 3200, 5].map(batch_size),
            [8192, 512, 128, 16]
        );
        let of = |dimension| {
            let data = DraftData {
                name: "d".into(),
                dimension,
                segments: 790_000,
            };
            draft(Show::First, Some(&data), Some(3))
        };
        assert!(of(2048).contains("learning_rate = 2e-5 "));
        assert!(of(1024).contains("learning_rate = 4e-5 "));
        assert!(
            of(2048).contains("batch_size = 8192 ")
                && of(2048).contains("seed = { from = 0, count = 3 }")
        );
    }
}
