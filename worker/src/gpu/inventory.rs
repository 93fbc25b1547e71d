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
