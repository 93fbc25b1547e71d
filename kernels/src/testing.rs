//! What tests of the crates above need: an allocator that counts, and tiles without asking the clock.
#![allow(
    unsafe_code,
    reason = "a counting allocator is the only way to see an allocation"
)]

use std::alloc::{GlobalAlloc, Layout, System};
use std::cell::Cell;
use std::sync::atomic::{AtomicBool, Ordering};

thread_local! {
    static ALLOCATIONS: Cell<u64> = const { Cell::new(0) };
    static IN_GEMM: Cell<bool> = const { Cell::new(false) };
}

static TILES_ONLY: AtomicBool = AtomicBool::new(false);

/// The system's allocator, with a count for each thread. What the crate `gemm` allocates for the panels that it packs is
/// not counted.
#[derive(Debug)]
pub struct CountingAllocator;

/// Allocations (and reallocations) of this thread so far; zero forever unless [`CountingAllocator`] is the global one.
pub fn allocations() -> u64 {
    ALLOCATIONS.get()
}

/// From now on large products of this process are made by the widest tiles that the processor has, whatever the clock says
/// of a build with debug assertions. Choices that were made before stay.
pub fn use_tiles_only() {
    TILES_ONLY.store(true, Ordering::Relaxed);
}

pub(crate) fn tiles_only() -> bool {
    TILES_ONLY.load(Ordering::Relaxed)
}

/// Runs a product without counting what it allocates on this thread.
pub(crate) fn uncounted(product: impl FnOnce()) {
    IN_GEMM.set(true);
    product();
    IN_GEMM.set(false);
}

fn count() {
    // A thread that ends may have lost its cells; nobody counts there.
    let _ = IN_GEMM.try_with(|inside| {
        if !inside.get() {
            let _ = ALLOCATIONS.try_with(|count| count.set(count.get() + 1));
        }
    });
}

// SAFETY: every call is handed to the system's allocator unchanged; counting allocates nothing.
unsafe impl GlobalAlloc for CountingAllocator {
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
