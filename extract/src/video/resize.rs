//! Bilinear scaling as Pillow does it, to the bit: the public extraction code scales with it, and a feature should not
//! depend on who decoded the video.
//!
//! Where a picture shrinks, Pillow's triangle grows with the ratio, so that every pixel counts (other libraries' bilinear
//! scaling looks at four pixels only). Weights are fixed-point numbers with 22 bits after the point; columns first, then
//! rows, rounded to bytes in between.

use super::Frame;

/// Bits after the point.
const PRECISION: u32 = 22;

/// The inputs of one output place, and their weights.
struct Weighted {
    first: usize,
    weights: Vec<i32>,
}

fn triangle(input: usize, out: usize) -> Vec<Weighted> {
    let scale = input as f64 / out as f64;
    let support = scale.max(1.0);
    (0..out)
        .map(|place| {
            let center = (place as f64 + 0.5) * scale;
            let first = (center - support + 0.5).max(0.0) as usize;
            let last = ((center + support + 0.5) as usize).min(input);
            let weights: Vec<f64> = (first..last)
                .map(|at| {
                    let away = ((at as f64 - center + 0.5) / support).abs();
                    (1.0 - away).max(0.0)
                })
                .collect();
            let sum: f64 = weights.iter().sum();
            Weighted {
                first,
                weights: weights
                    .iter()
                    .map(|weight| (0.5 + weight / sum * f64::from(1u32 << PRECISION)) as i32)
                    .collect(),
            }
        })
        .collect()
}

fn byte(sum: i32) -> u8 {
    (sum >> PRECISION).clamp(0, 255) as u8
}

/// The frame in another size.
pub fn resize(frame: &Frame, width: usize, height: usize) -> Frame {
    let mut scaled = Frame {
        width,
        height: frame.height,
        pixels: Vec::new(),
    };
    let half = 1i32 << (PRECISION - 1);
    if width == frame.width {
        scaled.pixels.clone_from(&frame.pixels);
    } else {
        let columns = triangle(frame.width, width);
        scaled.pixels.reserve(width * frame.height * 3);
        for row in frame.pixels.chunks_exact(frame.width * 3) {
            for column in &columns {
                let mut sums = [half; 3];
                let pixels = row[column.first * 3..].chunks_exact(3);
                for (pixel, weight) in pixels.zip(&column.weights) {
                    for (sum, value) in sums.iter_mut().zip(pixel) {
                        *sum += i32::from(*value) * weight;
                    }
                }
                scaled.pixels.extend(sums.map(byte));
            }
        }
    }
    if height == frame.height {
        return scaled;
    }
    let length = width * 3;
    let mut out = Vec::with_capacity(height * length);
    let mut sums = vec![0i32; length];
    for row in triangle(frame.height, height) {
        sums.fill(half);
        for (line, weight) in scaled.pixels[row.first * length..]
            .chunks_exact(length)
            .zip(&row.weights)
        {
            for (sum, value) in sums.iter_mut().zip(line) {
                *sum += i32::from(*value) * weight;
            }
        }
        out.extend(sums.iter().map(|sum| byte(*sum)));
    }
    Frame {
        width,
        height,
        pixels: out,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// BLAKE3 of what Pillow 12 makes of the same bytes (`tests/goldens/resize.py`).
    #[test]
    fn it_is_pillow_to_the_bit() {
        for (from, to, expected) in include!("../../tests/goldens/resize.in") {
            let pixels = (0..from.0 * from.1 * 3)
                .map(|i| ((i * 7919 + i / 977 * 31) % 251) as u8)
                .collect();
            let frame = Frame {
                width: from.0,
                height: from.1,
                pixels,
            };
            let scaled = resize(&frame, to.0, to.1);
            assert_eq!((scaled.width, scaled.height), to);
            let digest = blake3::hash(&scaled.pixels).to_hex().to_string();
            assert_eq!(digest, expected, "{from:?} → {to:?}");
        }
    }
}
