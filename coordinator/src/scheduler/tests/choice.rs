//! Which job goes to which worker.

use super::*;

#[test]
fn data_and_revisions_decide_who_gets_a_job() {
    let mut world = World::new();
    world.sweep("a", 5);
    let mut other_copy = hello("copy", 1, 1);
    other_copy
        .datasets
        .insert("tracks".into(), fixture::digest("changed"));
    let mut no_copy = hello("none", 1, 1);
    no_copy.datasets.clear();
    let mut old = hello("old", 1, 1);
    old.trainer_revision += 1;
    for hello in [other_copy, no_copy, old] {
        let worker = world.hello(hello.clone());
        assert!(
            world.lease(worker, 1, &[]).assignments.is_empty(),
            "{}",
            hello.name
        );
    }
    let job = world.scheduler.cell_rows("a").unwrap().1[0].job_id;
    let reasons = world.scheduler.explain(job, world.now).unwrap().reasons;
    assert_eq!(reasons[0], "no worker can run it now");
    for part in [
        "another copy",
        "does not have the data set",
        "trainer revision",
    ] {
        assert!(
            reasons.iter().any(|reason| reason.contains(part)),
            "{part}: {reasons:?}"
        );
    }
    let warned = world.scheduler.workers(world.now);
    assert!(warned[0].warnings[0].contains("its copy of the data set `tracks` is another"));
    assert!(warned[2].warnings[0].contains("trainer revision"));
}

#[test]
fn priority_then_warmth_then_fairness() {
    let mut world = World::new();
    let mut both = hello("w", 1, 100);
    both.datasets
        .insert("video".into(), fixture::digest("video"));
    let worker = world.hello(both);
    world.submit(submission("a", grid_on("tracks", 0, 6, 1)));
    world.submit(submission("b", grid_on("video", 0, 6, 1)));
    let mut urgent = submission("c", grid_on("tracks", 100, 1, 1));
    urgent.priority = 5;
    world.submit(urgent);
    let order: Vec<(u64, String)> = (0..5)
        .map(|_| {
            let job = world.one(worker);
            (job.job.seed, job.job.dataset.to_string())
        })
        .collect();
    let names: Vec<_> = order.iter().map(|(_, name)| name.as_str()).collect();
    assert_eq!(order[0].0, 100, "the urgent one first");
    assert_eq!(names[1..], ["tracks", "video", "tracks", "video"]);
    let warm = Request::Lease(LeaseRequest {
        worker,
        slots: 3,
        held: world.held(worker).iter().map(key).collect(),
        warm: vec![fixture::digest("video")],
        wait_ms: 0,
    });
    let answer = lease_answer(world.ask(warm));
    assert!(
        answer
            .assignments
            .iter()
            .all(|job| job.job.dataset.to_string() == "video")
    );
}

#[test]
fn labels_device_and_memory_decide_who_gets_a_job() {
    let mut world = World::new();
    let mut wants = submission("s", fixture::grid(3, 1));
    wants.requirements = Requirements {
        device: Some("cuda".into()),
        labels: vec!["big".into()],
        memory_bytes: Some(16),
    };
    world.submit(wants);
    let worker = |world: &mut World, name: &str, kind: &str, label: Option<&str>, memory| {
        let mut hello = hello(name, 1, 4);
        hello.device.kind = kind.into();
        hello.labels.extend(label.map(str::to_owned));
        hello.memory_bytes = memory;
        world.hello(hello)
    };
    let job = world.scheduler.find_jobs("", 1)[0];
    for (name, kind, label, memory, obstacle) in [
        (
            "a",
            "cpu-avx2",
            Some("big"),
            Some(16),
            "computes on cpu-avx2",
        ),
        ("b", "cuda-sm90", None, Some(16), "has no label `big`"),
        (
            "c",
            "cuda-sm90",
            Some("big"),
            Some(15),
            "has 15 bytes of memory",
        ),
    ] {
        let worker = worker(&mut world, name, kind, label, memory);
        assert!(world.lease(worker, 1, &[]).assignments.is_empty(), "{name}");
        let explanation = world.scheduler.explain(job, world.now).unwrap();
        assert!(
            explanation
                .reasons
                .iter()
                .any(|reason| reason.contains(obstacle)),
            "{explanation:?}"
        );
    }
    let fits = worker(&mut world, "d", "cuda-sm90", Some("big"), Some(16));
    let unsure = worker(&mut world, "e", "cuda-sm80", Some("big"), None);
    world.one(fits);
    world.one(unsure);
}

/// One worker, one job at a time, and the data set of its last job in memory.
fn finishes_of(world: &mut World, worker: WorkerId, count: usize, warm: bool) -> Vec<String> {
    let mut last = Vec::new();
    let mut order = Vec::new();
    for _ in 0..count {
        let request = Request::Lease(LeaseRequest {
            worker,
            slots: 1,
            held: Vec::new(),
            warm: last.clone(),
            wait_ms: 0,
        });
        let job = lease_answer(world.ask(request)).assignments.remove(0);
        if warm {
            last = vec![job.dataset];
        }
        order.push(job.job.dataset.to_string());
        let mut record = fixture::record(job.job_id, job.attempt, "w");
        record.provenance.dataset_digest = job.dataset;
        assert_eq!(world.deliver(worker, record), Ok(Receipt::Recorded));
    }
    order
}

fn two_sweeps() -> (World, WorkerId) {
    let mut world = World::new();
    let mut both = hello("w", 1, 1);
    both.datasets
        .insert("video".into(), fixture::digest("video"));
    let worker = world.hello(both);
    world.submit(submission("a", grid_on("tracks", 0, 60, 1)));
    finishes_of(&mut world, worker, 3, true);
    world.submit(submission("b", grid_on("video", 0, 60, 1)));
    (world, worker)
}

#[test]
fn warm_data_do_not_keep_a_worker_from_another_sweep_for_ever() {
    let (mut world, worker) = two_sweeps();
    let order = finishes_of(&mut world, worker, 40, true);
    for turn in order.windows(6) {
        let tracks = turn.iter().filter(|name| *name == "tracks").count();
        assert!((1..6).contains(&tracks), "{order:?}");
    }
    // And are still preferred: data are loaded a few times, not for each job.
    let loads = order.windows(2).filter(|pair| pair[0] != pair[1]).count();
    assert!(loads <= 11, "{order:?}");
}

#[test]
fn one_worker_is_shared_also_where_no_data_are_warm() {
    let (mut world, worker) = two_sweeps();
    let order = finishes_of(&mut world, worker, 20, false);
    let tracks = order.iter().filter(|name| *name == "tracks").count();
    assert_eq!(tracks, 10, "{order:?}");
}

#[test]
fn a_more_urgent_sweep_has_no_rivals() {
    let (mut world, worker) = two_sweeps();
    let mut urgent = submission("c", grid_on("tracks", 100, 30, 1));
    urgent.priority = 1;
    world.submit(urgent);
    let order = finishes_of(&mut world, worker, 30, true);
    assert!(order.iter().all(|name| name == "tracks"), "{order:?}");
    assert_eq!(world.count("c", JobStatus::Done), 30);
}

#[test]
fn packed_workers_let_the_idle_ones_be_idle() {
    for pack in [false, true] {
        let mut world = World::new();
        world.scheduler.policy.pack_workers = pack;
        world.sweep("a", 1);
        let (first, second) = (world.worker("first"), world.worker("second"));
        let wait = |world: &mut World, worker| {
            world.send(Request::Lease(LeaseRequest {
                worker,
                slots: 1,
                held: Vec::new(),
                warm: Vec::new(),
                wait_ms: 50_000,
            }))
        };
        let job = world.one(second);
        let idle = wait(&mut world, first);
        world.pass(1000);
        world.finish(second, &job).unwrap();
        let busy = wait(&mut world, second);
        world.sweep("b", 2);
        let (served, other) = if pack { (busy, idle) } else { (idle, busy) };
        assert!(world.replies.contains_key(&served), "pack: {pack}");
        assert!(!world.replies.contains_key(&other), "pack: {pack}");
    }
}
