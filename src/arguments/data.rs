//! `data inspect`, `synth`, `import` and `pack`.

use std::path::PathBuf;

use clap::{Args, Subcommand};
use datasets::import::ExtraRows;
use sweeps::Choice;
use sweeps::training::FeatureScaling;

#[derive(Debug, Subcommand)]
pub enum Data {
    /// Check a data set and print what is in it
    Inspect(Inspect),
    /// Make a synthetic data set from a seed
    Synth(Synth),
    /// Make a data set from features and annotations as they are passed around
    #[command(subcommand)]
    Import(Import),
    /// Copy a data set into one file per split: opens at once, and workers of one host share its pages
    Pack {
        /// The data set's folder
        folder: PathBuf,
        /// Folder to make; must not exist, or be empty
        #[arg(long, value_name = "DIR")]
        out: PathBuf,
    },
}

#[derive(Debug, Args)]
pub struct Inspect {
    /// The data set's folder, or a sweep file with `[dataset.synthetic]`
    pub path: PathBuf,
    /// Also what kind of data it is: how features are spread, what scores without learning reach, whether events share a direction,
    /// what the split gives away, and what GCL may be expected to do there
    #[arg(long)]
    pub regime: bool,
    /// How --regime scales the features: as `feature_scaling` of a sweep
    #[arg(long, value_name = "SCALING", default_value = "none", value_parser = parse_scaling, requires = "regime")]
    pub feature_scaling: FeatureScaling,
    /// Threads of --regime [default: cores]
    #[arg(long, value_name = "N", value_parser = super::numbers::positive, requires = "regime")]
    pub threads: Option<usize>,
}

#[derive(Debug, Subcommand)]
pub enum Import {
    /// UCF-Crime: train and test lists, temporal annotation text
    UcfCrime(ImportFrom),
    /// ShanghaiTech in the split of Zhong et al.: train and test lists, folder of frame masks
    #[command(name = "shanghaitech")]
    ShanghaiTech(ImportFrom),
    /// XD-Violence: train and test lists, annotation text of the violent test videos
    XdViolence(ImportFrom),
    /// UpCam: hours of one camera without labels, and one with a label for every frame; needs no lists
    #[command(name = "upcam")]
    UpCam(ImportUpCam),
}

#[derive(Debug, Args)]
pub struct ImportUpCam {
    /// Folder with the features of the videos `00-00` … `09-23` and `00`; folders within it are looked into
    #[arg(long, value_name = "DIR")]
    pub features: PathBuf,
    /// Truth of the test videos: the folder `data/eval/labels`, or the files 00.csv in it; repeatable
    #[arg(long, value_name = "PATH", required = true)]
    pub annotations: Vec<PathBuf>,
    /// Folder to make; must not exist, or be empty
    #[arg(long, value_name = "DIR")]
    pub out: PathBuf,
    /// Name of the data set, under which sweep files know it
    #[arg(long, default_value = "upcam")]
    pub name: String,
    /// What made the features
    #[arg(long, default_value = "unknown")]
    pub extractor: String,
    /// Frames of a segment
    #[arg(long, value_name = "N", default_value_t = 16, value_parser = clap::value_parser!(u32).range(1..=100_000))]
    pub frames_per_segment: u32,
    /// Link to features that can stay as they are instead of copying them
    #[arg(long)]
    pub link: bool,
}

#[derive(Debug, Args)]
pub struct ImportFrom {
    /// Folder with the features; folders within it are looked into
    #[arg(long, value_name = "DIR")]
    pub features: PathBuf,
    /// List of the training videos; repeatable
    #[arg(long, value_name = "FILE", required = true)]
    pub train: Vec<PathBuf>,
    /// List of the test videos; repeatable
    #[arg(long, value_name = "FILE", required = true)]
    pub test: Vec<PathBuf>,
    /// Truth of the test videos: UCF-Crime's annotation text, or ShanghaiTech's folder of frame masks; repeatable
    #[arg(long, value_name = "PATH", required = true)]
    pub annotations: Vec<PathBuf>,
    /// List that knows the videos' numbers of frames; repeatable
    #[arg(long, value_name = "FILE")]
    pub frame_counts: Vec<PathBuf>,
    /// Folder to make; must not exist, or be empty
    #[arg(long, value_name = "DIR")]
    pub out: PathBuf,
    /// Name of the data set, under which sweep files know it
    #[arg(long)]
    pub name: String,
    /// What made the features
    #[arg(long, default_value = "unknown")]
    pub extractor: String,
    /// Frames of a segment
    #[arg(long, value_name = "N", default_value_t = 16, value_parser = clap::value_parser!(u32).range(1..=100_000))]
    pub frames_per_segment: u32,
    /// Leave out videos without features, or without those of one crop, instead of refusing
    #[arg(long)]
    pub skip_missing: bool,
    /// Videos with more rows than their frames allow: refuse; keep all rows (training only); drop those past the last frame
    #[arg(long, value_name = "RULE", default_value = "refuse", value_parser = parse_extra_rows)]
    pub extra_rows: ExtraRows,
    /// Link to features that can stay as they are instead of copying them
    #[arg(long)]
    pub link: bool,
}

#[derive(Debug, Args)]
pub struct Synth {
    /// Folder to write; must not exist, or be empty
    pub folder: PathBuf,
    /// Videos altogether; two thirds train, one third tests
    #[arg(long, default_value_t = 90, value_parser = clap::value_parser!(u32).range(6..=100_000))]
    pub videos: u32,
    /// Mean length of a video, in segments of 16 frames
    #[arg(long, default_value_t = 25, value_parser = clap::value_parser!(u32).range(4..=10_000))]
    pub mean_length: u32,
    /// Feature dimension
    #[arg(long, default_value_t = 128, value_parser = clap::value_parser!(u32).range(8..=16_384))]
    pub dimension: u32,
    /// Seed
    #[arg(long, default_value_t = 0)]
    pub seed: u64,
    /// own-cameras, fixed-cameras, hard-bursts or coherent-events
    #[arg(long, default_value = "fixed-cameras", value_parser = parse_regime)]
    pub regime: sweeps::Regime,
    /// coherent-events: share of an event's squared length along the one direction that all events have in common, 0 to 1 (0.9)
    #[arg(long, value_name = "SHARE", value_parser = parse_amount)]
    pub coherence: Option<sweeps::Amount>,
    /// coherent-events: how far each video's own camera moves its features, 0 to 100 (1)
    #[arg(long, value_name = "NUMBER", value_parser = parse_amount)]
    pub camera_strength: Option<sweeps::Amount>,
    /// coherent-events: how far an event moves them, 0 to 100 (2)
    #[arg(long, value_name = "NUMBER", value_parser = parse_amount)]
    pub amplitude: Option<sweeps::Amount>,
    /// coherent-events: how much an event's strength changes from segment to segment, 0 to 100 (0.6)
    #[arg(long, value_name = "NUMBER", value_parser = parse_amount)]
    pub flicker: Option<sweeps::Amount>,
    /// coherent-events: share of segments in ordinary bursts, each along a direction of its own, 0 to 1 (0.1)
    #[arg(long, value_name = "SHARE", value_parser = parse_amount)]
    pub clutter: Option<sweeps::Amount>,
}

impl Synth {
    /// The regime with the settings that were given.
    ///
    /// # Errors
    /// A setting that the regime does not have.
    pub fn world(&self) -> Result<sweeps::Regime, String> {
        let given = [
            ("coherence", self.coherence),
            ("camera_strength", self.camera_strength),
            ("amplitude", self.amplitude),
            ("flicker", self.flicker),
            ("clutter", self.clutter),
        ];
        let mut regime = self.regime;
        for (name, amount) in given {
            let Some(amount) = amount else { continue };
            let sweeps::Regime::CoherentEvents(events) = &mut regime else {
                let flag = name.replace('_', "-");
                return Err(format!(
                    "--{flag} means nothing in the regime {}: it is a setting of coherent-events",
                    regime.name()
                ));
            };
            if let Some(setting) = events.setting_mut(name) {
                *setting = amount;
            }
        }
        Ok(regime)
    }
}

fn parse_amount(text: &str) -> Result<sweeps::Amount, String> {
    let number: f64 = text
        .parse()
        .map_err(|_| "a number is expected".to_owned())?;
    sweeps::Amount::try_from(number).map_err(|error| error.to_string())
}

fn parse_extra_rows(text: &str) -> Result<ExtraRows, String> {
    ExtraRows::ALL
        .iter()
        .find(|(name, _)| *name == text)
        .map(|(_, rule)| *rule)
        .ok_or_else(|| {
            format!(
                "one of: {}",
                ExtraRows::ALL.map(|(name, _)| name).join(", ")
            )
        })
}

fn parse_scaling(text: &str) -> Result<FeatureScaling, String> {
    FeatureScaling::of_word(text)
        .ok_or_else(|| format!("one of: {}", FeatureScaling::WORDS.join(", ")))
}

fn parse_regime(text: &str) -> Result<sweeps::Regime, String> {
    let regimes = sweeps::Regime::ALL;
    regimes
        .iter()
        .find(|(name, _)| *name == text)
        .map(|(_, regime)| *regime)
        .ok_or_else(|| format!("one of: {}", regimes.map(|(name, _)| name).join(", ")))
}
