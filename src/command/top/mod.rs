//! `gcl-sweep top`: a running coordinator on a terminal, by keys.
//!
//! [`model`] is what is known and shown, and changes by news and keys alone; [`screen`] draws it; [`feed`] asks the coordinator.

mod feed;
mod keys;
mod model;
mod news;
mod screen;

use std::io::IsTerminal;
use std::time::Duration;

use ratatui::DefaultTerminal;
use ratatui::crossterm::event::{self, Event, KeyEventKind};
use tokio::sync::mpsc;

use crate::arguments::Top;
use crate::client::Client;
use crate::clock::{self, Stopwatch};
use crate::error::CommandError;
use crate::interrupt;
use feed::Feed;
use keys::Pressed;
use model::Model;
use news::News;

/// News are drawn together, keys at once.
const DRAW_EVERY: Duration = Duration::from_millis(100);
/// Ages and times left go on without news.
const TICK: Duration = Duration::from_secs(1);
/// Waits for a key that long, then sees whether anybody listens.
const KEYS_WITHIN: Duration = Duration::from_millis(200);

/// Shows it until `q`.
pub fn top(arguments: &Top) -> Result<(), CommandError> {
    if !std::io::stdout().is_terminal() {
        return Err(CommandError::Usage(
            "`top` draws on a terminal, and standard output is none: `gcl-sweep watch SWEEP` prints lines, `gcl-sweep status` a table"
                .into(),
        ));
    }
    let tasks = tokio::task::LocalSet::new();
    super::runtime()?.block_on(tasks.run_until(async {
        let client = Client::open(&arguments.endpoint)?;
        // Whoever mistyped the address learns it on the screen that the address is on.
        let sweeps = client.sweeps().await?;
        let mut model = Model::new(client.whom());
        model.hear(News::Sweeps(sweeps), Duration::ZERO);
        if let Some(sweep) = &arguments.sweep {
            client.sweep_info(sweep).await?;
            model.follow(sweep.clone());
        }
        let stop = interrupt::token()
            .map_err(|error| CommandError::Other(format!("cannot listen for signals: {error}")))?;
        let terminal = ratatui::try_init().map_err(|error| {
            CommandError::Other(format!("cannot draw on this terminal: {error}"))
        })?;
        let end = tokio::select! {
            end = show(client, model, terminal) => end,
            () = stop.cancelled() => Ok(()),
        };
        ratatui::restore();
        end
    }))
}

async fn show(
    client: Client,
    mut model: Model,
    mut terminal: DefaultTerminal,
) -> Result<(), CommandError> {
    let (sender, mut news) = mpsc::channel(1024);
    let mut feed = Feed::new(client, sender);
    let mut keys = listen();
    let watch = Stopwatch::start();
    let mut clock = tokio::time::interval(TICK);
    let mut drawn = Duration::ZERO;
    let mut is_due = true;
    loop {
        feed.obey(model.wishes());
        let now = watch.elapsed();
        if is_due && (drawn.is_zero() || now.saturating_sub(drawn) >= DRAW_EVERY) {
            let seen = screen::Seen {
                now,
                unix_milliseconds: clock::unix_milliseconds(),
            };
            terminal
                .draw(|frame| screen::draw(frame, &mut model, seen))
                .map_err(|error| {
                    CommandError::Other(format!("cannot draw on this terminal: {error}"))
                })?;
            (drawn, is_due) = (now, false);
        }
        let wait = DRAW_EVERY.saturating_sub(now.saturating_sub(drawn));
        tokio::select! {
            key = keys.recv() => match key {
                Some(Some(key)) => {
                    if model.press(&key) == Pressed::Leave {
                        return Ok(());
                    }
                    drawn = Duration::ZERO;
                }
                // Another size.
                Some(None) => drawn = Duration::ZERO,
                None => return Err(CommandError::Other("this terminal gives no more keys".into())),
            },
            Some(news) = news.recv() => model.hear(news, watch.elapsed()),
            _ = clock.tick() => {}
            () = tokio::time::sleep(wait), if is_due => continue,
        }
        is_due = true;
    }
}

/// The keys that are pressed, and `None` where the terminal got another size.
fn listen() -> mpsc::Receiver<Option<event::KeyEvent>> {
    let (sender, receiver) = mpsc::channel(64);
    std::thread::spawn(move || {
        loop {
            let heard = match event::poll(KEYS_WITHIN) {
                Ok(true) => event::read(),
                Ok(false) if sender.is_closed() => return,
                Ok(false) => continue,
                Err(_) => return,
            };
            let said = match heard {
                Ok(Event::Key(key)) if key.kind == KeyEventKind::Press => Some(key),
                Ok(Event::Resize(..)) => None,
                Ok(_) => continue,
                Err(_) => return,
            };
            if sender.blocking_send(said).is_err() {
                return;
            }
        }
    });
    receiver
}
