//! After the first steps nothing is allocated, except by `gemm` for the panels that it packs.
#![allow(
    unsafe_code,
    reason = "a counting allocator is the only way to see an allocation"
)]

use std::alloc::{GlobalAlloc, Layout, System};
use std::cell::Cell;

use crate::data::matrix::Matrix;
use crate::measure::Stepper;

thread_local! {
    static ALLOCATIONS: Cell<u64> = const { Cell::new(0) };
    static IN_PRODUCT: Cell<bool> = const { Cell::new(false) };
}

struct Counting;

#[global_allocator]
static COUNTING: Counting = Counting;

fn count() {
    // A thread that ends may have lost its cells; nobody counts there.
    let _ = IN_PRODUCT.try_with(|inside| {
        if !inside.get() {
            let _ = ALLOCATIONS.try_with(|count| count.set(count.get() + 1));
        }
    });
}

// SAFETY: every call is handed to the system's allocator unchanged; counting allocates nothing.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        count();
        // SAFETY: the caller keeps the contract.
        unsafe { System.alloc(layout) }
    }
    unsafe fn alloc_zeroed(&self, layout: Layout) -> *mut u8 {
        count();
        // SAFETY: the caller keeps the contract.
        unsafe { System.alloc_zeroed(layout) }
    }
    unsafe fn realloc(&self, pointer: *mut u8, layout: Layout, size: usize) -> *mut u8 {
        count();
        // SAFETY: the caller keeps the contract.
        unsafe { System.realloc(pointer, layout, size) }
    }
    unsafe fn dealloc(&self, pointer: *mut u8, layout: Layout) {
        // SAFETY: the caller keeps the contract.
        unsafe { System.dealloc(pointer, layout) }
    }
}

/// Runs a product without counting what it allocates on this thread.
pub(super) fn uncounted(product: impl FnOnce()) {
    IN_PRODUCT.with(|inside| inside.set(true));
    product();
    IN_PRODUCT.with(|inside| inside.set(false));
}

#[test]
fn a_step_allocates_nothing_after_the_first() {
    // Small products are made by `gemm`, large ones by our tiles.
    for (dimension, batch) in [(48, 100), (512, 512)] {
        let values = (0..3 * batch * dimension).map(|i| (i * 7919 % 2003) as f32 / 2003.0);
        let data = Matrix::new(values.collect(), dimension).into();
        let mut stepper = Stepper::new(&data, batch, 1, 1).unwrap();
        let mut counts = Vec::new();
        // Three epochs of three steps: orders are drawn again in between.
        for _ in 0..9 {
            let before = ALLOCATIONS.get();
            stepper.step().unwrap();
            counts.push(ALLOCATIONS.get() - before);
        }
        assert!(
            counts[0] > 0,
            "the first step makes its buffers: {counts:?}"
        );
        assert_eq!(counts[1..], [0; 8], "dimension {dimension}");
    }
}
