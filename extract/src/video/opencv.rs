//! Bilinear scaling as OpenCV does it to bytes, to the bit: a network that was trained on its pictures should see them.
//!
//! Four pixels are looked at, also where a picture shrinks (Pillow's, in `resize`, looks at all of them). Weights are
//! fixed-point numbers with 11 bits after the point; columns first, then rows, with bits cut off in between.

use super::Frame;

/// 1 as a weight.
const ONE: f32 = 2048.0;

/// The two inputs of one output place, and their weights.
struct Pair {
    inputs: [usize; 2],
    weights: [i32; 2],
}

/// `columns`: beyond the first and the last column the nearest has all the weight; beyond the first and the last row it
/// comes twice, with a part of the weight each. Of that the last bit can differ.
fn pairs(input: usize, out: usize, columns: bool) -> Vec<Pair> {
    let scale = 1.0 / (out as f64 / input as f64);
    let last = input as isize - 1;
    (0..out)
        .map(|place| {
            let at = ((place as f64 + 0.5) * scale - 0.5) as f32;
            let mut first = at.floor() as isize;
            let mut away = at - first as f32;
            if columns && (first < 0 || first >= last) {
                (first, away) = (first.clamp(0, last), 0.0);
            }
            Pair {
                inputs: [first, first + 1].map(|at| at.clamp(0, last) as usize),
                weights: [1.0 - away, away].map(|part| (part * ONE).round_ties_even() as i32),
            }
        })
        .collect()
}

/// The frame in another size, as `cv2.resize(frame, (width, height))`. Neither side of either may be zero.
pub(crate) fn resize(frame: &Frame, width: usize, height: usize) -> Frame {
    if (width, height) == (frame.width, frame.height) {
        return frame.clone();
    }
    let columns = pairs(frame.width, width, true);
    // Scaled in width, once for each row that is needed.
    let mut rows: Vec<Option<Vec<i32>>> = vec![None; frame.height];
    let mut pixels = Vec::with_capacity(width * height * 3);
    for pair in pairs(frame.height, height, false) {
        for row in pair.inputs {
            rows[row].get_or_insert_with(|| {
                let from = &frame.pixels[row * frame.width * 3..][..frame.width * 3];
                let mut scaled = Vec::with_capacity(width * 3);
                for column in &columns {
                    let [left, right] = column.inputs.map(|at| &from[at * 3..][..3]);
                    let [near, far] = column.weights;
                    let both = left.iter().zip(right);
                    scaled.extend(both.map(|(l, r)| i32::from(*l) * near + i32::from(*r) * far));
                }
                scaled
            });
        }
        let [Some(above), Some(below)] = pair.inputs.map(|row| rows[row].as_ref()) else {
            unreachable!("made just now");
        };
        let [near, far] = pair.weights;
        pixels.extend(above.iter().zip(below).map(|(a, b)| {
            let sum = ((near * (a >> 4)) >> 16) + ((far * (b >> 4)) >> 16);
            ((sum + 2) >> 2).clamp(0, 255) as u8
        }));
    }
    Frame {
        width,
        height,
        pixels,
    }
}
