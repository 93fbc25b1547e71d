//! Small worlds in virtual time: a coordinator that is killed at every point between deciding and telling, a network that
//! loses, doubles, delays and reorders, workers that die and come back. Seeded: a world that breaks a rule says its seed.
//!
//! [`world`] is the world, with what it must keep to; here are the runs. Three of them break a rule on purpose, to see that
//! it is noticed.

mod world;

use world::{Sabotage, Scale, World};

/// Runs worlds until one breaks a rule; answers its seed and what it broke.
fn search(seeds: std::ops::Range<u64>, sabotage: Sabotage) -> Option<(u64, String)> {
    seeds
        .into_iter()
        .find_map(|seed| Some((seed, World::new(seed, sabotage).run().err()?)))
}

#[test]
fn thousands_of_small_worlds_keep_every_promise() {
    let worlds = std::env::var("SIM_WORLDS")
        .ok()
        .and_then(|text| text.parse().ok())
        .unwrap_or(2000);
    if let Some((seed, broken)) = search(0..worlds, Sabotage::None) {
        panic!("world {seed}: {broken}");
    }
}

#[test]
fn a_world_is_a_function_of_its_seed() {
    for seed in [1, 7, 42] {
        let [one, two] = [(); 2].map(|()| {
            let mut world = World::new(seed, Sabotage::None);
            world.run().unwrap();
            world.trace
        });
        assert_eq!(one, two);
        assert!(one.len() > 20);
    }
}

#[test]
fn answering_before_the_disk_has_it_is_noticed() {
    assert!(search(0..500, Sabotage::ReplyBeforeFlush).is_some());
}

#[test]
fn taking_the_word_of_an_old_attempt_is_noticed() {
    assert!(search(0..500, Sabotage::AcceptStale).is_some());
}

#[test]
fn a_journal_that_forgets_is_noticed() {
    assert!(search(0..500, Sabotage::LoseLastEntry).is_some());
}

#[test]
fn a_coordinator_that_ignores_its_own_pauses_is_noticed() {
    assert!(search(0..500, Sabotage::IgnoreFreezes).is_some());
}

#[test]
fn expiring_leases_before_hearing_who_waits_is_noticed() {
    assert!(search(0..10_000, Sabotage::TickBeforeCalls).is_some());
}

#[test]
fn a_sweep_that_never_gets_its_turn_is_noticed() {
    assert!(search(0..500, Sabotage::ForgetWhoseTurn).is_some());
}

#[test]
fn worlds_are_wild_enough_to_mean_something() {
    let mut total = world::Tally::default();
    for seed in 0..200 {
        let mut world = World::new(seed, Sabotage::None);
        world.run().unwrap();
        total.add(&world.tally);
    }
    let world::Tally {
        coordinator_kills,
        worker_kills,
        lost,
        doubled,
        expired,
        late_results,
        stale,
        restarts_with_leases,
        audited,
        stood_still,
        passed_over,
        dropped,
        seeds_added,
    } = total;
    for (what, times) in [
        ("coordinator killed", coordinator_kills),
        ("worker killed", worker_kills),
        ("message lost", lost),
        ("message doubled", doubled),
        ("lease expired", expired),
        ("late result", late_results),
        ("stale refusal", stale),
        ("restart with live leases", restarts_with_leases),
        ("job audited", audited),
        ("coordinator stood still", stood_still),
        ("sweep passed over", passed_over),
        ("submission dropped", dropped),
        ("seed added", seeds_added),
    ] {
        assert!(times >= 40, "{what}: only {times} times in 200 worlds");
    }
}

/// Minutes, and in a release build: `SIM_LARGE=1 cargo test --release -p coordinator --lib a_large_world -- --nocapture`.
#[test]
fn a_large_world_keeps_every_promise() {
    let Ok(seed) = std::env::var("SIM_LARGE") else {
        eprintln!("skipped: SIM_LARGE=SEED runs a world of 1,000 workers over weeks");
        return;
    };
    let seed = seed.parse().expect("SIM_LARGE is a seed");
    let mut world = World::of(Scale::LARGE, seed, Sabotage::None);
    if let Err(broken) = world.run() {
        panic!("large world {seed}: {broken}");
    }
    eprintln!("large world {seed}: {}", world.summary());
}
