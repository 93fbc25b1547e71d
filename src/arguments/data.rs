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
    /// own-cameras, fixed-cameras or hard-bursts
    #[arg(long, default_value = "fixed-cameras", value_parser = parse_regime)]
    pub regime: sweeps::Regime,
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
