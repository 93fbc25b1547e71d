//! Giving memory back to the operating system.

/// Expanding a large grid takes kilobytes per job for a moment. glibc keeps what is freed in the middle of its heaps, so
/// that a coordinator that once saw 100,000 jobs would stay at hundreds of megabytes.
#[cfg(all(target_os = "linux", target_env = "gnu"))]
pub(crate) fn give_back() {
    #[allow(unsafe_code)]
    mod glibc {
        unsafe extern "C" {
            /// Since glibc 2.8 it releases whole free pages of all heaps.
            pub(super) fn malloc_trim(pad: usize) -> std::ffi::c_int;
        }
        pub(super) fn trim() {
            // SAFETY: it takes a number, locks the heaps by itself, and moves nothing that is in use.
            unsafe {
                malloc_trim(0);
            }
        }
    }
    glibc::trim();
}

/// Elsewhere the allocator does so by itself, or not at all.
#[cfg(not(all(target_os = "linux", target_env = "gnu")))]
pub(crate) fn give_back() {}
