//! Pretended devices in pretended time.

use super::*;

const SECOND: Duration = Duration::from_secs(1);

fn three() -> Supervisor {
    let mut supervisor = Supervisor::new(Policy::default(), 3);
    let started = supervisor.step(Duration::ZERO, Event::Tick);
    assert_eq!(started, [0, 1, 2].map(Effect::Start));
    supervisor
}

#[test]
fn a_crash_of_one_leaves_the_others_and_is_healed_later_and_later() {
    let mut supervisor = three();
    let mut now = SECOND;
    for wait in [1, 2, 4, 8, 16, 32, 60] {
        let effects = supervisor.step(now, Event::Ended(1, End::Crashed(None)));
        assert_eq!(effects, [Effect::WillStart(1, SECOND * wait)]);
        assert_eq!(supervisor.due(), Some(now + SECOND * wait));
        let early = (SECOND * wait).mul_f64(0.999);
        assert_eq!(supervisor.step(now + early, Event::Tick), []);
        now += SECOND * wait;
        assert_eq!(supervisor.step(now, Event::Tick), [Effect::Start(1)]);
    }
    // The eighth short life is the last.
    let effects = supervisor.step(now, Event::Ended(1, End::Crashed(Some(15))));
    assert_eq!(effects, [Effect::GivenUp(1)]);
    // The others end well; the one that was given up is not forgotten.
    assert_eq!(supervisor.step(now, Event::Ended(0, End::Well)), []);
    assert_eq!(
        supervisor.step(now, Event::Ended(2, End::Well)),
        [Effect::Exit(15)]
    );
}

#[test]
fn a_long_life_is_a_new_beginning() {
    let mut supervisor = three();
    let mut now = SECOND;
    for _ in 0..20 {
        let effects = supervisor.step(now, Event::Ended(0, End::Crashed(None)));
        assert_eq!(effects, [Effect::WillStart(0, SECOND)]);
        now += SECOND;
        assert_eq!(supervisor.step(now, Event::Tick), [Effect::Start(0)]);
        now += Policy::default().long_life;
    }
}

#[test]
fn a_stop_waits_for_every_process_and_starts_none() {
    let mut supervisor = three();
    supervisor.step(SECOND, Event::Ended(2, End::Crashed(None)));
    assert_eq!(
        supervisor.step(SECOND, Event::Stop),
        [Effect::AskToStop(0), Effect::AskToStop(1)]
    );
    assert_eq!(supervisor.step(SECOND * 90, Event::Tick), []);
    assert_eq!(supervisor.step(SECOND * 91, Event::Ended(0, End::Well)), []);
    assert_eq!(
        supervisor.step(SECOND * 91, Event::Ended(1, End::Crashed(None))),
        [Effect::Exit(0)]
    );
}

#[test]
fn what_ended_as_it_should_or_cannot_be_healed_is_not_started_again() {
    let mut supervisor = three();
    assert_eq!(supervisor.step(SECOND, Event::Ended(0, End::Well)), []);
    assert_eq!(
        supervisor.step(SECOND, Event::Ended(1, End::Hopeless(10))),
        [Effect::GivenUp(1)]
    );
    assert_eq!(supervisor.due(), None);
    // An end told twice is one.
    assert_eq!(supervisor.step(SECOND, Event::Ended(1, End::Well)), []);
    assert_eq!(
        supervisor.step(SECOND, Event::Ended(2, End::Well)),
        [Effect::Exit(10)]
    );
}
