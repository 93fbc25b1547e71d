//! Buffers of numbers: zeroed by the system, in large pages where they are large.

use crate::error::OutOfMemory;

/// From how many numbers on large pages are worth a call: 4 MiB, two of them.
const LARGE: usize = 1 << 20;

/// A zeroed buffer, or the error instead of an abort.
///
/// Asked of the system as zeros: writing them here would touch every page before the first step.
pub fn buffer(length: usize) -> Result<Vec<f32>, OutOfMemory> {
    let values = bytemuck::allocation::try_zeroed_vec(length).map_err(|()| OutOfMemory {
        bytes: length.saturating_mul(size_of::<f32>()),
    })?;
    ask_for_large_pages(&values);
    Ok(values)
}

/// A zeroed buffer where nobody could be told that memory does not suffice: that ends the process.
pub fn zeros(length: usize) -> Vec<f32> {
    buffer(length).unwrap_or_else(|_| vec![0.0; length])
}

/// A copy in a buffer of its own.
pub fn copy(values: &[f32]) -> Result<Vec<f32>, OutOfMemory> {
    let mut own = buffer(values.len())?;
    own.copy_from_slice(values);
    Ok(own)
}

/// Asks for large pages under numbers that nobody has touched yet: the system makes them with a five-hundredth of the faults, and
/// products that run through them miss fewer translations. A wish: where it is not granted nothing changes.
fn ask_for_large_pages(values: &[f32]) {
    #[cfg(target_os = "linux")]
    if values.len() >= LARGE {
        const PAGE: usize = 4096;
        let start = values.as_ptr().addr().next_multiple_of(PAGE);
        let end = values.as_ptr_range().end.addr() / PAGE * PAGE;
        let start = values.as_ptr().with_addr(start).cast_mut().cast();
        // SAFETY: the range lies inside the buffer, and this advice changes neither contents nor rights of its pages; an
        // address that the kernel's pages do not fit is an error, which is ignored.
        #[allow(unsafe_code)]
        unsafe {
            libc::madvise(start, end - start.addr(), libc::MADV_HUGEPAGE);
        }
    }
    #[cfg(not(target_os = "linux"))]
    let _ = (values, LARGE);
}

/// A line of the cache.
const LINE: usize = 64;

/// Numbers that begin where a line of the cache does: vectors that are read from there cross no line.
#[derive(Debug, Default)]
pub struct Aligned {
    values: Vec<f32>,
    offset: usize,
    length: usize,
}

impl Aligned {
    /// Of no length.
    pub const EMPTY: Self = Self {
        values: Vec::new(),
        offset: 0,
        length: 0,
    };

    /// Zeros.
    pub fn zeros(length: usize) -> Self {
        let values = zeros(length + LINE / size_of::<f32>());
        Self {
            offset: values.as_ptr().align_offset(LINE),
            values,
            length,
        }
    }
}

impl std::ops::Deref for Aligned {
    type Target = [f32];

    fn deref(&self) -> &[f32] {
        &self.values[self.offset..][..self.length]
    }
}

impl std::ops::DerefMut for Aligned {
    fn deref_mut(&mut self) -> &mut [f32] {
        &mut self.values[self.offset..][..self.length]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn aligned_numbers_begin_at_a_line() {
        for length in [0, 1, 48, LARGE + 3] {
            let mut values = Aligned::zeros(length);
            assert!(values.len() == length && values.iter().all(|value| *value == 0.0));
            assert!(values.as_ptr().addr().is_multiple_of(LINE));
            values.fill(7.0);
            assert!(values.iter().all(|value| *value == 7.0));
        }
        assert!(Aligned::EMPTY.is_empty() && Aligned::default().is_empty());
    }

    #[test]
    fn buffers_of_any_size_are_zeros_and_copies_are_equal() {
        for length in [0, 1, 1000, LARGE, LARGE + 12_345] {
            let mut values = buffer(length).unwrap();
            assert!(values.len() == length && values.iter().all(|value| *value == 0.0));
            if let Some(last) = values.last_mut() {
                *last = 7.0;
            }
            assert!(copy(&values).unwrap() == values);
        }
    }
}
