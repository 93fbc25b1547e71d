//! `coordinator --notify`: whoever runs it is told of every sweep, without a watcher beside it.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use coordinator::EngineHandle;
use proto::nouns::{Change, WatchEvent};

use crate::arguments;
use crate::command::notify::Notify;

/// How long changes are gathered: of a sweep with many jobs each is a question to the engine.
const GATHERED: Duration = Duration::from_secs(1);

/// Tells the command what happens to each sweep, until the engine ends.
pub(super) async fn announce(engine: EngineHandle, arguments: arguments::Notify) {
    let mut changes = engine.subscribe(None);
    let mut heard: BTreeMap<String, Notify> = BTreeMap::new();
    let mut touched = names(&engine).await;
    loop {
        for name in std::mem::take(&mut touched) {
            // A sweep that is gone, or an engine that ends, has no news.
            let Ok(info) = engine.sweep_info(name.clone()).await else {
                continue;
            };
            let notify = heard.entry(name).or_insert_with(|| Notify::new(&arguments));
            notify.hear(&info).await;
        }
        let Some(first) = changes.next().await else {
            return;
        };
        tokio::time::sleep(GATHERED).await;
        let mut missed = false;
        let mut next = Some(first);
        while let Some((_, event)) = next {
            match event {
                WatchEvent::Change(Change::Sweep { name, .. }) => {
                    touched.insert(name.to_string());
                }
                WatchEvent::Change(_) => {}
                WatchEvent::Missed(_) => missed = true,
            }
            next = changes.try_next();
        }
        if missed {
            touched = names(&engine).await;
        }
    }
}

async fn names(engine: &EngineHandle) -> BTreeSet<String> {
    let sweeps = engine.sweeps().await.unwrap_or_default();
    sweeps.into_iter().map(|sweep| sweep.name).collect()
}
