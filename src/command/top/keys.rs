//! What keys do.

use proto::nouns::{Control, ControlAction, Target};
use ratatui::crossterm::event::{KeyCode, KeyEvent, KeyModifiers};
use sweeps::JobStatus;

use super::model::{Model, Question, View, Wish};

/// Whether it goes on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Pressed {
    /// It does.
    Stay,
    /// Somebody leaves.
    Leave,
}

/// The keys and what they do, for the help.
pub const HELP: &[(&str, &str)] = &[
    ("1 … 6, Tab", "grid, workers, failures, job, sweeps, claims"),
    ("arrows, h j k l", "move"),
    ("PgUp PgDn, g G", "a page; to the first, to the last"),
    ("Enter", "the job, or the sweep, under the cursor"),
    ("Esc", "back to the grid"),
    ("m", "what the curve shows: AUC, losses, labels"),
    ("p", "pause the sweep, or resume it"),
    ("r", "queue the job again; in the grid all failed jobs"),
    ("c", "cancel the sweep's unfinished jobs (asks)"),
    ("d", "drain the worker (asks)"),
    ("?", "these keys"),
    ("q, Ctrl-C", "leave; the sweep goes on"),
];

const PAGE: isize = 10;
const ALL: isize = isize::MAX;

impl Model {
    /// A key was pressed.
    pub fn press(&mut self, key: &KeyEvent) -> Pressed {
        let control = key.modifiers.contains(KeyModifiers::CONTROL);
        if control && matches!(key.code, KeyCode::Char('c' | 'd')) {
            return Pressed::Leave;
        }
        if let Some(question) = self.question.take() {
            if matches!(key.code, KeyCode::Char('y' | 'Y')) {
                self.wish(question.act);
            } else {
                self.said = Some("nothing was done".into());
            }
            return Pressed::Stay;
        }
        if std::mem::take(&mut self.help) && key.code != KeyCode::Char('q') {
            return Pressed::Stay;
        }
        self.said = None;
        match key.code {
            KeyCode::Char('q') => return Pressed::Leave,
            KeyCode::Char('?') => self.help = true,
            KeyCode::Char(digit @ '1'..='6') => {
                self.show(View::ALL[digit as usize - '1' as usize]);
            }
            KeyCode::Tab => self.turn(1),
            KeyCode::BackTab => self.turn(View::ALL.len() - 1),
            KeyCode::Esc => self.show(View::Grid),
            KeyCode::Up | KeyCode::Char('k') => self.step(-1),
            KeyCode::Down | KeyCode::Char('j') => self.step(1),
            KeyCode::PageUp => self.step(-PAGE),
            KeyCode::PageDown => self.step(PAGE),
            KeyCode::Home | KeyCode::Char('g') => self.step(-ALL),
            KeyCode::End | KeyCode::Char('G') => self.step(ALL),
            KeyCode::Left | KeyCode::Char('h') => self.seed.step(-1),
            KeyCode::Right | KeyCode::Char('l') => self.seed.step(1),
            KeyCode::Enter => self.enter(),
            KeyCode::Char('m') => self.metric = self.metric.next(),
            KeyCode::Char('p') => self.pause(),
            KeyCode::Char('r') => self.retry(),
            KeyCode::Char('c') => self.cancel(),
            KeyCode::Char('d') => self.drain(),
            _ => {}
        }
        Pressed::Stay
    }

    fn turn(&mut self, by: usize) {
        let at = View::ALL.iter().position(|view| *view == self.view);
        self.show(View::ALL[(at.unwrap_or(0) + by) % View::ALL.len()]);
    }

    fn show(&mut self, view: View) {
        if view == View::Job && self.page.is_none() {
            match self.selected() {
                Some(job) => self.open(job),
                None => self.said = Some("no job is selected".into()),
            }
            return;
        }
        self.view = view;
    }

    fn step(&mut self, by: isize) {
        match self.view {
            View::Grid => {
                let before = self.variant.at;
                self.variant.step(by);
                if self.variant.at != before {
                    self.bound_seed();
                    self.want_curves();
                }
            }
            View::Workers => self.worker.step(by),
            View::Failures => self.failure.step(by),
            View::Sweeps => self.sweep.step(by),
            View::Claims => self.claim.step(by),
            // The newest line is the last: up is back in time.
            View::Job => {
                if let Some(page) = &mut self.page {
                    page.scrolled = page.scrolled.saturating_add_signed(by.saturating_neg());
                }
            }
        }
    }

    fn enter(&mut self) {
        match self.view {
            View::Sweeps => {
                if let Some(sweep) = self.sweeps.get(self.sweep.at) {
                    self.follow(sweep.name.clone());
                }
            }
            View::Job => {}
            _ => match self.selected() {
                Some(job) => self.open(job),
                None => self.said = Some("no job is selected".into()),
            },
        }
    }

    fn act(&mut self, action: ControlAction, target: Target) {
        self.wish(Wish::Control(Control { target, action }));
    }

    fn pause(&mut self) {
        let Some((name, followed)) = self.name.clone().zip(self.followed.as_ref()) else {
            return;
        };
        let action = if followed.info.summary.paused {
            ControlAction::Resume
        } else {
            ControlAction::Pause
        };
        self.act(action, Target::Sweep(name));
    }

    fn retry(&mut self) {
        let job = match self.view {
            View::Job | View::Failures => self.selected(),
            _ => None,
        };
        let target = job
            .map(Target::Job)
            .or(self.name.clone().map(Target::Sweep));
        if let Some(target) = target {
            self.act(ControlAction::Retry, target);
        }
    }

    fn cancel(&mut self) {
        let Some((name, followed)) = self.name.clone().zip(self.followed.as_ref()) else {
            return;
        };
        let counts = followed.info.summary.counts;
        let unfinished = counts.of(JobStatus::Pending) + counts.of(JobStatus::Running);
        self.question = Some(Question {
            text: format!("cancel {unfinished} unfinished jobs of {name}? y / n"),
            act: Wish::Control(Control {
                target: Target::Sweep(name),
                action: ControlAction::Cancel,
            }),
        });
    }

    fn drain(&mut self) {
        let worker = self.workers.get(self.worker.at);
        match worker.filter(|_| self.view == View::Workers) {
            Some(worker) => {
                let name = worker.name.clone();
                self.question = Some(Question {
                    text: format!("let {name} finish what it has, and go? y / n"),
                    act: Wish::Drain(name),
                });
            }
            None => self.said = Some("`d` drains the worker that is selected in 2, workers".into()),
        }
    }
}
