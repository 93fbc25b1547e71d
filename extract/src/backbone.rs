//! Which networks there are, and what each wants to see.

use crate::preprocessing::{Channels, Preprocessing, Scaling};

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

    /// What is done to a clip before the network sees it: what its published weights were trained with.
    pub(crate) fn preprocessing(self) -> Preprocessing {
        match self {
            // The means of ActivityNet; no division.
            Self::ResNext101 | Self::ResNext50 => Preprocessing {
                scaling: Scaling::ShorterSide,
                channels: Channels::Rgb,
                means: [114.7748, 107.7354, 99.4750],
                divisor: 1.0,
            },
            // Caffe's channel order, the paper's size of frames, the mean of Sports-1M as the PyTorch port rounds it.
            Self::C3d => Preprocessing {
                scaling: Scaling::Exactly(171, 128),
                channels: Channels::Bgr,
                means: [90.0, 98.0, 102.0],
                divisor: 1.0,
            },
            Self::EfficientNetLite0 => Preprocessing {
                scaling: Scaling::ShorterSide,
                channels: Channels::Rgb,
                means: [127.0; 3],
                divisor: 128.0,
            },
        }
    }

    /// Raised when this crate makes other features of the same video by this network: never so far, but for C3D, which
    /// saw RGB of another size in revision 1.
    pub fn revision(self) -> u32 {
        match self {
            Self::ResNext101 | Self::ResNext50 | Self::EfficientNetLite0 => 1,
            Self::C3d => 2,
        }
    }
}
