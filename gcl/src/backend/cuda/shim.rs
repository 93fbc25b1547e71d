//! The kernels on the processor: `cuda/kernels.cu` as C, compiled when the tests run.
#![allow(unsafe_code, reason = "a library is loaded")]

use std::alloc::{Layout, alloc_zeroed, dealloc};
use std::cell::Cell;
use std::ffi::{CString, c_void};
use std::path::Path;
use std::process::{Command, Stdio};
use std::sync::OnceLock;

use crate::backend::cuda::Cuda;
use crate::backend::cuda::kernels::{Address, Kernel, MOST_BLOCKS};
use crate::backend::cuda::memory::Features;
use crate::backend::cuda::queue::{Product, Queue};
use crate::data::features::Features as HostFeatures;
use crate::error::TrainError;
use kernels::product::View;
use kernels::tf32;
use sweeps::training::MatmulPrecision;

/// There is no C compiler here: the test that needs one has nothing to say.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct NoCompiler;

/// A compiled library.
pub(crate) struct Library {
    handle: *mut c_void,
    _folder: tempfile::TempDir,
}

// SAFETY: the handle is a number to the loader, and the kernels have no state.
unsafe impl Send for Library {}
// SAFETY: likewise.
unsafe impl Sync for Library {}

/// Compiles C that finds the kernels' sources, and loads it.
///
/// # Panics
/// If a compiler is there and does not take it.
pub(crate) fn compile(code: &str) -> Result<Library, NoCompiler> {
    let compiler = std::env::var("CC").unwrap_or_else(|_| "cc".to_owned());
    let there = Command::new(&compiler)
        .arg("--version")
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .status();
    if !there.is_ok_and(|status| status.success()) {
        return Err(NoCompiler);
    }
    let folder = tempfile::tempdir().unwrap();
    let (source, library) = (folder.path().join("shim.c"), folder.path().join("shim.so"));
    std::fs::write(&source, code).unwrap();
    let output = Command::new(&compiler)
        .args([
            "-std=c11",
            "-O2",
            "-ffp-contract=off",
            "-Wall",
            "-Wextra",
            "-Werror",
        ])
        .args(["-shared", "-fPIC", "-I"])
        .arg(Path::new(env!("CARGO_MANIFEST_DIR")).join("cuda"))
        .arg(&source)
        .arg("-o")
        .arg(&library)
        .arg("-lm")
        .output()
        .unwrap();
    assert!(
        output.status.success(),
        "{}",
        String::from_utf8_lossy(&output.stderr)
    );
    let path = CString::new(library.to_str().unwrap()).unwrap();
    // SAFETY: the path is a string; the library has no constructors.
    let handle = unsafe { libc::dlopen(path.as_ptr(), libc::RTLD_NOW | libc::RTLD_LOCAL) };
    assert!(!handle.is_null(), "the compiled kernels do not load");
    Ok(Library {
        handle,
        _folder: folder,
    })
}

type Launch = unsafe extern "C" fn(*const *const c_void, u32, u32);

impl Library {
    fn kernel(&self, name: &str) -> Launch {
        let symbol = CString::new(name).unwrap();
        // SAFETY: the handle is open as long as the process lives.
        let found = unsafe { libc::dlsym(self.handle, symbol.as_ptr()) };
        assert!(!found.is_null(), "there is no kernel `{name}`");
        // SAFETY: `portable.h` gives every kernel this signature.
        unsafe { std::mem::transmute::<*mut c_void, Launch>(found) }
    }
}

/// What the queues of a thread were asked for.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Counts {
    pub(crate) allocations: usize,
    pub(crate) uploads: usize,
    pub(crate) waits: usize,
    pub(crate) launches: usize,
    pub(crate) products: usize,
}

thread_local! {
    static COUNTS: Cell<Counts> = Cell::default();
}

/// What was counted on this thread since the last call.
pub(crate) fn counted() -> Counts {
    COUNTS.take()
}

fn count(which: impl FnOnce(&mut Counts)) {
    let mut counts = COUNTS.get();
    which(&mut counts);
    COUNTS.set(counts);
}

/// A queue that does its work at once, in host memory.
#[derive(Clone, Copy)]
pub(crate) struct Shim(&'static Library);

impl Shim {
    /// The queue; the kernels are compiled once a process. Says so where there is no compiler.
    pub(crate) fn open() -> Option<Self> {
        static LIBRARY: OnceLock<Result<Library, NoCompiler>> = OnceLock::new();
        let library = LIBRARY.get_or_init(|| compile("#include \"kernels.cu\"\n"));
        if library.is_err() {
            println!("skipped: there is no C compiler");
        }
        library.as_ref().ok().map(Self)
    }

    /// It and [`backwards`](Self::backwards), as far as there is a compiler.
    pub(crate) fn both() -> impl Iterator<Item = Self> {
        [Self::open(), Self::backwards()].into_iter().flatten()
    }

    /// The same with the threads of a block and the blocks of a launch in the opposite order.
    pub(crate) fn backwards() -> Option<Self> {
        static LIBRARY: OnceLock<Result<Library, NoCompiler>> = OnceLock::new();
        let library =
            LIBRARY.get_or_init(|| compile("#define BACKWARDS\n#include \"kernels.cu\"\n"));
        library.as_ref().ok().map(Self)
    }
}

impl Cuda<Shim> {
    /// On these features alone.
    pub(crate) fn on(queue: Shim, features: &HostFeatures) -> Self {
        let train = Features::upload(&queue, features).unwrap();
        Self::new(queue, train, None).unwrap()
    }
}

/// Host memory that plays the device's. It lives somewhere else than Rust's buffers, and begins where a device's would.
pub(crate) struct HostMemory {
    at: *mut u8,
    layout: Layout,
}

impl Drop for HostMemory {
    fn drop(&mut self) {
        // SAFETY: made with this layout.
        unsafe { dealloc(self.at, self.layout) }
    }
}

/// Bytes as the processor's memory has them.
pub(crate) fn bytes<T: bytemuck::NoUninit>(values: &[T]) -> &[u8] {
    bytemuck::cast_slice(values)
}

// SAFETY: everything is done at once.
unsafe impl Queue for Shim {
    type Memory = HostMemory;

    fn allocate(&self, bytes: usize) -> Result<HostMemory, TrainError> {
        count(|counts| counts.allocations += 1);
        let layout = Layout::from_size_align(bytes.max(1), 256).unwrap();
        // SAFETY: not of size 0.
        let at = unsafe { alloc_zeroed(layout) };
        assert!(!at.is_null());
        // What was not written is not zero on a device.
        // SAFETY: just made.
        unsafe { at.write_bytes(0xfe, layout.size()) };
        Ok(HostMemory { at, layout })
    }

    fn address(&self, memory: &HostMemory) -> Address {
        memory.at.expose_provenance() as Address
    }

    unsafe fn zero(&self, at: Address, bytes: usize) -> Result<(), TrainError> {
        // SAFETY: the caller's.
        unsafe { pointer::<u8>(at).write_bytes(0, bytes) };
        Ok(())
    }

    unsafe fn upload(&self, from: &[u8], to: Address) -> Result<(), TrainError> {
        count(|counts| counts.uploads += 1);
        // SAFETY: the caller's.
        unsafe { pointer::<u8>(to).copy_from_nonoverlapping(from.as_ptr(), from.len()) };
        Ok(())
    }

    unsafe fn download(&self, pieces: &mut [(Address, &mut [u8])]) -> Result<(), TrainError> {
        count(|counts| counts.waits += 1);
        for (at, out) in pieces {
            // SAFETY: the caller's.
            unsafe {
                out.as_mut_ptr()
                    .copy_from_nonoverlapping(pointer(*at), out.len());
            };
        }
        Ok(())
    }

    unsafe fn launch<K: Kernel>(
        &self,
        arguments: &K,
        (blocks_x, blocks_y): (usize, usize),
    ) -> Result<(), TrainError> {
        count(|counts| counts.launches += 1);
        let list = [std::ptr::from_ref(arguments).cast::<c_void>()];
        let blocks = [blocks_x, blocks_y].map(|blocks| u32::try_from(blocks).unwrap());
        // CUDA refuses these.
        assert!((1..=MOST_BLOCKS.0).contains(&blocks_x) && (1..=MOST_BLOCKS.1).contains(&blocks_y));
        // SAFETY: the layout is the kernel's; the addresses are the caller's.
        unsafe { self.0.kernel(K::NAME)(list.as_ptr(), blocks[0], blocks[1]) };
        Ok(())
    }

    unsafe fn multiply(&self, product: &Product) -> Result<(), TrainError> {
        count(|counts| counts.products += 1);
        let Product { m, n, k, .. } = *product;
        // SAFETY: the caller's.
        let (a, b, c) = unsafe {
            (
                std::slice::from_raw_parts(pointer(product.a), m * k),
                std::slice::from_raw_parts(pointer(product.b), k * n),
                std::slice::from_raw_parts_mut(pointer(product.c), m * n),
            )
        };
        let operand = |values: &[f32]| match product.precision {
            MatmulPrecision::F32 => values.to_vec(),
            MatmulPrecision::Tf32 => values.iter().map(|value| tf32::round(*value)).collect(),
        };
        let (a, b) = (operand(a), operand(b));
        let a = view(&a, product.transposed_a, m, k);
        kernels::product::product(c, a, view(&b, product.transposed_b, k, n), 1);
        Ok(())
    }
}

/// An operand as the product means it.
fn view(values: &[f32], transposed: bool, rows: usize, columns: usize) -> View<'_> {
    if transposed {
        View::new(values, columns, rows).t()
    } else {
        View::new(values, rows, columns)
    }
}

fn pointer<T>(at: Address) -> *mut T {
    std::ptr::with_exposed_provenance_mut(at as usize)
}
