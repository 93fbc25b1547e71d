//! What stands for NVIDIA's management library in a program without CUDA, which uses no GPU: nothing is asked, and nothing that asks
//! is compiled.

use super::inventory::{Inventory, Load};

/// There is nobody to ask.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "this program was built without the feature `cuda`, and finds no GPU; docs/cuda.md tells how one is built that does"
)]
pub struct NvmlError(());

/// Is never open.
#[derive(Debug)]
pub enum Monitor {}

impl Monitor {
    /// Says why there is none.
    pub fn open() -> Result<Self, NvmlError> {
        Err(NvmlError(()))
    }

    /// Of nobody.
    pub fn inventory(&self) -> Result<Inventory, NvmlError> {
        match *self {}
    }

    /// Of nobody.
    pub fn driver(&self) -> Option<String> {
        match *self {}
    }

    /// Of nobody.
    pub fn load(&self, _: &str) -> Load {
        match *self {}
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_program_without_cuda_says_how_to_build_one() {
        let said = Monitor::open().map(|_| ()).unwrap_err().to_string();
        assert!(
            said.contains("docs/cuda.md") && !said.contains('\n'),
            "{said}"
        );
    }
}
