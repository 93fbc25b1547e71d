//! How much candle's kernels for CUDA address: [`gpu::ADDRESSABLE`] elements in every tensor. With more, a part of a convolution
//! (candle-kernels 0.11.1: `im2col` in `conv.cu`) is not written, or written from the wrong place, and nothing says so.

use crate::fused_conv::Shape;

/// Elements that candle's kernels can be trusted with in one tensor.
pub(crate) const ADDRESSABLE: usize = gpu::ADDRESSABLE;

/// Elements that a convolution may unfold at once: one GiB, so that memory does not grow with the batch.
pub(crate) const UNFOLDED: usize = 1 << 28;

/// The clips that a convolution may take at once so that none of its tensors has more than `most` elements: the input of
/// the size T, H, W, its frames laid side by side, what lies under the kernel of every place, and the output. `None` where
/// one clip is too much already.
pub(crate) fn largest_batch(shape: &Shape, size: [usize; 3], most: usize) -> Option<usize> {
    let [frames, height, width] = size;
    let out = shape.output(size);
    let [kt, kh, kw] = shape.kernel;
    let side_by_side = [out[0], kt, height, width, shape.input];
    let unfolded = [out[0], out[1], out[2], kt, kh, kw, shape.input];
    let product = |sides: &[usize]| {
        sides
            .iter()
            .try_fold(1usize, |product, side| product.checked_mul(*side))
    };
    let largest = [
        product(&[frames, height, width, shape.input])?,
        product(&side_by_side)?,
        product(&unfolded)?,
        product(&[out[0], out[1], out[2], shape.out])?,
    ]
    .into_iter()
    .max()?
    .max(1);
    Some(most / largest).filter(|clips| *clips > 0)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shape(
        (input, out, groups): (usize, usize, usize),
        kernel: [usize; 3],
        stride: [usize; 3],
    ) -> Shape {
        Shape {
            out,
            input,
            groups,
            kernel,
            stride,
            padding: kernel.map(|k| (k / 2, k / 2)),
        }
    }

    /// The first convolution of a ResNeXt unfolds 51 631 104 elements a clip: 83 clips stay below 2³², 84 do not.
    #[test]
    fn the_stem_of_a_resnext_passes_32_bits_from_84_clips_on() {
        let stem = shape((3, 64, 1), [7; 3], [1, 2, 2]);
        let size = [16, 112, 112];
        assert_eq!(largest_batch(&stem, size, 16 * 56 * 56 * 1029), Some(1));
        assert_eq!(largest_batch(&stem, size, (1 << 32) - 1), Some(83));
        assert_eq!(largest_batch(&stem, size, ADDRESSABLE), Some(41));
        assert_eq!(largest_batch(&stem, size, UNFOLDED), Some(5));
    }

    /// The largest convolutions of all networks fit, one clip at a time at least.
    #[test]
    fn every_network_fits() {
        let c3d = shape((64, 128, 1), [3; 3], [1; 3]);
        assert_eq!(largest_batch(&c3d, [16, 56, 56], UNFOLDED), Some(3));
        let grouped = shape((128, 128, 32), [3; 3], [1; 3]);
        assert_eq!(largest_batch(&grouped, [8, 28, 28], UNFOLDED), Some(12));
        let depthwise = shape((32, 32, 32), [1, 3, 3], [1; 3]);
        assert_eq!(largest_batch(&depthwise, [16, 112, 112], UNFOLDED), Some(4));
    }

    #[test]
    fn every_tensor_of_a_convolution_counts() {
        // The output is the largest: 100 elements.
        let wide = shape((1, 100, 1), [1; 3], [1; 3]);
        assert_eq!(largest_batch(&wide, [1; 3], 1000), Some(10));
        // The input is: 64 elements for one output.
        let strided = shape((1, 1, 1), [1; 3], [4; 3]);
        assert_eq!(largest_batch(&strided, [4; 3], 1000), Some(15));
        // The frames side by side are: rows are strided, so that what is unfolded is less.
        let frames = shape((1, 1, 1), [3, 1, 1], [1, 4, 4]);
        assert_eq!(largest_batch(&frames, [4, 8, 8], 768), Some(1));
        assert_eq!(largest_batch(&frames, [4, 8, 8], 767), None);
        assert_eq!(largest_batch(&frames, [1 << 62, 8, 8], ADDRESSABLE), None);
    }
}
