//! The GPUs of a host, as its driver tells them.

/// What the driver says of this host.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Inventory {
    /// Version of the driver.
    pub driver: Option<String>,
    /// The GPUs that this process may see, in the order of the bus.
    pub gpus: Vec<Gpu>,
}

/// A GPU.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Gpu {
    /// Its number in the order of the bus.
    pub index: u32,
    /// `GPU-…`: the same over restarts.
    pub uuid: String,
    /// Its name for people.
    pub name: String,
    /// Its memory.
    pub memory_bytes: Option<u64>,
    /// Whether it is cut into slices (MIG). CUDA then sees slices alone.
    pub sliced: bool,
    /// Its slices.
    pub slices: Vec<Slice>,
}

/// A slice of a GPU (MIG).
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Slice {
    /// `MIG-…`.
    pub uuid: String,
    /// Its memory.
    pub memory_bytes: Option<u64>,
}

/// How busy a GPU is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Load {
    /// Percent of the time in which a kernel ran; a slice (MIG) does not say.
    pub busy_percent: Option<u32>,
    /// Memory in use, by whomever.
    pub memory_used: Option<u64>,
}
