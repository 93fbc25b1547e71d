//! Which networks there are, and what each wants to see.

/// A feature extractor.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Backbone {
    /// ResNeXt-101 over frames, cardinality 32: the paper's.
    ResNext101,
    /// The same with 50 layers.
    ResNext50,
    /// C3D up to fc6.
    C3d,
    /// EfficientNet-Lite0, frame by frame, averaged over a segment.
    EfficientNetLite0,
}

impl Backbone {
    /// Every backbone with its name on the command line.
    pub const ALL: [(&'static str, Self); 4] = [
        ("resnext101", Self::ResNext101),
        ("resnext50", Self::ResNext50),
        ("c3d", Self::C3d),
        ("efficientnet-lite0", Self::EfficientNetLite0),
    ];

    /// The name on the command line.
    pub fn name(self) -> &'static str {
        Self::ALL[self as usize].0
    }

    /// The backbone of that name.
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL
            .iter()
            .find(|(known, _)| *known == name)
            .map(|(_, backbone)| *backbone)
    }

    /// Length of its feature vector.
    pub fn dimension(self) -> usize {
        match self {
            Self::ResNext101 => crate::network::Plan::resnext101().dimension(),
            Self::ResNext50 => crate::network::Plan::resnext50().dimension(),
            Self::C3d => 4096,
            Self::EfficientNetLite0 => 1280,
        }
    }

    /// Rows and columns of the square it sees.
    pub fn crop(self) -> usize {
        match self {
            Self::EfficientNetLite0 => 224,
            _ => 112,
        }
    }

    /// What is subtracted from R, G and B in 0–255, and what the difference is divided by.
    pub(crate) fn normalisation(self) -> ([f32; 3], f32) {
        match self {
            // The means of ActivityNet, as the published Kinetics weights were trained; no division.
            Self::ResNext101 | Self::ResNext50 => ([114.7748, 107.7354, 99.4750], 1.0),
            // The mean of Sports-1M, rounded as the PyTorch ports have it.
            Self::C3d => ([102.0, 98.0, 90.0], 1.0),
            Self::EfficientNetLite0 => ([127.0; 3], 128.0),
        }
    }
}
