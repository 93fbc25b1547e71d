//! What decides the bits of a product on a GPU.

/// What decides the bits of a product on a GPU: cuBLAS chooses a kernel by architecture, number of multiprocessors and its
/// own version, and each kernel adds in an order of its own. Kernels of ours add in one order everywhere; the `exp` and
/// `log1p` in them are those of the toolkit that built the program, so that bits are promised for one binary.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Facts {
    /// Compute capability, major and minor.
    pub capability: (u32, u32),
    /// Multiprocessors of the device, or of the slice of it that this process sees.
    pub multiprocessors: u32,
    /// Version of cuBLAS as the library tells it: 10000·major + 100·minor + patch.
    pub cublas: u32,
    /// What CUDA calls the device: `NVIDIA A100-SXM4-40GB MIG 1g.5gb`.
    pub name: String,
}

impl Facts {
    /// The slice of a GPU in parts (MIG), by NVIDIA's name for its size: `1g.5gb`. CUDA tells it in the device's name.
    pub fn slice(&self) -> Option<&str> {
        let (_, slice) = self.name.split_once(" MIG ")?;
        let slice = slice.trim();
        (!slice.is_empty()).then_some(slice)
    }

    /// The kind of device: two with equal kinds give equal bits under one binary.
    ///
    /// `cuda-sm90-132sm-cublas13.1.0`, of a slice `cuda-sm80-14sm-mig1g.5gb-cublas13.1.0`.
    pub fn kind(&self) -> String {
        let (major, minor) = self.capability;
        let slice = self.slice().map_or_else(String::new, |slice| {
            let plain: String = slice
                .chars()
                .map(|letter| {
                    if letter.is_ascii_alphanumeric() || letter == '.' {
                        letter
                    } else {
                        '_'
                    }
                })
                .collect();
            format!("-mig{plain}")
        });
        let version = self.cublas;
        format!(
            "cuda-sm{major}{minor}-{}sm{slice}-cublas{}.{}.{}",
            self.multiprocessors,
            version / 10_000,
            version / 100 % 100,
            version % 100,
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn h100() -> Facts {
        Facts {
            capability: (9, 0),
            multiprocessors: 132,
            cublas: 130_100,
            name: "NVIDIA H100 80GB HBM3".to_owned(),
        }
    }

    #[test]
    fn a_kind_names_everything_that_decides_bits() {
        let kind = h100().kind();
        assert_eq!(kind, "cuda-sm90-132sm-cublas13.1.0");
        let others = [
            Facts {
                capability: (10, 0),
                ..h100()
            },
            // An H100 PCIe has fewer multiprocessors.
            Facts {
                multiprocessors: 114,
                ..h100()
            },
            Facts {
                cublas: 130_102,
                ..h100()
            },
            Facts {
                name: "NVIDIA H100 80GB HBM3 MIG 7g.80gb".to_owned(),
                ..h100()
            },
        ];
        for other in others {
            assert_ne!(other.kind(), kind, "{other:?}");
        }
        // The same chip under another name is the same.
        let renamed = Facts {
            name: "GH200 96GB".to_owned(),
            ..h100()
        };
        assert_eq!(renamed.kind(), kind);
    }

    #[test]
    fn a_slice_is_named_by_its_size() {
        let slice = |name: &str| {
            Facts {
                capability: (8, 0),
                multiprocessors: 14,
                cublas: 120_805,
                name: name.to_owned(),
            }
            .kind()
        };
        assert_eq!(
            slice("NVIDIA A100-SXM4-40GB MIG 1g.5gb"),
            "cuda-sm80-14sm-mig1g.5gb-cublas12.8.5"
        );
        assert_eq!(
            slice("NVIDIA A100 MIG 1g.5gb+me"),
            "cuda-sm80-14sm-mig1g.5gb_me-cublas12.8.5"
        );
        assert_eq!(slice("NVIDIA MIGHTY"), "cuda-sm80-14sm-cublas12.8.5");
    }
}
