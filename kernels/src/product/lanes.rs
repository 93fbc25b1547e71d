//! The vector instructions that tiles are multiplied with.

use std::arch::x86_64::{
    __m256, __m512, _MM_HINT_T0, _MM_HINT_T1, _mm_prefetch, _mm256_add_ps, _mm256_fmadd_ps,
    _mm256_loadu_ps, _mm256_set1_ps, _mm256_setzero_ps, _mm256_storeu_ps, _mm512_add_ps,
    _mm512_fmadd_ps, _mm512_loadu_ps, _mm512_set1_ps, _mm512_setzero_ps, _mm512_storeu_ps,
};

/// f32 numbers side by side in a register.
///
/// # Safety
/// Of every function: the processor has the instructions, and a pointer reaches [`COUNT`](Self::COUNT) numbers (of
/// [`splat`](Self::splat) one; a prefetched address may be anything).
pub(super) trait Lanes {
    type Vector: Copy;
    /// Numbers in a register.
    const COUNT: usize;
    /// How many steps of the inner dimension ahead the right panel is asked for; 0: the processor does it well by itself.
    const AHEAD: usize;
    unsafe fn zero() -> Self::Vector;
    unsafe fn splat(from: *const f32) -> Self::Vector;
    unsafe fn load(from: *const f32) -> Self::Vector;
    unsafe fn store(to: *mut f32, vector: Self::Vector);
    /// a · b + c, rounded once.
    unsafe fn multiply_add(a: Self::Vector, b: Self::Vector, c: Self::Vector) -> Self::Vector;
    unsafe fn add(a: Self::Vector, b: Self::Vector) -> Self::Vector;
    /// Asks for a line of the output that will be added to.
    unsafe fn prefetch_output(at: *const f32);
}

/// AVX2 with FMA.
pub(super) struct Avx2;

/// AVX-512F.
pub(super) struct Avx512;

// The wrappers have no code of their own: each is its intrinsic, inlined into a function that has the instructions.
impl Lanes for Avx2 {
    type Vector = __m256;
    const COUNT: usize = 8;
    const AHEAD: usize = 16;
    #[inline(always)]
    unsafe fn zero() -> __m256 {
        // SAFETY: the caller keeps the trait's contract; so in all of these.
        unsafe { _mm256_setzero_ps() }
    }
    #[inline(always)]
    unsafe fn splat(from: *const f32) -> __m256 {
        unsafe { _mm256_set1_ps(*from) }
    }
    #[inline(always)]
    unsafe fn load(from: *const f32) -> __m256 {
        unsafe { _mm256_loadu_ps(from) }
    }
    #[inline(always)]
    unsafe fn store(to: *mut f32, vector: __m256) {
        unsafe { _mm256_storeu_ps(to, vector) }
    }
    #[inline(always)]
    unsafe fn multiply_add(a: __m256, b: __m256, c: __m256) -> __m256 {
        unsafe { _mm256_fmadd_ps(a, b, c) }
    }
    #[inline(always)]
    unsafe fn add(a: __m256, b: __m256) -> __m256 {
        unsafe { _mm256_add_ps(a, b) }
    }
    #[inline(always)]
    unsafe fn prefetch_output(at: *const f32) {
        unsafe { _mm_prefetch::<_MM_HINT_T0>(at.cast()) }
    }
}

impl Lanes for Avx512 {
    type Vector = __m512;
    const COUNT: usize = 16;
    const AHEAD: usize = 0;
    #[inline(always)]
    unsafe fn zero() -> __m512 {
        unsafe { _mm512_setzero_ps() }
    }
    #[inline(always)]
    unsafe fn splat(from: *const f32) -> __m512 {
        unsafe { _mm512_set1_ps(*from) }
    }
    #[inline(always)]
    unsafe fn load(from: *const f32) -> __m512 {
        unsafe { _mm512_loadu_ps(from) }
    }
    #[inline(always)]
    unsafe fn store(to: *mut f32, vector: __m512) {
        unsafe { _mm512_storeu_ps(to, vector) }
    }
    #[inline(always)]
    unsafe fn multiply_add(a: __m512, b: __m512, c: __m512) -> __m512 {
        unsafe { _mm512_fmadd_ps(a, b, c) }
    }
    #[inline(always)]
    unsafe fn add(a: __m512, b: __m512) -> __m512 {
        unsafe { _mm512_add_ps(a, b) }
    }
    /// To the second level: rows of the output lie a power of two apart, so many of them would share a set of the first.
    #[inline(always)]
    unsafe fn prefetch_output(at: *const f32) {
        unsafe { _mm_prefetch::<_MM_HINT_T1>(at.cast()) }
    }
}
