//! Who computes on what: one share for each worker process of this host.

use std::collections::BTreeSet;

use super::inventory::{Gpu, Inventory};

/// What others decided about this process's GPUs, read from its environment.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Assigned {
    /// `CUDA_VISIBLE_DEVICES`: by Slurm, a device plugin or a person. Empty means none.
    pub visible: Option<String>,
    /// Whether this runs in an allocation of Slurm (`SLURM_JOB_ID`), where what was not assigned is another's.
    pub slurm: bool,
}

/// What one worker process computes on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Share {
    /// Short and stable, part of the worker's name: `gpu0`, `gpu1-mig2`.
    pub label: String,
    /// The process's `CUDA_VISIBLE_DEVICES`: this and no other.
    pub visible: String,
    /// For people.
    pub name: String,
    /// Its memory, where known.
    pub memory_bytes: Option<u64>,
    /// By which the driver's library knows it, where that is known.
    pub uuid: Option<String>,
}

/// There is nothing to compute on.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum NoShare {
    /// The driver sees no GPU.
    #[error("the driver shows no GPU to this process")]
    NoGpu,
    /// The assignment is empty.
    #[error("CUDA_VISIBLE_DEVICES is `{0}`: no GPU is assigned to this process")]
    NoneAssigned(String),
    /// An allocation without GPUs.
    #[error(
        "this Slurm job has no GPU assigned (CUDA_VISIBLE_DEVICES is not set): ask for GPUs with --gres=gpu:N, or set CUDA_VISIBLE_DEVICES"
    )]
    SlurmWithoutGpu,
    /// The assignment names what is not there.
    #[error("CUDA_VISIBLE_DEVICES is `{list}`, and `{entry}` is not a GPU of this host")]
    Unknown {
        /// The variable.
        list: String,
        /// The entry that nothing matches.
        entry: String,
    },
    /// The assignment names something twice: CUDA refuses such a list whole.
    #[error("CUDA_VISIBLE_DEVICES is `{list}`, which names `{entry}` twice")]
    Twice {
        /// The variable.
        list: String,
        /// What comes twice.
        entry: String,
    },
}

/// One share for each GPU, or slice of one, that is assigned; in the order of the assignment, else of the bus.
pub fn shares(inventory: &Inventory, assigned: &Assigned) -> Result<Vec<Share>, NoShare> {
    let Some(list) = &assigned.visible else {
        if assigned.slurm {
            return Err(NoShare::SlurmWithoutGpu);
        }
        let all: Vec<Share> = inventory.gpus.iter().flat_map(of_gpu).collect();
        return if all.is_empty() {
            Err(NoShare::NoGpu)
        } else {
            Ok(all)
        };
    };
    let entries: Vec<&str> = list.split(',').map(str::trim).collect();
    // `-1` and `NoDevFiles` are what people and old Slurms write for none.
    if let ["" | "-1" | "NoDevFiles"] = entries.as_slice() {
        return Err(NoShare::NoneAssigned(list.clone()));
    }
    let mut seen = BTreeSet::new();
    let mut found = Vec::new();
    for entry in entries {
        let share = assigned_share(inventory, entry).ok_or_else(|| NoShare::Unknown {
            list: list.clone(),
            entry: entry.to_owned(),
        })?;
        if !seen.insert(share.label.clone()) {
            return Err(NoShare::Twice {
                list: list.clone(),
                entry: entry.to_owned(),
            });
        }
        found.push(share);
    }
    Ok(found)
}

/// Which share CUDA means by that number, of a device that it calls so: `None` where that cannot be told for sure.
///
/// CUDA counts what is assigned in the order of the assignment; where nothing is assigned or by number, it may count by
/// speed, so that the names must agree, or only one GPU may have the name.
pub fn own_share(
    inventory: &Inventory,
    assigned: &Assigned,
    ordinal: usize,
    name: &str,
) -> Option<Share> {
    let assigned = Assigned {
        slurm: false,
        ..assigned.clone()
    };
    let shares = shares(inventory, &assigned).ok()?;
    // A slice is called as its GPU is, and then some.
    let called_so = |share: &&Share| share.name.starts_with(name);
    if let Some(share) = shares.get(ordinal).filter(called_so) {
        return Some(share.clone());
    }
    let mut called_so = shares.iter().filter(called_so);
    match (called_so.next(), called_so.next()) {
        (Some(share), None) => Some(share.clone()),
        _ => None,
    }
}

fn of_gpu(gpu: &Gpu) -> Vec<Share> {
    if gpu.sliced {
        (0..gpu.slices.len())
            .map(|slice| of_slice(gpu, slice))
            .collect()
    } else {
        vec![Share {
            label: format!("gpu{}", gpu.index),
            // Not the number: CUDA counts by speed unless it is told otherwise, the driver by the bus.
            visible: gpu.uuid.clone(),
            name: gpu.name.clone(),
            memory_bytes: gpu.memory_bytes,
            uuid: Some(gpu.uuid.clone()),
        }]
    }
}

fn of_slice(gpu: &Gpu, slice: usize) -> Share {
    Share {
        label: format!("gpu{}-mig{slice}", gpu.index),
        visible: gpu.slices[slice].uuid.clone(),
        name: format!("{} (MIG slice {slice})", gpu.name),
        memory_bytes: gpu.slices[slice].memory_bytes,
        uuid: Some(gpu.slices[slice].uuid.clone()),
    }
}

/// What an entry of `CUDA_VISIBLE_DEVICES` names. The worker gets the entry as it is written, since only CUDA knows by
/// which order its numbers count.
fn assigned_share(inventory: &Inventory, entry: &str) -> Option<Share> {
    let as_written = |share: Share| Share {
        visible: entry.to_owned(),
        ..share
    };
    if let Ok(index) = entry.parse::<u32>() {
        let gpu = inventory.gpus.get(index as usize)?;
        return Some(as_written(Share {
            label: format!("gpu{index}"),
            visible: String::new(),
            name: gpu.name.clone(),
            memory_bytes: gpu.memory_bytes,
            uuid: Some(gpu.uuid.clone()),
        }));
    }
    if entry.starts_with("MIG-") {
        let known = inventory.gpus.iter().find_map(|gpu| {
            let slice = gpu.slices.iter().position(|slice| slice.uuid == entry)?;
            Some(of_slice(gpu, slice))
        });
        // The old way to write a slice, MIG-GPU-uuid/instance/instance, is the driver's business.
        return known.or_else(|| {
            let (gpu, slice) = entry.strip_prefix("MIG-")?.split_once('/')?;
            let gpu = inventory.gpus.iter().find(|known| known.uuid == gpu)?;
            Some(as_written(Share {
                label: format!("gpu{}-mig{}", gpu.index, slice.replace('/', "-")),
                visible: String::new(),
                name: format!("{} (MIG slice {slice})", gpu.name),
                memory_bytes: None,
                uuid: None,
            }))
        });
    }
    // A prefix is enough where it is one GPU's alone.
    let mut matching = inventory
        .gpus
        .iter()
        .filter(|gpu| entry.len() > "GPU-".len() && gpu.uuid.starts_with(entry));
    match (matching.next(), matching.next()) {
        (Some(gpu), None) => Some(as_written(Share {
            label: format!("gpu{}", gpu.index),
            visible: String::new(),
            name: gpu.name.clone(),
            memory_bytes: gpu.memory_bytes,
            uuid: Some(gpu.uuid.clone()),
        })),
        _ => None,
    }
}

#[cfg(test)]
mod tests;
