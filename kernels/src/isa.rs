//! Which vector instructions the processor has: asked here and nowhere else.

/// Instructions that the loops of this crate are written for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Isa {
    /// Whatever the compiler makes of plain loops.
    Portable,
    /// 256-bit vectors with fused multiply-add.
    Avx2,
    /// 512-bit vectors.
    Avx512,
}

impl Isa {
    /// All of them, the widest last.
    const ALL: [Self; 3] = [Self::Portable, Self::Avx2, Self::Avx512];

    /// The widest that this processor has.
    pub fn detect() -> Self {
        Self::available().last().unwrap_or(Self::Portable)
    }

    /// Those that this processor has, the widest last.
    pub fn available() -> impl Iterator<Item = Self> {
        Self::ALL.into_iter().filter(|isa| isa.is_available())
    }

    /// Whether this processor has them. Cheap: the answer is kept.
    pub fn is_available(self) -> bool {
        match self {
            Self::Portable => true,
            Self::Avx2 => has_avx2() && has_fma(),
            Self::Avx512 => has_avx512(),
        }
    }

    /// As it is recorded beside features: `avx512f`, `avx2`, or the architecture.
    pub fn name(self) -> &'static str {
        match self {
            Self::Portable => std::env::consts::ARCH,
            Self::Avx2 => "avx2",
            Self::Avx512 => "avx512f",
        }
    }
}

/// The kind of device that decides the bits of a product, as it is recorded in checkpoints and records: the instructions
/// that the crate `gemm` chooses at run time. It asks for fused multiply-add alone where [`Isa::Avx2`] asks for both, so the
/// two names may differ on a processor with AMD's Piledriver core.
pub fn device_kind() -> &'static str {
    if cfg!(target_arch = "aarch64") {
        "cpu-neon"
    } else if !cfg!(target_arch = "x86_64") {
        "cpu-generic"
    } else if has_avx512() {
        "cpu-avx512f"
    } else if has_fma() {
        "cpu-avx2"
    } else {
        "cpu-x86-64"
    }
}

/// The processor's name where the system tells it, else its architecture.
pub fn processor_name() -> String {
    std::fs::read_to_string("/proc/cpuinfo")
        .ok()
        .and_then(|text| {
            let line = text.lines().find(|line| line.starts_with("model name"))?;
            Some(line.split_once(':')?.1.trim().to_owned())
        })
        .unwrap_or_else(|| std::env::consts::ARCH.to_owned())
}

#[cfg(target_arch = "x86_64")]
mod x86 {
    pub(super) fn has_avx512() -> bool {
        std::arch::is_x86_feature_detected!("avx512f")
    }

    pub(super) fn has_avx2() -> bool {
        std::arch::is_x86_feature_detected!("avx2")
    }

    pub(super) fn has_fma() -> bool {
        std::arch::is_x86_feature_detected!("fma")
    }
}

#[cfg(not(target_arch = "x86_64"))]
mod x86 {
    pub(super) fn has_avx512() -> bool {
        false
    }

    pub(super) fn has_avx2() -> bool {
        false
    }

    pub(super) fn has_fma() -> bool {
        false
    }
}

use x86::{has_avx2, has_avx512, has_fma};

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_widest_instructions_are_detected() {
        assert!(Isa::Portable.is_available());
        assert!(Isa::available().all(Isa::is_available));
        assert_eq!(Isa::available().last(), Some(Isa::detect()));
    }

    /// Both are in records and checkpoints: they may not change.
    #[test]
    fn names_are_those_of_records() {
        assert_eq!(Isa::Avx512.name(), "avx512f");
        assert_eq!(Isa::Avx2.name(), "avx2");
        assert_eq!(Isa::Portable.name(), std::env::consts::ARCH);
        let kind = match (std::env::consts::ARCH, Isa::detect()) {
            ("x86_64", Isa::Avx512) => "cpu-avx512f",
            ("x86_64", Isa::Avx2) => "cpu-avx2",
            ("x86_64", Isa::Portable) if has_fma() => "cpu-avx2",
            ("x86_64", Isa::Portable) => "cpu-x86-64",
            ("aarch64", _) => "cpu-neon",
            _ => "cpu-generic",
        };
        assert_eq!(device_kind(), kind);
        assert!(!processor_name().is_empty());
    }
}
