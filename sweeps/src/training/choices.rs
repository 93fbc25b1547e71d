//! What a job may be: choices that own their words in a sweep file, and the numbers that come with them.

use crate::choice::choices;

choices! {
    /// What is trained.
    pub enum Method {
        /// G and D together.
        Gcl = "gcl",
        /// G alone on its input.
        Autoencoder = "autoencoder",
        /// G on pseudo labels from its own error (§4.2).
        GclOwnLabels = "gcl-own-labels",
        /// Baseline: Mahalanobis distance in a random subspace (Kim et al., as the paper has it in Table 1).
        AdKim = "adkim",
        /// Baseline: reconstruction error of principal components.
        Pca = "pca",
        /// Baseline: isolation forest.
        IsolationForest = "isolation-forest",
        /// Baseline: one-class SVM over random Fourier features.
        OneClassSvm = "one-class-svm",
        /// Baseline, weakly supervised: multiple-instance ranking (Sultani et al.).
        MilRanking = "mil-ranking",
        /// D on labels that are made once (the paper's missing ablation, and the label makers of its successors).
        Distil = "distil",
        /// A score without any learning: see [`Control`](crate::training::Control).
        Control = "control",
    }
}

impl Method {
    /// Whether it is trained by this paper's networks and steps.
    pub fn has_generator(self) -> bool {
        matches!(self, Self::Gcl | Self::Autoencoder | Self::GclOwnLabels)
    }

    /// Whether its networks learn in batches of `batch_size`.
    pub fn has_batches(self) -> bool {
        self.has_generator() || self == Self::Distil
    }

    /// Whether it trains the paper's D.
    pub fn has_discriminator(self) -> bool {
        matches!(self, Self::Gcl | Self::Distil)
    }
}

/// Numbers of ADKim.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct AdKim {
    /// Dimensions of the random subspace.
    pub dimensions: usize,
    /// Added to the covariance's diagonal, in mean variances.
    pub ridge: f64,
}

/// Numbers of the isolation forest.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct IsolationForest {
    /// Trees.
    pub trees: usize,
    /// Segments that each tree is grown on.
    pub samples: usize,
}

/// Numbers of the one-class SVM.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct OneClassSvm {
    /// Share of the training segments that may lie outside.
    pub nu: f64,
    /// Of the kernel exp(−γ·distance²); `None`: 1/(d·variance).
    pub gamma: Option<f64>,
    /// Random Fourier features.
    pub features: usize,
    /// Segments that it is fitted on.
    pub samples: usize,
    /// Passes over them.
    pub passes: usize,
}

/// Numbers of MIL ranking.
#[derive(Debug, Clone, PartialEq)]
pub struct Mil {
    /// Segments of a bag.
    pub segments: usize,
    /// Bags of each class in a step.
    pub bags: usize,
    /// Weight of the sparsity term.
    pub sparsity: f64,
    /// Weight of the smoothness term.
    pub smoothness: f64,
    /// Hidden widths.
    pub hidden: Vec<usize>,
    /// Dropout after each hidden layer, `[0, 1)`.
    pub dropout: f64,
    /// Times the weight, added to its gradient.
    pub weight_decay: f64,
}

/// Numbers of RMSprop: s ← αs + (1−α)g²; m ← μm + g/(√s + ε); w ← w − ηm.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct RmsProp {
    /// α.
    pub alpha: f64,
    /// μ.
    pub momentum: f64,
    /// ε.
    pub epsilon: f64,
}

choices! {
    /// Scaling of the features, fitted on the training split alone.
    pub enum FeatureScaling {
        /// As they are.
        None = "none",
        /// Each row to unit norm.
        L2 = "l2",
        /// Divided so that the mean norm of the training rows is one.
        UnitMean = "unit-mean",
        /// Each dimension to mean 0 and population std 1; to 0 where it is constant in training.
        Standard = "standard",
        /// Each dimension to `[0, 1]`.
        MinMax = "min-max",
    }
}

choices! {
    /// Error of a row.
    pub enum ReconstructionError {
        /// ‖f − f̂‖₂ (Eq. 1).
        L2 = "l2",
        /// Mean of the squares.
        Mse = "mse",
    }
}

choices! {
    /// How the products of the networks' matrices are made.
    pub enum MatmulPrecision {
        /// In f32.
        F32 = "f32",
        /// Inputs rounded to TF32 (10 bits of mantissa), sums in f32: what tensor cores take.
        Tf32 = "tf32",
    }
}

choices! {
    /// When D labels G's batch.
    pub enum UpdateOrder {
        /// After its own step.
        Alternating = "alternating",
        /// Before it.
        Simultaneous = "simultaneous",
    }
}

choices! {
    /// G's labels.
    pub enum PseudoLabels {
        /// Thresholded.
        Hard = "hard",
        /// (e − min)/(max − min) over the batch.
        Soft = "soft",
    }
}

choices! {
    /// The word of a [`Threshold`].
    pub enum ThresholdWord {
        /// [`Threshold::MeanStd`].
        MeanStd = "mean-std",
        /// [`Threshold::TopPercent`].
        TopPercent = "top-percent",
        /// [`Threshold::Fixed`].
        Fixed = "fixed",
        /// [`Threshold::Otsu`].
        Otsu = "otsu",
        /// [`Threshold::Valley`].
        Valley = "valley",
    }
}

/// Which values of a batch are labelled positive.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Threshold {
    /// Mean + k·population std.
    MeanStd {
        /// k.
        k: f64,
    },
    /// The largest round(percent/100·b) values, at least one.
    TopPercent {
        /// Percent of the batch.
        percent: f64,
    },
    /// A constant.
    Fixed {
        /// The constant.
        value: f64,
    },
    /// Otsu's cut of the batch's histogram.
    Otsu,
    /// The emptiest bin between the histogram's two peaks (§3.2.2).
    Valley,
}

choices! {
    /// The word of a [`NegativeTarget`].
    pub enum NegativeTargetWord {
        /// [`NegativeTarget::Ones`].
        Ones = "ones",
        /// [`NegativeTarget::Replace`].
        Replace = "replace",
        /// [`NegativeTarget::Gaussian`].
        Gaussian = "gaussian",
        /// [`NegativeTarget::None`].
        None = "none",
    }
}

/// What G is taught for rows labelled anomalous (§3.2.5).
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum NegativeTarget {
    /// All ones.
    Ones,
    /// The features of a row of the batch labelled normal.
    Replace,
    /// f + σ·N(0, 1).
    Gaussian {
        /// σ.
        sigma: f64,
    },
    /// Left out of the loss.
    None,
}

choices! {
    /// The word of a [`Pretraining`].
    pub enum PretrainingWord {
        /// [`Pretraining::Off`].
        Off = "off",
        /// [`Pretraining::TemporalDifference`].
        TemporalDifference = "temporal-difference",
        /// [`Pretraining::NormalOnly`].
        NormalOnly = "normal-only",
    }
}

/// Which segments pre-train G (§3.3).
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Pretraining {
    /// No pre-training.
    Off,
    /// Those that differ little from the segment before.
    TemporalDifference {
        /// Where "little" ends.
        bound: DifferenceBound,
        /// What is compared.
        scale: DifferenceScale,
    },
    /// Those of videos labelled normal.
    NormalOnly,
}

/// Where "differs little" ends.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum DifferenceBound {
    /// D_th itself.
    Threshold(f64),
    /// The share of differences that is kept.
    Quantile(f64),
}

choices! {
    /// What temporal differences are taken of.
    pub enum DifferenceScale {
        /// Unit-norm copies of the scaled features.
        UnitNorm = "unit-norm",
        /// What the networks see.
        AsIs = "as-is",
    }
}

choices! {
    /// What a known video-level label does to pseudo labels.
    pub enum WeakSupervision {
        /// No positive in a normal video.
        Mask = "mask",
        /// That, and the best-scored segment of the batch of each anomalous video stays positive.
        MaskTop = "mask-top",
    }
}

choices! {
    /// How the test segments are laid out in the plane for Fig. 6.
    pub enum Embedding {
        /// Not at all.
        Off = "off",
        /// By t-SNE.
        Tsne = "tsne",
    }

    /// Whether something is done.
    pub enum Switch {
        /// It is not.
        Off = "off",
        /// It is.
        On = "on",
    }
}
