//! Submissions of many jobs, taken in parts.
//!
//! A million jobs take seconds to be written and entered, and everybody else would wait for that. So each part is an entry of
//! its own, written in a turn of its own, and between them others are answered. What is there of a submission before its
//! end belongs to no sweep, and whoever asks for it is told that there is no such thing: its jobs have their home in a grid
//! of no sweep. Only the end makes the grid that of its sweep, in one step; and only then whoever submitted is answered.
//!
//! Submissions of many jobs come one after the other; others, of the same name too, may come between the parts. One whose end
//! was not written when the coordinator died is dropped: its jobs stay unknown until a submission means them again.

use std::collections::VecDeque;

use super::messages::Ticket;
use crate::model::submission::Submission;

/// A submission that has begun and not ended.
#[derive(Debug, Clone)]
pub(super) struct Staged {
    /// What it is; its cells are in the grid.
    pub(super) submission: Submission,
    pub(super) grid: u32,
    /// How many cells it will have.
    pub(super) cells: u64,
}

/// Submissions that are taken in parts.
#[derive(Debug, Clone, Default)]
pub(super) struct Submissions {
    waiting: VecDeque<(Ticket, Submission)>,
    /// The next cell of the first of them, when it has begun.
    next: Option<usize>,
}

impl Submissions {
    pub(super) fn add(&mut self, ticket: Ticket, submission: Submission) {
        self.waiting.push_back((ticket, submission));
    }

    /// The one whose turn it is, and its next cell when it has begun.
    pub(super) fn first(&self) -> Option<(&Submission, Option<usize>)> {
        let (_, submission) = self.waiting.front()?;
        Some((submission, self.next))
    }

    /// The cells of the first before this one are taken.
    pub(super) fn advance(&mut self, next: usize) {
        self.next = Some(next);
    }

    /// The first is taken as a whole: who waits for its answer.
    pub(super) fn end(&mut self) -> Option<Ticket> {
        self.next = None;
        let (ticket, _) = self.waiting.pop_front()?;
        Some(ticket)
    }

    /// Nobody waits for that one any more. One that has begun goes on.
    pub(super) fn abandon(&mut self, ticket: Ticket) {
        let begun = self.next.is_some();
        let mut position = 0;
        self.waiting.retain(|(waiting, _)| {
            position += 1;
            *waiting != ticket || (begun && position == 1)
        });
    }

    pub(super) fn has_begun(&self) -> bool {
        self.next.is_some()
    }
}
