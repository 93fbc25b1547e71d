//! What workers measure.

use proto::telemetry::Telemetry;

use super::*;
use proto::nouns::{Measured, Report};

#[test]
fn what_a_worker_measured_is_shown_until_the_next_and_never_written() {
    let mut world = World::new();
    let worker = world.worker("w");
    let written = world.entries.len();
    let report = |world: &mut World, worker, telemetry| {
        world.now = world.now.plus(1000);
        let report = Report {
            worker,
            progress: Vec::new(),
            telemetry,
        };
        let answer = world.ask(Request::Report(report));
        (answer, world.scheduler.workers(world.now)[0].measured)
    };
    let busy = Telemetry {
        busy_percent: Some(80),
        memory_used_bytes: Some(5),
        batches_per_second: Some(1.5),
        data_wait_percent: None,
    };
    let (_, measured) = report(&mut world, worker, Some(busy));
    let heard = world.now;
    assert_eq!(
        measured,
        Some(Measured {
            telemetry: busy,
            at: heard
        })
    );
    let (_, kept) = report(&mut world, worker, None);
    assert_eq!(kept, measured, "a report without it leaves the last");
    let device = world.scheduler.totals(world.now).devices["w"];
    assert_eq!((device.telemetry, device.memory_bytes), (busy, None));
    assert_eq!(world.entries.len(), written);
    // A stranger's is not kept, and he is told to say hello.
    let (answer, same) = report(&mut world, WorkerId(99), Some(Telemetry::default()));
    assert_eq!(answer, Err(Refusal::UnknownWorker(WorkerId(99))));
    assert_eq!(same, measured);
    world.now = world.now.plus(3 * TTL);
    assert!(
        world.scheduler.totals(world.now).devices.is_empty(),
        "a silent one's are old"
    );
    world.restart();
    assert_eq!(world.scheduler.workers(world.now)[0].measured, None);
}
