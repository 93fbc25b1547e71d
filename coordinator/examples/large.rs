//! A sweep of many jobs, over the wire: how long its submission takes, how long others wait meanwhile, how long its rows
//! take. `cargo run --release -p coordinator --example large -- 1000000`
#![allow(
    clippy::expect_used,
    clippy::print_stdout,
    reason = "a measurement that cannot be made says why and ends; its numbers go to stdout"
)]

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use client::{Bearer, Client, Keys};
use coordinator::service::{Options, serve};
use coordinator::{Config, Engine, SystemClock, sweep_language};
use proto::nouns::Submit;
use tokio::time::{Instant, sleep};
use tokio_util::sync::CancellationToken;

/// What `work` gives, and the longest time that somebody else waits for an answer of the engine meanwhile. Who waits has a
/// thread and a connection of its own: what is measured is the coordinator, not how busy the client is.
async fn longest_wait<T>(address: &str, work: impl Future<Output = T>) -> (T, Duration) {
    let (address, done) = (address.to_owned(), Arc::new(AtomicBool::new(false)));
    let other = std::thread::spawn({
        let done = done.clone();
        move || {
            let runtime = tokio::runtime::Builder::new_current_thread()
                .enable_all()
                .build();
            runtime.expect("a runtime").block_on(async {
                let client = call(&address);
                client.workers().await.expect("an answer");
                let mut longest = Duration::ZERO;
                while !done.load(Ordering::Relaxed) {
                    let begin = Instant::now();
                    client.workers().await.expect("an answer");
                    longest = longest.max(begin.elapsed());
                    sleep(Duration::from_millis(5)).await;
                }
                longest
            })
        }
    });
    let answer = work.await;
    done.store(true, Ordering::Relaxed);
    (answer, other.join().expect("the longest wait"))
}

fn call(address: &str) -> Client {
    let channel = client::dial(address, &Keys::default()).expect("an address");
    Client::new(channel, Bearer::new(None).expect("no token"))
}

#[tokio::main]
async fn main() {
    let jobs: u64 = std::env::args()
        .nth(1)
        .map_or(1_000_000, |number| number.parse().expect("a number"));
    let folder = tempfile::tempdir().expect("a folder");
    let stop = CancellationToken::new();
    let config = Config::new(folder.path());
    let clock = Arc::new(SystemClock::start());
    let engine = Engine::start(config, clock, sweep_language(), stop.clone())
        .await
        .expect("an engine");
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0")
        .await
        .expect("a port");
    let address = format!("http://{}", listener.local_addr().expect("an address"));
    tokio::spawn(serve(
        listener,
        engine.handle(),
        Options::default(),
        stop.clone(),
    ));
    let client = call(&address);
    let submit = Submit {
        file: "many.toml".into(),
        text: format!(
            "name = \"many\"\n[dataset.synthetic]\nvideos = 18\nmean_length = 12\ndimension = 16\nseed = 1\n\
             [axes]\nseed = {{ from = 0, count = {jobs} }}\n[[variant]]\nname = \"GCL\"\n"
        ),
        max_jobs: usize::try_from(jobs).ok(),
        ..Submit::default()
    };
    let begin = Instant::now();
    let (submitted, wait) = longest_wait(&address, client.submit(&submit)).await;
    submitted.expect("taken");
    println!(
        "{jobs} jobs submitted in {:?}; others waited {wait:?} at most",
        begin.elapsed()
    );
    let begin = Instant::now();
    let mut rows = 0;
    let listed = client.each_row("many", &[], |_| rows += 1);
    let (listed, wait) = longest_wait(&address, listed).await;
    listed.expect("a list");
    assert_eq!(rows, jobs, "every row");
    println!(
        "its rows in {:?}; others waited {wait:?} at most",
        begin.elapsed()
    );
    let begin = Instant::now();
    client.sweep_info("many").await.expect("a status");
    println!("its status in {:?}", begin.elapsed());
    stop.cancel();
    engine.stopped().await.expect("a clean stop");
}
