//! The turns of a submission that is taken in parts.

use super::decide::Taken;
use super::machine::Scheduler;
use super::messages::{Answer, Effect};
use proto::nouns::Timestamp;

impl Scheduler {
    /// Whether something takes long and waits for [`super::Event::Continue`].
    pub fn is_busy(&self) -> bool {
        self.submissions.first().is_some()
    }

    pub(super) fn on_continue(&mut self, now: Timestamp) {
        let Some((submission, next)) = self.submissions.first() else {
            return;
        };
        let decided = self.decide_part(now, submission, next);
        match self.enact(decided) {
            Taken::UpTo(next) => self.submissions.advance(next),
            Taken::Whole(submitted) => {
                if let Some(ticket) = self.submissions.end() {
                    let reply = Ok(Answer::Submitted(submitted));
                    self.effects.push(Effect::Reply(ticket, reply));
                }
            }
        }
    }
}
