//! Frames to clips: scaled, cropped, sixteen to a segment.

use super::resize::resize;
use super::{Frame, opencv, video_fault};
use crate::backbone::Backbone;
use crate::clip::Clip;
use crate::error::ExtractError;
use crate::preprocessing::Scaling;

/// Frames of a segment.
pub(crate) const FRAMES: usize = 16;

/// Longest to shortest side of a frame: a frame beyond it would be scaled to a strip of gigabytes.
const LONGEST_STRIP: usize = 64;

/// What is cut out of a frame.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Crops {
    /// Rows and columns of a crop.
    pub(crate) side: usize,
    /// The centre; or the four corners and the centre, and their mirror images.
    pub(crate) ten: bool,
    /// What happens to the frame before.
    pub(crate) scaling: Scaling,
}

impl Crops {
    pub(crate) fn count(self) -> usize {
        if self.ten { 10 } else { 1 }
    }

    /// Those of a network.
    pub(crate) fn of(backbone: Backbone, ten: bool) -> Self {
        Self {
            side: backbone.crop(),
            ten,
            scaling: backbone.preprocessing().scaling,
        }
    }

    /// What the shorter side is scaled to where proportions are kept: with ten crops an eighth of it lies outside each.
    fn shorter_side(self) -> usize {
        if self.ten {
            self.side * 8 / 7
        } else {
            self.side
        }
    }

    /// In words, for records: `shorter side 112 (bilinear), centre crop of 112×112`.
    pub(crate) fn describe(self) -> String {
        let scaling = match self.scaling {
            Scaling::ShorterSide => format!("shorter side {} (bilinear)", self.shorter_side()),
            Scaling::Exactly(width, height) => {
                format!("scaled to {width}×{height} (bilinear as OpenCV)")
            }
        };
        let crops = if self.ten { "ten crops" } else { "centre crop" };
        format!("{scaling}, {crops} of {side}×{side}", side = self.side)
    }

    fn scaled(self, frame: &Frame) -> Frame {
        let shorter = self.shorter_side();
        let (width, height) = (frame.width, frame.height);
        match self.scaling {
            // The public code's rounding: down.
            Scaling::ShorterSide if width < height => {
                resize(frame, shorter, shorter * height / width)
            }
            Scaling::ShorterSide => resize(frame, shorter * width / height, shorter),
            Scaling::Exactly(width, height) => opencv::resize(frame, width, height),
        }
    }

    /// Scales the frame and adds each crop's pixels to its clip.
    fn cut(self, frame: &Frame, clips: &mut [Vec<u8>]) {
        let scaled = self.scaled(frame);
        let (right, below) = (scaled.width - self.side, scaled.height - self.side);
        let centre = (half(right), half(below));
        let places = [centre, (0, 0), (right, 0), (0, below), (right, below)];
        let mirrored = if self.ten {
            &[false, true][..]
        } else {
            &[false]
        };
        let wanted = if self.ten { &places[..] } else { &places[..1] };
        let mut clips = clips.iter_mut();
        for mirrored in mirrored {
            for (x, y) in wanted {
                let Some(clip) = clips.next() else { return };
                for row in scaled
                    .pixels
                    .chunks_exact(scaled.width * 3)
                    .skip(*y)
                    .take(self.side)
                {
                    let row = &row[x * 3..(x + self.side) * 3];
                    if *mirrored {
                        clip.extend(row.chunks_exact(3).rev().flatten());
                    } else {
                        clip.extend_from_slice(row);
                    }
                }
            }
        }
    }
}

/// A half, ties to even: Python's `round`, by which the public code centres.
fn half(value: usize) -> usize {
    let down = value / 2;
    if value % 2 == 1 && down % 2 == 1 {
        down + 1
    } else {
        down
    }
}

/// Collects the frames of one video.
pub(crate) struct Segments {
    crops: Crops,
    /// Leave a last segment out that is shorter, unless it is the only one.
    drop_last: bool,
    pending: Vec<Vec<u8>>,
    frames: usize,
    whole: u64,
}

impl Segments {
    pub(crate) fn new(crops: Crops, drop_last: bool) -> Self {
        Self {
            crops,
            drop_last,
            pending: vec![Vec::new(); crops.count()],
            frames: 0,
            whole: 0,
        }
    }

    /// Adds a frame; every sixteenth completes a segment: its clips, one per crop.
    pub(crate) fn push(
        &mut self,
        frame: &Frame,
        path: &std::path::Path,
    ) -> Result<Option<Vec<Clip>>, ExtractError> {
        let (shorter, longer) = (frame.width.min(frame.height), frame.width.max(frame.height));
        if longer > shorter * LONGEST_STRIP {
            return Err(video_fault(
                path,
                format!(
                    "its frames of {}×{} are strips, not pictures",
                    frame.width, frame.height
                ),
            ));
        }
        self.crops.cut(frame, &mut self.pending);
        self.frames += 1;
        Ok((self.frames == FRAMES).then(|| self.take()))
    }

    /// The last segment, its frames repeated from its start until there are sixteen.
    pub(crate) fn finish(mut self) -> Option<Vec<Clip>> {
        if self.frames == 0 || (self.drop_last && self.whole > 0) {
            return None;
        }
        let length = self.crops.side * self.crops.side * 3;
        for pixels in &mut self.pending {
            for frame in self.frames..FRAMES {
                let start = frame % self.frames * length;
                pixels.extend_from_within(start..start + length);
            }
        }
        Some(self.take())
    }

    fn take(&mut self) -> Vec<Clip> {
        self.frames = 0;
        self.whole += 1;
        let side = self.crops.side;
        self.pending
            .iter_mut()
            .map(|pixels| Clip {
                frames: FRAMES,
                side,
                pixels: std::mem::replace(pixels, Vec::with_capacity(FRAMES * side * side * 3)),
            })
            .collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn frame(width: usize, height: usize, value: u8) -> Frame {
        Frame {
            width,
            height,
            pixels: vec![value; width * height * 3],
        }
    }

    /// The frames of each segment of a video whose frame i is all i.
    fn segments(frames: usize, drop_last: bool) -> Vec<Vec<u8>> {
        let crops = Crops {
            side: 4,
            ten: false,
            scaling: Scaling::ShorterSide,
        };
        let mut segments = Segments::new(crops, drop_last);
        let mut clips = Vec::new();
        for index in 0..frames {
            clips.extend(
                segments
                    .push(&frame(6, 5, index as u8), "v".as_ref())
                    .unwrap(),
            );
        }
        clips.extend(segments.finish());
        clips
            .iter()
            .map(|clip| clip[0].pixels.chunks(48).map(|frame| frame[0]).collect())
            .collect()
    }

    #[test]
    fn segments_have_sixteen_frames_and_the_last_repeats_its_own() {
        for (frames, padded, dropped) in
            [(1, 1, 1), (15, 1, 1), (16, 1, 1), (17, 2, 1), (160, 10, 10)]
        {
            assert_eq!(segments(frames, false).len(), padded, "{frames}");
            assert_eq!(segments(frames, true).len(), dropped, "{frames}");
        }
        assert_eq!(segments(0, false).len(), 0);
        let twenty = segments(21, false);
        assert_eq!(twenty[0], (0..16).collect::<Vec<_>>());
        assert_eq!(
            twenty[1],
            [
                16, 17, 18, 19, 20, 16, 17, 18, 19, 20, 16, 17, 18, 19, 20, 16
            ]
        );
    }

    #[test]
    fn ten_crops_are_corners_and_centre_and_their_mirror_images() {
        let crops = Crops {
            side: 7,
            ten: true,
            scaling: Scaling::ShorterSide,
        };
        // Already of the size that is wanted: nothing is scaled. Column c, row r has the value 10·r + c.
        let mut picture = frame(10, 8, 0);
        for (at, value) in picture.pixels.iter_mut().enumerate() {
            *value = (at / 3 / 10 * 10 + at / 3 % 10) as u8;
        }
        let mut clips = vec![Vec::new(); 10];
        crops.cut(&picture, &mut clips);
        let corners: Vec<(u8, u8)> = clips
            .iter()
            .map(|clip| (clip[0], clip[7 * 7 * 3 - 1]))
            .collect();
        assert_eq!(
            corners[..5],
            [(2, 68), (0, 66), (3, 69), (10, 76), (13, 79)]
        );
        assert_eq!(
            corners[5..],
            [(8, 62), (6, 60), (9, 63), (16, 70), (19, 73)]
        );
        assert_eq!(half(5), 2);
        assert_eq!(half(7), 4);
    }
}
