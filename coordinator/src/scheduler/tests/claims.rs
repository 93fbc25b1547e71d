//! Sweeps that grow by themselves until their claims are decided.

use looks::{ClaimState, ClaimsView, Look, Settings, Verdict};
use proto::nouns::Assignment;
use sweeps::RunRecord;

use super::*;
use crate::scheduler::Scheduler;
use crate::scheduler::fixture::claiming;

fn settings() -> Settings {
    Settings {
        alpha: 0.2,
        min: 3,
        max: 12,
        margin: 0.001,
        at_once: 1,
    }
}

/// Three arms: the first is far above the second, which is as good as the third.
fn sweep(name: &str) -> crate::scheduler::Submission {
    claiming(name, fixture::grid(3, 3), settings())
}

/// What a job finds: by its learning rate and its seed.
fn auc(world: &World, job: JobId) -> f64 {
    let job = world.scheduler.job_view(job).unwrap().job;
    let rate = job
        .parameters
        .get("learning_rate")
        .unwrap()
        .as_float()
        .unwrap();
    let noise = 0.01 * ((job.seed * 7) % 5) as f64;
    match (rate * 1e4).round() as u32 {
        1 => 0.9 + noise,
        2 => 0.6 - noise,
        _ => {
            0.6 - noise
                + if job.seed.is_multiple_of(2) {
                    0.02
                } else {
                    -0.02
                }
        }
    }
}

fn record(world: &World, job: &Assignment) -> RunRecord {
    let mut record = fixture::record(job.job_id, job.attempt, "w");
    let auc = auc(world, job.job_id);
    record.outcome.metrics.d.as_mut().unwrap().auc = Some(auc);
    record
}

fn claims(world: &World, sweep: &str) -> ClaimsView {
    *world.scheduler.sweep_info(sweep).unwrap().claims.unwrap()
}

/// Runs everything that there is, `slots` jobs at a time; `pick` says which ends next.
fn run(world: &mut World, slots: u32, mut pick: impl FnMut(usize) -> usize) {
    let worker = world.hello(hello("w", 1, slots));
    loop {
        let held = world.held(worker);
        world.lease(worker, slots, &held.iter().collect::<Vec<_>>());
        let mut held = world.held(worker);
        if held.is_empty() {
            break;
        }
        let job = held.remove(pick(held.len()));
        let record = record(world, &job);
        world.deliver(worker, record).unwrap();
    }
    world
        .ask(Request::Goodbye(Goodbye {
            worker,
            reason: String::new(),
        }))
        .unwrap();
}

/// The seeds of each arm, and every look.
fn outcome(world: &World, sweep: &str) -> (Vec<usize>, Vec<Look>) {
    let number = world.scheduler.jobs.sweep_named(sweep).unwrap();
    let sweep = world.scheduler.jobs.sweep(number);
    let claims = sweep.submission.claims.as_ref().unwrap();
    (
        claims.arms.iter().map(Vec::len).collect(),
        claims.looks.clone(),
    )
}

#[test]
fn seeds_are_added_until_every_claim_is_decided_or_at_its_end() {
    let mut world = World::new();
    let told = world.submit(sweep("a"));
    assert_eq!((told.cells, told.new), (9, 9));
    run(&mut world, 1, |_| 0);
    let view = claims(&world, "a");
    assert!(view.is_settled() && view.grows);
    let [clear, alike] = &view.claims[..] else {
        panic!("{view:?}")
    };
    assert_eq!(
        (clear.verdict, clear.state),
        (Verdict::Holds, ClaimState::Decided)
    );
    assert!(clear.decided_after.unwrap() >= 5 && clear.difference.unwrap() > 0.2);
    assert_eq!(
        (alike.verdict, alike.state),
        (Verdict::Undecided, ClaimState::AtMax)
    );
    assert_eq!(alike.seeds, 12);
    let (seeds, looks) = outcome(&world, "a");
    assert_eq!(seeds[1..], [12, 12]);
    assert!(
        seeds[0] < 12,
        "a decided claim gets no seed more: {seeds:?}"
    );
    let cells = world.scheduler.cell_rows("a").unwrap().1;
    assert_eq!(cells.len(), seeds.iter().sum::<usize>());
    assert_eq!(world.count("a", JobStatus::Done) as usize, cells.len());
    // The looks are a function of the numbers.
    let number = world.scheduler.jobs.sweep_named("a").unwrap();
    let sweep = world.scheduler.jobs.sweep(number);
    let of = sweep.submission.claims.as_ref().unwrap();
    let replayed = of.family.replay(&world.scheduler.arms_of(sweep, of));
    assert_eq!((replayed.seeds, replayed.looks), (seeds, looks));
}

#[test]
fn any_order_of_finishing_on_any_number_of_workers_gives_the_same() {
    let mut first = World::new();
    first.submit(sweep("a"));
    run(&mut first, 1, |_| 0);
    let mut state = 7_usize;
    let mut random = move |below: usize| {
        state = state
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        (state >> 33) % below
    };
    for slots in [2, 3, 10] {
        let mut world = World::new();
        world.submit(sweep("a"));
        run(&mut world, slots, &mut random);
        assert_eq!(
            outcome(&world, "a"),
            outcome(&first, "a"),
            "{slots} at a time"
        );
    }
}

#[test]
fn a_crash_at_any_entry_ends_with_the_same_seeds_and_verdicts() {
    let mut whole = World::new();
    whole.submit(sweep("a"));
    run(&mut whole, 2, |_| 0);
    let expected = outcome(&whole, "a");
    for kept in (1..whole.entries.len()).step_by(3) {
        let mut world = World::new();
        let mut again = Scheduler::new(world.scheduler.policy.clone());
        world.entries = whole.entries[..kept].to_vec();
        for entry in &world.entries {
            again.replay(entry).unwrap();
        }
        world.scheduler = again;
        world.now = whole.now;
        world.step(Event::Recovered);
        world.restart();
        // Those who held leases are gone.
        world.pass(2 * TTL);
        run(&mut world, 3, |below| below - 1);
        assert_eq!(outcome(&world, "a"), expected, "{kept} entries");
    }
}

#[test]
fn the_same_file_again_is_the_sweep_as_it_has_grown() {
    let mut world = World::new();
    world.submit(sweep("a"));
    run(&mut world, 1, |_| 0);
    let (entries, cells) = (
        world.entries.len(),
        world.scheduler.cell_rows("a").unwrap().1.len(),
    );
    let told = world.submit(sweep("a"));
    assert_eq!((told.cells as usize, told.new, told.hidden), (cells, 0, 0));
    assert_eq!(world.entries.len(), entries, "nothing is written");
    // A wider one begins anew, and runs through what is done at once.
    let mut wider = sweep("a");
    wider.text.push_str(" max = 13");
    wider.claims.as_mut().unwrap().family.settings.max = 13;
    world.submit(wider);
    assert_eq!(claims(&world, "a").claims[1].seeds, 12);
    assert_eq!(world.count("a", JobStatus::Pending), 2);
    world.restart();
}

#[test]
fn without_leave_no_seeds_are_added_and_with_it_the_sweep_goes_on() {
    let mut world = World::new();
    let mut fixed = sweep("a");
    fixed.claims.as_mut().unwrap().grows = false;
    world.submit(fixed.clone());
    run(&mut world, 2, |_| 0);
    let view = claims(&world, "a");
    assert_eq!(outcome(&world, "a").0, [3, 3, 3]);
    assert_eq!(view.claims[0].seeds, 3);
    assert!(
        view.claims
            .iter()
            .all(|claim| claim.state == ClaimState::Stopped)
    );
    let told = world.submit(sweep("a"));
    assert_eq!((told.hidden, told.done), (0, 9));
    run(&mut world, 2, |_| 0);
    let mut whole = World::new();
    whole.submit(sweep("a"));
    run(&mut whole, 1, |_| 0);
    assert_eq!(outcome(&world, "a"), outcome(&whole, "a"));
    // And the other way round nothing is hidden.
    let told = world.submit(fixed);
    assert_eq!(told.hidden, 0);
    assert!(!claims(&world, "a").grows);
    world.restart();
}

#[test]
fn a_seed_without_a_result_is_named_and_its_claim_waits_for_a_retry() {
    let mut world = World::new();
    world.submit(sweep("a"));
    let worker = world.hello(hello("w", 1, 1));
    let lost = world.one(worker);
    world.fail(worker, &lost, FailureClass::BadData).unwrap();
    assert_eq!(world.status(lost.job_id), JobStatus::Failed);
    run(&mut world, 2, |_| 0);
    let view = claims(&world, "a");
    assert!(view.is_settled());
    assert_eq!(
        (view.claims[0].state, view.claims[0].lost_seed),
        (ClaimState::Lost, Some(0))
    );
    assert_eq!(view.claims[0].verdict, Verdict::Undecided);
    assert_eq!(
        view.claims[1].state,
        ClaimState::AtMax,
        "the other one goes on"
    );
    world.restart();
    world.control(Target::Sweep("a".into()), ControlAction::Retry);
    assert_eq!(claims(&world, "a").claims[0].state, ClaimState::Open);
    run(&mut world, 2, |_| 0);
    assert_eq!(claims(&world, "a").claims[0].verdict, Verdict::Holds);
    world.restart();
}

#[test]
fn a_cancelled_sweep_gets_no_seeds() {
    let mut world = World::new();
    world.submit(sweep("a"));
    world.control(Target::Sweep("a".into()), ControlAction::Cancel);
    assert_eq!(outcome(&world, "a"), (vec![3, 3, 3], Vec::new()));
    world.submit(sweep("a"));
    run(&mut world, 1, |_| 0);
    assert_eq!(claims(&world, "a").claims[0].verdict, Verdict::Holds);
}

#[test]
fn looks_that_do_not_fit_their_sweep_change_nothing() {
    let mut world = World::new();
    world.submit(sweep("a"));
    run(&mut world, 1, |_| 0);
    let looked = world
        .entries
        .iter()
        .find(|entry| matches!(entry, Entry::Looked { ids, .. } if !ids.is_empty()));
    let looked = looked.unwrap().clone();
    let mut plain = World::new();
    plain.sweep("a", 3);
    let before = plain.scheduler.fingerprint();
    plain.scheduler.replay(&looked).unwrap();
    assert_eq!(plain.scheduler.fingerprint(), before);
    // An arm of each seed, no more and no less.
    let Entry::Looked {
        at,
        sweep: name,
        looks,
        table,
        ids,
        ..
    } = looked
    else {
        panic!("a look")
    };
    let mut world = World::new();
    world.submit(sweep("a"));
    let before = world.scheduler.fingerprint();
    let wrong = Entry::Looked {
        at,
        sweep: name,
        looks,
        table,
        ids,
        arms: Vec::new(),
    };
    world.scheduler.replay(&wrong).unwrap();
    assert_eq!(world.scheduler.fingerprint(), before);
    world.scheduler.check().unwrap();
}

/// Numbers of seeds that nobody asked for, because another sweep did, say nothing before their turn.
#[test]
fn seeds_that_another_sweep_has_run_are_taken_one_after_the_other() {
    let mut world = World::new();
    world.submit(submission("b", fixture::grid(12, 3)));
    run(&mut world, 4, |_| 0);
    world.submit(sweep("a"));
    let mut alone = World::new();
    alone.submit(sweep("a"));
    run(&mut alone, 1, |_| 0);
    assert_eq!(outcome(&world, "a"), outcome(&alone, "a"));
    assert_eq!(world.count("a", JobStatus::Pending), 0);
}
