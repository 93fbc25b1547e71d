//! What is done to a clip between the decoder and the network: scaling, channel order, means.

use crate::activations::Activations;
use crate::clip::Clip;

/// How a frame becomes the size out of which crops are cut.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Scaling {
    /// The shorter side to that of the crop (ten crops: to 8/7 of it), proportions kept; bilinear as Pillow does it.
    ShorterSide,
    /// To a width and a height, whatever the proportions; bilinear as OpenCV does it.
    Exactly(usize, usize),
}

/// In which order the network has its input channels.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Channels {
    /// Red, green, blue.
    Rgb,
    /// Blue, green, red: OpenCV's order, and Caffe's.
    Bgr,
}

/// What a network wants to see: what it was trained with.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Preprocessing {
    pub(crate) scaling: Scaling,
    pub(crate) channels: Channels,
    /// Subtracted from values in 0–255, in the order of the channels.
    pub(crate) means: [f32; 3],
    /// What the difference is divided by.
    pub(crate) divisor: f32,
}

impl Preprocessing {
    /// RGB bytes of clips of one size to `[3, B, T, S, S]`.
    pub(crate) fn values(&self, clips: &[&Clip]) -> Activations {
        let (side, frames) = clips
            .first()
            .map_or((0, 0), |clip| (clip.side, clip.frames));
        let mut activations = Activations::zeros(3, clips.len(), [frames, side, side]);
        let positions = activations.positions();
        for (channel, mean) in self.means.into_iter().enumerate() {
            let stored = match self.channels {
                Channels::Rgb => channel,
                Channels::Bgr => 2 - channel,
            };
            for (clip, values) in clips.iter().enumerate() {
                let to = &mut activations.values[(channel * clips.len() + clip) * positions..]
                    [..positions];
                for (to, pixel) in to.iter_mut().zip(values.pixels[stored..].iter().step_by(3)) {
                    *to = (f32::from(*pixel) - mean) / self.divisor;
                }
            }
        }
        activations
    }

    /// In words, for records: channels and means, `BGR − (90, 98, 102)`.
    pub(crate) fn describe(&self) -> String {
        let channels = match self.channels {
            Channels::Rgb => "RGB",
            Channels::Bgr => "BGR",
        };
        let [first, second, third] = self.means;
        let difference = format!("{channels} − ({first}, {second}, {third})");
        if self.divisor == 1.0 {
            difference
        } else {
            format!("({difference}) / {}", self.divisor)
        }
    }
}

#[cfg(test)]
mod tests {
    use crate::backbone::Backbone;
    use crate::video::{Crops, Frame, Segments};

    /// To the bit what the port's own script makes of the same frames (`tests/goldens/c3d_preprocessing.py`).
    #[test]
    fn c3d_sees_what_its_port_shows_it() {
        for (size, [corner, middle], digest) in include!("../tests/goldens/c3d_preprocessing.in") {
            let (width, height): (usize, usize) = size;
            let frame = Frame {
                width,
                height,
                pixels: (0..width * height * 3)
                    .map(|i| ((i * 7919 + i / 977 * 31) % 251) as u8)
                    .collect(),
            };
            let mut segments = Segments::new(Crops::of(Backbone::C3d, false), false);
            assert!(segments.push(&frame, "v".as_ref()).unwrap().is_none());
            let clips = segments.finish().unwrap();
            let activations = Backbone::C3d.preprocessing().values(&[&clips[0]]);
            let first: [&[f32]; 3] =
                std::array::from_fn(|channel| &activations.channel(channel, 0)[..112 * 112]);
            assert_eq!(first.map(|channel| channel[0]), corner, "{size:?}");
            assert_eq!(
                first.map(|channel| channel[56 * 112 + 56]),
                middle,
                "{size:?}"
            );
            let bytes: Vec<u8> = first
                .into_iter()
                .flatten()
                .flat_map(|value| value.to_le_bytes())
                .collect();
            assert_eq!(
                blake3::hash(&bytes).to_hex().to_string(),
                digest,
                "{size:?}"
            );
        }
    }

    #[test]
    fn records_say_what_is_subtracted_from_which_channels() {
        let words = Backbone::ALL.map(|(_, backbone)| backbone.preprocessing().describe());
        assert_eq!(
            words,
            [
                "RGB − (114.7748, 107.7354, 99.475)",
                "RGB − (114.7748, 107.7354, 99.475)",
                "BGR − (90, 98, 102)",
                "(RGB − (127, 127, 127)) / 128",
            ]
        );
    }
}
