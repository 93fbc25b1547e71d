//! Activations of a few clips: `[channels, clips, frames, height, width]`, so that one channel of all clips is one run of
//! positions.

/// Values per channel, clip, frame and pixel.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Activations {
    /// Channels C.
    pub(crate) channels: usize,
    /// Clips B.
    pub(crate) clips: usize,
    /// Frames, rows and columns of a clip: T, H, W.
    pub(crate) size: [usize; 3],
    /// `[C, B, T, H, W]`, row by row.
    pub(crate) values: Vec<f32>,
}

impl Activations {
    /// All zero.
    pub(crate) fn zeros(channels: usize, clips: usize, size: [usize; 3]) -> Self {
        Self {
            channels,
            clips,
            size,
            values: vec![0.0; channels * clips * size.iter().product::<usize>()],
        }
    }

    /// Positions of one clip: T · H · W.
    pub(crate) fn positions(&self) -> usize {
        self.size.iter().product()
    }

    /// Positions of all clips: the length of one channel.
    pub(crate) fn row(&self) -> usize {
        self.clips * self.positions()
    }

    /// One channel of one clip, `[T, H, W]`.
    pub(crate) fn channel(&self, channel: usize, clip: usize) -> &[f32] {
        let positions = self.positions();
        &self.values[(channel * self.clips + clip) * positions..][..positions]
    }

    /// The first clips only.
    pub(crate) fn first_clips(self, clips: usize) -> Self {
        if clips >= self.clips {
            return self;
        }
        let kept = clips * self.positions();
        let values = self
            .values
            .chunks(self.row().max(1))
            .flat_map(|channel| &channel[..kept])
            .copied()
            .collect();
        Self {
            clips,
            values,
            ..self
        }
    }

    /// Mean over time and space, `[B][C]`, summed in f64.
    pub(crate) fn means(&self) -> Vec<Vec<f32>> {
        let positions = self.positions();
        (0..self.clips)
            .map(|clip| {
                (0..self.channels)
                    .map(|channel| {
                        let sum: f64 = self
                            .channel(channel, clip)
                            .iter()
                            .map(|x| f64::from(*x))
                            .sum();
                        (sum / positions as f64) as f32
                    })
                    .collect()
            })
            .collect()
    }
}
