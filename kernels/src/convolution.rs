//! The inner loop of every convolution: a small block of output channels times a run of consecutive positions.
//!
//! `acc[o][x] = Σ_s weights[s·O + o] · input[base + offsets[s] + x]`, summed in the order of s for every o and x. So the
//! bits of an output do not depend on the block it fell into, on the number of threads, or on the other clips of a batch;
//! they do depend on the instruction set (fused multiply-add or not).
//!
//! A convolution that looks at one position is a matrix product, and still is not made by [`crate::product`]: there a sum is
//! cut into pieces of 512 steps, which are added up, and here it is one chain, whatever its length. The features of every
//! network with more than 512 channels would change.

#![allow(
    unsafe_code,
    reason = "intrinsics and pointers, behind the asserts of `run`"
)]

use crate::isa::Isa;

/// Positions that one vector holds; runs of positions are multiples of it.
pub const LANES: usize = 16;

/// Where the inputs of one output lie, relative to it; consecutive frames of the kernel are equally long slices.
#[derive(Debug, Clone)]
pub struct OffsetTable {
    offsets: Vec<u32>,
    per_frame: usize,
    /// Distance of two frames of the input.
    frame: usize,
    /// Largest offset within a frame.
    reach: usize,
}

impl OffsetTable {
    /// `within` are the offsets inside one frame; they repeat for each of `frames` frames, `frame` values apart.
    ///
    /// # Panics
    /// If an offset does not fit in 32 bits.
    pub fn new(within: &[u32], frames: usize, frame: usize) -> Self {
        let reach = within.iter().max().map_or(0, |largest| *largest as usize);
        let largest = frames
            .saturating_sub(1)
            .saturating_mul(frame)
            .saturating_add(reach);
        assert!(u32::try_from(largest).is_ok(), "offsets of 32 bits");
        let offsets = (0..frames)
            .flat_map(|kt| {
                within
                    .iter()
                    .map(move |offset| offset + (kt * frame) as u32)
            })
            .collect();
        Self {
            offsets,
            per_frame: within.len(),
            frame,
            reach,
        }
    }
}

/// One block: which inputs, where, and how wide.
#[derive(Debug, Clone, Copy)]
pub struct Block {
    /// Start of frame 0 of the kernel for the first position; may lie before the buffer where that frame is skipped.
    pub base: isize,
    /// Frames of the kernel that lie inside the input.
    pub frames: (usize, usize),
    /// Output channels: 1, 4 or 8.
    pub channels: usize,
    /// Positions in vectors of [`LANES`]: up to [`most_vectors`].
    pub vectors: usize,
}

/// How many vectors of positions fit beside so many output channels in the registers.
pub fn most_vectors(channels: usize) -> usize {
    if channels == 8 { 3 } else { 6 }
}

/// `out[o·stride + x] ← Σ_s weights[s·O + o] · input[base + offsets[s] + x]`.
///
/// # Panics
/// If the block reaches outside a buffer or the processor does not have the instructions: the caller's mistakes.
pub fn run(
    isa: Isa,
    block: Block,
    table: &OffsetTable,
    weights: &[f32],
    input: &[f32],
    out: &mut [f32],
    stride: usize,
) {
    let (first, last) = block.frames;
    let width = block.vectors * LANES;
    assert!(isa.is_available(), "the processor has {isa:?}");
    assert!(
        matches!(block.channels, 1 | 4 | 8)
            && (1..=most_vectors(block.channels)).contains(&block.vectors),
        "a size of a block"
    );
    assert!(first < last, "a block without frames");
    let offsets = &table.offsets[first * table.per_frame..last * table.per_frame];
    let weights =
        &weights[first * table.per_frame * block.channels..last * table.per_frame * block.channels];
    // So that no sum below overflows: offsets are less than 32 bits.
    assert!(
        block.base <= input.len() as isize && (block.channels == 1 || stride <= out.len()),
        "a block outside its buffers"
    );
    let lowest = block.base + (first * table.frame) as isize;
    let highest = block.base + ((last - 1) * table.frame + table.reach + width) as isize;
    assert!(
        lowest >= 0 && highest <= input.len() as isize,
        "a block outside its input"
    );
    assert!(
        (block.channels - 1) * stride + width <= out.len(),
        "a block outside its output"
    );
    let input = input.as_ptr().wrapping_offset(block.base);
    // SAFETY: every offset of the slice is at least first·frame and at most (last − 1)·frame + reach, so with the two
    // asserts above every read of `width` values starts and ends inside `input`; `weights` was sliced to exactly
    // offsets · channels values; writes end at (channels − 1)·stride + width, inside `out`. The features that each
    // function needs are there, as asserted.
    unsafe {
        match isa {
            #[cfg(target_arch = "x86_64")]
            Isa::Avx512 => x86::wide(block, offsets, weights, input, out.as_mut_ptr(), stride),
            #[cfg(target_arch = "x86_64")]
            Isa::Avx2 => x86::narrow(block, offsets, weights, input, out.as_mut_ptr(), stride),
            _ => portable(block, offsets, weights, input, out.as_mut_ptr(), stride),
        }
    }
}

/// Plain loops, one vector of positions and one channel at a time.
///
/// # Safety
/// As stated in [`run`].
unsafe fn portable(
    block: Block,
    offsets: &[u32],
    weights: &[f32],
    input: *const f32,
    out: *mut f32,
    stride: usize,
) {
    for channel in 0..block.channels {
        for vector in 0..block.vectors {
            let mut sums = [0.0f32; LANES];
            for (step, offset) in offsets.iter().enumerate() {
                let weight = weights[step * block.channels + channel];
                // SAFETY: inside `input`, see `run`.
                let x = unsafe {
                    input
                        .wrapping_add(*offset as usize + vector * LANES)
                        .cast::<[f32; LANES]>()
                        .read_unaligned()
                };
                for (sum, value) in sums.iter_mut().zip(x) {
                    *sum += weight * value;
                }
            }
            // SAFETY: inside `out`, see `run`.
            unsafe {
                out.add(channel * stride + vector * LANES)
                    .cast::<[f32; LANES]>()
                    .write_unaligned(sums);
            }
        }
    }
}

#[cfg(target_arch = "x86_64")]
mod x86 {
    use std::arch::x86_64::{
        _mm256_fmadd_ps, _mm256_loadu_ps, _mm256_set1_ps, _mm256_setzero_ps, _mm256_storeu_ps,
        _mm512_fmadd_ps, _mm512_loadu_ps, _mm512_set1_ps, _mm512_setzero_ps, _mm512_storeu_ps,
    };

    use super::{Block, LANES};

    /// # Safety
    /// As stated in [`super::run`]; the processor has AVX-512F.
    #[target_feature(enable = "avx512f")]
    pub(super) unsafe fn wide(
        block: Block,
        offsets: &[u32],
        weights: &[f32],
        input: *const f32,
        out: *mut f32,
        stride: usize,
    ) {
        macro_rules! go {
            ($($o:literal $v:literal),*) => {
                match (block.channels, block.vectors) {
                    // SAFETY: the caller's promise, passed on.
                    $(($o, $v) => unsafe { wide_block::<$o, $v>(offsets, weights, input, out, stride) },)*
                    _ => unreachable!("checked in `run`"),
                }
            };
        }
        go!(8 1, 8 2, 8 3, 4 1, 4 2, 4 3, 4 4, 4 5, 4 6, 1 1, 1 2, 1 3, 1 4, 1 5, 1 6);
    }

    /// # Safety
    /// As [`wide`].
    #[target_feature(enable = "avx512f")]
    unsafe fn wide_block<const O: usize, const V: usize>(
        offsets: &[u32],
        weights: &[f32],
        input: *const f32,
        out: *mut f32,
        stride: usize,
    ) {
        let mut sums = [[_mm512_setzero_ps(); V]; O];
        let mut weight = weights.as_ptr();
        for offset in offsets {
            let at = input.wrapping_add(*offset as usize);
            let mut x = [_mm512_setzero_ps(); V];
            for (v, x) in x.iter_mut().enumerate() {
                // SAFETY: inside `input`.
                *x = unsafe { _mm512_loadu_ps(at.wrapping_add(v * LANES)) };
            }
            for sums in &mut sums {
                // SAFETY: one of offsets · O weights.
                let w = _mm512_set1_ps(unsafe { *weight });
                weight = weight.wrapping_add(1);
                for (sum, x) in sums.iter_mut().zip(x) {
                    *sum = _mm512_fmadd_ps(w, x, *sum);
                }
            }
        }
        for (o, sums) in sums.iter().enumerate() {
            for (v, sum) in sums.iter().enumerate() {
                // SAFETY: inside `out`.
                unsafe { _mm512_storeu_ps(out.add(o * stride + v * LANES), *sum) };
            }
        }
    }

    /// Sixteen registers hold four channels of 24 positions at most: the block is done in parts of two half vectors.
    ///
    /// # Safety
    /// As stated in [`super::run`]; the processor has AVX2 and FMA.
    #[target_feature(enable = "avx2,fma")]
    pub(super) unsafe fn narrow(
        block: Block,
        offsets: &[u32],
        weights: &[f32],
        input: *const f32,
        out: *mut f32,
        stride: usize,
    ) {
        for vector in 0..block.vectors {
            let (input, out) = (
                input.wrapping_add(vector * LANES),
                out.wrapping_add(vector * LANES),
            );
            // SAFETY: the caller's promise, passed on; parts of the block that it covers.
            unsafe {
                match block.channels {
                    8 => {
                        narrow_part::<4>(0, 8, offsets, weights, input, out, stride);
                        narrow_part::<4>(4, 8, offsets, weights, input, out, stride);
                    }
                    4 => narrow_part::<4>(0, 4, offsets, weights, input, out, stride),
                    _ => narrow_part::<1>(0, 1, offsets, weights, input, out, stride),
                }
            }
        }
    }

    /// # Safety
    /// As [`narrow`]; `first + O <= channels`.
    #[target_feature(enable = "avx2,fma")]
    unsafe fn narrow_part<const O: usize>(
        first: usize,
        channels: usize,
        offsets: &[u32],
        weights: &[f32],
        input: *const f32,
        out: *mut f32,
        stride: usize,
    ) {
        let mut sums = [[_mm256_setzero_ps(); 2]; O];
        for (step, offset) in offsets.iter().enumerate() {
            let at = input.wrapping_add(*offset as usize);
            // SAFETY: inside `input`.
            let x = unsafe { [_mm256_loadu_ps(at), _mm256_loadu_ps(at.wrapping_add(8))] };
            for (o, sums) in sums.iter_mut().enumerate() {
                let w = _mm256_set1_ps(weights[step * channels + first + o]);
                for (sum, x) in sums.iter_mut().zip(x) {
                    *sum = _mm256_fmadd_ps(w, x, *sum);
                }
            }
        }
        for (o, sums) in sums.iter().enumerate() {
            for (half, sum) in sums.iter().enumerate() {
                // SAFETY: inside `out`.
                unsafe { _mm256_storeu_ps(out.add((first + o) * stride + half * 8), *sum) };
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::test_values::numbers;

    /// Every block size of every instruction set: near the sums in f64, and to the bit one chain of steps, the first frame
    /// skipped.
    #[test]
    fn blocks_are_right_on_every_instruction_set() {
        let table = OffsetTable::new(&[3, 0, 7, 20], 3, 50);
        let input = numbers(2 * 50 + 20 + 96, 1);
        for isa in Isa::available() {
            for channels in [1, 4, 8] {
                let weights = numbers(12 * channels, 2);
                for vectors in 1..=most_vectors(channels) {
                    let width = vectors * LANES;
                    let mut out = vec![f32::NAN; channels * 100];
                    let block = Block {
                        base: -50,
                        frames: (1, 3),
                        channels,
                        vectors,
                    };
                    run(isa, block, &table, &weights, &input, &mut out, 100);
                    for o in 0..channels {
                        for x in 0..width {
                            let expected: f64 = (4..12)
                                .map(|s| {
                                    let at = table.offsets[s] as usize + x - 50;
                                    f64::from(weights[s * channels + o]) * f64::from(input[at])
                                })
                                .sum();
                            let found = f64::from(out[o * 100 + x]);
                            assert!(
                                (found - expected).abs() < 1e-5,
                                "{isa:?} {channels}×{vectors}: {found} {expected}"
                            );
                            let chain = (4..12).fold(0.0_f32, |sum, s| {
                                let at = table.offsets[s] as usize + x - 50;
                                let (weight, value) = (weights[s * channels + o], input[at]);
                                match isa {
                                    Isa::Portable => sum + weight * value,
                                    Isa::Avx2 | Isa::Avx512 => weight.mul_add(value, sum),
                                }
                            });
                            assert_eq!(out[o * 100 + x].to_bits(), chain.to_bits());
                        }
                        assert!(width == 96 || out[o * 100 + width].is_nan());
                    }
                }
            }
        }
    }

    #[test]
    #[should_panic(expected = "outside its input")]
    fn a_block_never_reads_past_its_input() {
        let table = OffsetTable::new(&[0, 5], 1, 0);
        let block = Block {
            base: 0,
            frames: (0, 1),
            channels: 1,
            vectors: 1,
        };
        run(
            Isa::Portable,
            block,
            &table,
            &[1.0, 1.0],
            &[0.0; 20],
            &mut [0.0; 16],
            16,
        );
    }
}
