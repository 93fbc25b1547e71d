//! Machines nobody here has.

use super::super::inventory::Slice;
use super::*;

fn gpu(index: u32) -> Gpu {
    Gpu {
        index,
        uuid: format!("GPU-{index}{index}aa-bb"),
        name: "NVIDIA A100".to_owned(),
        memory_bytes: Some(40 << 30),
        ..Gpu::default()
    }
}

/// Two whole GPUs and one in two slices.
fn machine() -> Inventory {
    let mut gpus = vec![gpu(0), gpu(1), gpu(2)];
    gpus[2].sliced = true;
    gpus[2].slices = ["MIG-one", "MIG-two"]
        .map(|uuid| Slice {
            uuid: uuid.to_owned(),
            memory_bytes: Some(5 << 30),
        })
        .to_vec();
    Inventory {
        driver: Some("580.1".to_owned()),
        gpus,
    }
}

fn assigned(list: &str) -> Assigned {
    Assigned {
        visible: Some(list.to_owned()),
        slurm: true,
    }
}

fn labels(list: &str) -> Vec<(String, String)> {
    shares(&machine(), &assigned(list))
        .unwrap()
        .into_iter()
        .map(|share| (share.label, share.visible))
        .collect()
}

fn pairs<const N: usize>(of: [(&str, &str); N]) -> Vec<(String, String)> {
    of.map(|(label, visible)| (label.to_owned(), visible.to_owned()))
        .to_vec()
}

#[test]
fn a_host_of_ones_own_is_used_whole_and_slice_by_slice() {
    let all: Vec<_> = shares(&machine(), &Assigned::default())
        .unwrap()
        .into_iter()
        .map(|share| (share.label, share.visible))
        .collect();
    assert_eq!(
        all,
        pairs([
            ("gpu0", "GPU-00aa-bb"),
            ("gpu1", "GPU-11aa-bb"),
            ("gpu2-mig0", "MIG-one"),
            ("gpu2-mig1", "MIG-two"),
        ])
    );
}

#[test]
fn an_assignment_is_obeyed_as_it_is_written() {
    assert_eq!(labels("1"), pairs([("gpu1", "1")]));
    assert_eq!(labels("1, 0"), pairs([("gpu1", "1"), ("gpu0", "0")]));
    assert_eq!(labels("GPU-11"), pairs([("gpu1", "GPU-11")]));
    assert_eq!(labels("MIG-two"), pairs([("gpu2-mig1", "MIG-two")]));
    assert_eq!(
        labels("MIG-GPU-22aa-bb/3/0"),
        pairs([("gpu2-mig3-0", "MIG-GPU-22aa-bb/3/0")])
    );
}

#[test]
fn what_is_not_assigned_is_not_used() {
    for list in ["", "-1", "NoDevFiles"] {
        assert_eq!(
            shares(&machine(), &assigned(list)),
            Err(NoShare::NoneAssigned(list.to_owned()))
        );
    }
    let slurm = Assigned {
        visible: None,
        slurm: true,
    };
    assert_eq!(shares(&machine(), &slurm), Err(NoShare::SlurmWithoutGpu));
    assert_eq!(
        shares(&Inventory::default(), &Assigned::default()),
        Err(NoShare::NoGpu)
    );
}

#[test]
fn a_list_that_names_nothing_or_twice_the_same_is_refused_by_name() {
    for (list, entry) in [
        ("0,7", "7"),
        ("GPU-", "GPU-"),
        ("GPU-9", "GPU-9"),
        ("0,", ""),
        ("MIG-three", "MIG-three"),
        ("x", "x"),
    ] {
        assert_eq!(
            shares(&machine(), &assigned(list)),
            Err(NoShare::Unknown {
                list: list.to_owned(),
                entry: entry.to_owned()
            })
        );
    }
    assert_eq!(
        shares(&machine(), &assigned("0,GPU-00")),
        Err(NoShare::Twice {
            list: "0,GPU-00".to_owned(),
            entry: "GPU-00".to_owned()
        })
    );
}

#[test]
fn the_share_of_a_process_is_told_by_number_and_name_or_not_at_all() {
    let mut machine = machine();
    let own = |machine: &Inventory, list: Option<&str>, ordinal, name| {
        let assigned = Assigned {
            visible: list.map(str::to_owned),
            slurm: true,
        };
        own_share(machine, &assigned, ordinal, name).and_then(|share| share.uuid)
    };
    let uuid = |index: usize| Some(machine.gpus[index].uuid.clone());
    let (first, second) = (uuid(0), uuid(1));
    let a100 = "NVIDIA A100";
    assert_eq!(own(&machine, None, 1, a100), second);
    assert_eq!(own(&machine, second.as_deref(), 0, a100), second);
    assert_eq!(
        own(&machine, Some("MIG-two"), 0, a100).as_deref(),
        Some("MIG-two")
    );
    assert_eq!(own(&machine, Some("0"), 3, a100), first);
    assert_eq!(own(&machine, None, 9, a100), None, "any of several");
    assert_eq!(own(&machine, Some(""), 0, a100), None);
    // CUDA counts the fast one first, the driver the one that is first on the bus.
    machine.gpus[0].name = "NVIDIA T400".to_owned();
    machine.gpus.truncate(2);
    assert_eq!(own(&machine, None, 0, a100), second);
    assert_eq!(own(&machine, None, 0, "NVIDIA H100"), None);
}
