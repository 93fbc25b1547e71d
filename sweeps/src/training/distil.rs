//! `method = "distil"`: labels that are made once, from which D learns.

use crate::choice::choices;

choices! {
    /// Who makes the labels.
    pub enum LabelMaker {
        /// The error of a reconstruction.
        Reconstruction = "reconstruction",
        /// C2FPL (Al-lahham et al., WACV 2024).
        C2fpl = "c2fpl",
        /// CLAP (Al-lahham et al., CVPR 2024).
        Clap = "clap",
        /// LANP (Shi et al., ECCV 2024).
        Lanp = "lanp",
    }

    /// What reconstructs.
    pub enum LabelModel {
        /// G, trained as `method = "autoencoder"` trains it.
        Autoencoder = "autoencoder",
        /// The principal components that explain 90% of the variance.
        Pca = "pca",
    }

    /// The word of a [`LabelRule`].
    pub enum LabelRuleWord {
        /// [`LabelRule::MeanStd`].
        MeanStd = "mean-std",
        /// [`LabelRule::TopPercent`].
        TopPercent = "top-percent",
        /// [`LabelRule::SoftRank`].
        SoftRank = "soft-rank",
    }

    /// How alike two segments of a video are, to LANP.
    pub enum Affinity {
        /// The cosine of their features.
        Cosine = "cosine",
        /// exp(−rms/2) of the root of the mean squared difference of their features.
        Rms = "rms",
    }
}

/// How errors of the whole training set become labels.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum LabelRule {
    /// 1 from mean + k·population std on.
    MeanStd {
        /// k.
        k: f64,
    },
    /// 1 for the largest round(percent/100·N) errors, at least one.
    TopPercent {
        /// Percent of the training rows.
        percent: f64,
    },
    /// ((rank − ½)/N)^exponent.
    SoftRank {
        /// The exponent.
        exponent: f64,
    },
}

/// Numbers and choices of `method = "distil"`.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Distil {
    /// Who makes the labels.
    pub maker: LabelMaker,
    /// What reconstructs.
    pub model: LabelModel,
    /// Parts that the videos are cut into, each labelled by a model of the others; 0: one model labels what it was fitted on.
    pub folds: usize,
    /// σ of the Gaussian over the errors of a video, in segments; 0 is off.
    pub smoothing: f64,
    /// From errors to labels.
    pub rule: LabelRule,
    /// The share of the videos in which LANP labels.
    pub share: Option<f64>,
    /// LANP's.
    pub affinity: Affinity,
}

impl Distil {
    /// Whether there is an error of test segments, with which D's score can be fused.
    pub fn has_errors(&self) -> bool {
        self.maker == LabelMaker::Reconstruction
    }

    /// Autoencoders that are trained before D: one of all rows, and one for each fold.
    pub fn autoencoders(&self) -> usize {
        match (self.maker, self.model) {
            (LabelMaker::Reconstruction, LabelModel::Autoencoder) => 1 + self.folds,
            _ => 0,
        }
    }
}
