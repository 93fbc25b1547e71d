//! With the feature `cuda`: compiles `cuda/kernels.cu` to PTX with the nvcc that candle's kernels take (`NVCC`, `CUDA_HOME`,
//! the search path), for the same architecture (`CUDA_COMPUTE_CAP`). cudaforge makes `90a` of 90, and has no way to say the plain
//! number; ours would win nothing by it, since candle's kernels run on that chip alone too.

fn main() {
    println!("cargo::rerun-if-changed=build.rs");
    #[cfg(feature = "cuda")]
    kernels();
}

#[cfg(feature = "cuda")]
fn kernels() {
    println!("cargo::rerun-if-changed=cuda");
    let out = std::path::PathBuf::from(std::env::var_os("OUT_DIR").expect("cargo sets OUT_DIR"));
    cudaforge::KernelBuilder::new()
        .source_dir("cuda")
        .arg("-std=c++17")
        .arg("-O3")
        // A product and a sum are rounded one by one: bits that no compiler chooses.
        .arg("-fmad=false")
        .build_ptx()
        .and_then(|built| built.write(out.join("ptx.rs")))
        .expect("nvcc compiles cuda/kernels.cu; docs/cuda.md says what it needs");
}
