//! The live page over a real socket: who gets in, what is sent, and who is sent away.

use super::*;

/// A coordinator with its side port.
struct Page {
    served: Served,
    http: SocketAddr,
}

impl Page {
    async fn with(access: Access) -> Self {
        let served = Served::with(access.clone(), Limits::default()).await;
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let http = listener.local_addr().unwrap();
        let options = HttpOptions {
            health: served.health.clone(),
            access,
            tls: None,
            names: vec!["sweeps.example.org".into()],
            secret: [7; 32],
            printed: None,
        };
        tokio::spawn(serve_http(listener, options, served.stop.clone()));
        Self { served, http }
    }

    async fn send(&self, request: &str) -> TcpStream {
        let mut stream = TcpStream::connect(self.http).await.unwrap();
        stream.write_all(request.as_bytes()).await.unwrap();
        stream
    }

    /// What a request is answered: all of it.
    async fn ask(&self, request: &str) -> String {
        let mut text = String::new();
        // A refusal may close before all was sent.
        let _ = self.send(request).await.read_to_string(&mut text).await;
        text
    }

    async fn get(&self, path: &str, more: &str) -> String {
        let host = self.http;
        self.ask(&format!(
            "GET {path} HTTP/1.1\r\nhost: {host}\r\nconnection: close\r\n{more}\r\n"
        ))
        .await
    }

    async fn post(&self, path: &str, more: &str, body: &str) -> String {
        let (host, bytes) = (self.http, body.len());
        self.ask(&format!(
            "POST {path} HTTP/1.1\r\nhost: {host}\r\nconnection: close\r\ncontent-length: {bytes}\r\n{more}\r\n{body}"
        ))
        .await
    }

    /// The header `origin` of the page itself.
    fn own(&self) -> String {
        format!("origin: http://{}\r\n", self.http)
    }

    /// Shows a token, and gives the cookie as a header.
    async fn sign_in(&self, token: &str) -> String {
        let form = format!("token={token}&to=%2Flive%3Fsweep%3Ds");
        let answer = self.post("/live/session", &self.own(), &form).await;
        assert!(answer.starts_with("HTTP/1.1 303"), "{answer}");
        assert!(answer.contains("location: /live?sweep=s\r\n"), "{answer}");
        let line = answer
            .lines()
            .find(|line| line.starts_with("set-cookie: "))
            .unwrap();
        for part in ["HttpOnly", "SameSite=Strict", "Path=/live"] {
            assert!(line.contains(part), "{line}");
        }
        assert!(!line.contains(token), "{line}");
        let cookie = line
            .trim_start_matches("set-cookie: ")
            .split(';')
            .next()
            .unwrap();
        format!("cookie: other=1; {cookie}\r\n")
    }
}

/// Reads a stream until it says that.
async fn until(stream: &mut TcpStream, wanted: &str) -> String {
    read_until(stream, wanted, |text| text.contains(wanted)).await
}

/// Reads a stream until an event that begins so is whole.
async fn event(stream: &mut TcpStream, wanted: &str) -> String {
    let is_whole = |text: &str| {
        let begin = text.find(wanted);
        begin.is_some_and(|begin| text[begin..].contains("\n\n"))
    };
    read_until(stream, wanted, is_whole).await
}

async fn read_until(
    stream: &mut TcpStream,
    wanted: &str,
    is_said: impl Fn(&str) -> bool,
) -> String {
    let mut text = String::new();
    let reading = async {
        let mut bytes = [0; 4096];
        while !is_said(&text) {
            let read = stream.read(&mut bytes).await.unwrap();
            assert!(read > 0, "{wanted} was not said: {text}");
            text += std::str::from_utf8(&bytes[..read]).unwrap();
        }
    };
    tokio::time::timeout(Duration::from_secs(20), reading)
        .await
        .expect(wanted);
    text
}

fn roles() -> Access {
    Access::from_tokens([
        ("reader", Role::Read, "r-token"),
        ("submitter", Role::Submit, "s-token"),
        ("worker", Role::Worker, "w-token"),
    ])
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn without_a_token_there_is_no_page_and_with_one_no_more_than_its_role() {
    let page = Page::with(roles()).await;
    let engine = page.served.engine();
    engine.submit(sweep(2)).await.unwrap();

    let stranger = page.get("/live?sweep=s", "").await;
    assert!(stranger.starts_with("HTTP/1.1 401"), "{stranger}");
    assert!(stranger.contains("Sign in") && stranger.contains("value=\"/live?sweep=s\""));
    for path in [
        "sweeps",
        "stream?sweep=s",
        "curves?sweep=s",
        "timeline?sweep=s",
        "job?job=00",
    ] {
        let answer = page.get(&format!("/live/{path}"), "").await;
        assert!(answer.starts_with("HTTP/1.1 401"), "{path}: {answer}");
        assert!(!answer.contains("variant"), "{path}: {answer}");
    }
    // The files of the page are the same for everybody.
    for file in ["page.js", "page.css", "sign-in.js"] {
        let answer = page.get(&format!("/live/{file}"), "").await;
        assert!(answer.starts_with("HTTP/1.1 200"), "{file}");
        let tag = answer
            .lines()
            .find_map(|line| line.strip_prefix("etag: "))
            .unwrap();
        let again = page
            .get(
                &format!("/live/{file}"),
                &format!("if-none-match: {tag}\r\n"),
            )
            .await;
        assert!(again.starts_with("HTTP/1.1 304"), "{again}");
    }
    for (token, code) in [("nobody", "401"), ("w-token", "403"), ("", "401")] {
        let form = format!("token={token}");
        let answer = page.post("/live/session", &page.own(), &form).await;
        assert!(
            answer.starts_with(&format!("HTTP/1.1 {code}")),
            "{token}: {answer}"
        );
        assert!(!answer.contains("set-cookie"), "{answer}");
    }
    let away = page
        .post(
            "/live/session",
            &page.own(),
            "token=r-token&to=https%3A%2F%2Fevil.example",
        )
        .await;
    assert!(away.contains("location: /live\r\n"), "{away}");

    let reader = page.sign_in("r-token").await;
    let answer = page.get("/live?sweep=s", &reader).await;
    assert!(
        answer.starts_with("HTTP/1.1 200") && answer.contains("/live/page.js"),
        "{answer}"
    );
    for header in [
        "content-security-policy: default-src 'none'; script-src 'self'",
        "referrer-policy: same-origin",
        "x-content-type-options: nosniff",
        "cross-origin-resource-policy: same-origin",
        "cache-control: no-store",
    ] {
        assert!(answer.contains(header), "{header}\n{answer}");
    }
    let sweeps = page.get("/live/sweeps", &reader).await;
    assert!(
        sweeps.contains(r#""may":{"control":false,"drain":false}"#),
        "{sweeps}"
    );
    assert!(sweeps.contains(r#""role":"read""#), "{sweeps}");
    let bearer = page
        .get("/live/sweeps", "authorization: Bearer r-token\r\n")
        .await;
    assert!(bearer.starts_with("HTTP/1.1 200"), "{bearer}");

    // Acts: the role of the call is asked for.
    let own = page.own();
    let pause = r#"{"act":"pause","sweep":"s"}"#;
    let act = async |proof: &str, body: &str| {
        page.post("/live/act", &format!("{own}{proof}"), body).await
    };
    let answer = act(&reader, pause).await;
    assert!(
        answer.starts_with("HTTP/1.1 403") && answer.contains("needs submit or admin"),
        "{answer}"
    );
    assert!(act("", pause).await.starts_with("HTTP/1.1 401"));
    assert!(!engine.sweeps().await.unwrap()[0].paused);
    let submitter = page.sign_in("s-token").await;
    assert!(act(&submitter, pause).await.ends_with(r#"{"changed":2}"#));
    assert!(engine.sweeps().await.unwrap()[0].paused);
    let drain = act(&submitter, r#"{"act":"drain","worker":"w"}"#).await;
    assert!(drain.starts_with("HTTP/1.1 403"), "{drain}");
    let nonsense = act(&submitter, r#"{"act":"submit"}"#).await;
    assert!(nonsense.starts_with("HTTP/1.1 400"), "{nonsense}");
    let long = act(&submitter, &" ".repeat(20 << 10)).await;
    assert!(long.starts_with("HTTP/1.1 413"), "{long}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_another_site_has_a_browser_send_is_refused() {
    // Nobody is asked for a token: the names alone guard it.
    let page = Page::with(Access::open()).await;
    page.served.engine().submit(sweep(1)).await.unwrap();
    let pause = r#"{"act":"pause","sweep":"s"}"#;
    let code = |answer: &str| answer[9..12].to_owned();
    for (lines, wanted) in [
        ("", "403"),
        ("origin: https://evil.example\r\n", "403"),
        ("origin: null\r\n", "403"),
        ("origin: http://127.0.0.1:1\r\n", "403"),
    ] {
        assert_eq!(
            code(&page.post("/live/act", lines, pause).await),
            wanted,
            "{lines}"
        );
    }
    let crossed = format!("{}sec-fetch-site: cross-site\r\n", page.own());
    assert_eq!(code(&page.post("/live/act", &crossed, pause).await), "403");
    assert!(!page.served.engine().sweeps().await.unwrap()[0].paused);
    // A name of somebody else's that was pointed here.
    for path in [
        "/live",
        "/live/sweeps",
        "/live/stream?sweep=s",
        "/live/page.js",
    ] {
        let rebound = format!(
            "GET {path} HTTP/1.1\r\nhost: evil.example:{}\r\nconnection: close\r\n\r\n",
            page.http.port()
        );
        assert_eq!(code(&page.ask(&rebound).await), "403", "{path}");
    }
    let named = "GET /live HTTP/1.1\r\nhost: sweeps.example.org\r\nconnection: close\r\n\r\n";
    assert_eq!(code(&page.ask(named).await), "200");
    let embedded = "sec-fetch-site: cross-site\r\nsec-fetch-mode: no-cors\r\n";
    assert_eq!(
        code(&page.get("/live/stream?sweep=s", embedded).await),
        "403"
    );
    assert_eq!(
        code(&page.post("/live/act", &page.own(), pause).await),
        "200"
    );
    let put = format!(
        "PUT /live/act HTTP/1.1\r\nhost: {}\r\nconnection: close\r\n\r\n",
        page.http
    );
    assert_eq!(code(&page.ask(&put).await), "405");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_stream_begins_with_a_snapshot_and_goes_on_from_where_it_broke() {
    let page = Page::with(Access::open()).await;
    let engine = page.served.engine();
    engine.submit(sweep(3)).await.unwrap();
    let stream = async |more: &str| {
        let (host, path) = (page.http, "/live/stream?sweep=s");
        page.send(&format!(
            "GET {path} HTTP/1.1\r\nhost: {host}\r\n{more}\r\n"
        ))
        .await
    };
    let mut first = stream("").await;
    let begun = event(&mut first, "event: snapshot").await;
    assert!(begun.contains("content-type: text/event-stream"), "{begun}");
    assert!(begun.contains(r#""variant":"GCL""#), "{begun}");
    let id = begun
        .lines()
        .find_map(|line| line.strip_prefix("id: "))
        .unwrap()
        .to_owned();
    drop(first);

    // Nobody listens while it is cancelled.
    let cancel = proto::nouns::Control {
        target: proto::nouns::Target::Sweep("s".into()),
        action: proto::nouns::ControlAction::Cancel,
    };
    assert_eq!(engine.control(cancel).await.unwrap(), 3);
    let mut again = stream(&format!("last-event-id: {id}\r\n")).await;
    let resumed = until(&mut again, ",null,0,0,null]").await;
    assert!(
        resumed.contains("event: resumed") && !resumed.contains("event: snapshot"),
        "{resumed}"
    );
    assert!(resumed.contains(r#""cells":[[0,"c""#), "{resumed}");
    // A number that nobody gave begins anew, and so does one of another life.
    for wrong in ["last-event-id: 1\r\n", "last-event-id: x\r\n"] {
        let mut anew = stream(wrong).await;
        until(&mut anew, "event: snapshot").await;
    }
    // A sweep that is submitted again has other cells: who listens begins anew.
    engine.submit(sweep(5)).await.unwrap();
    let anew = event(&mut again, "event: snapshot").await;
    assert!(anew.contains(r#"[0,4,""#), "{anew}");

    let curves = page.get("/live/curves?sweep=s&groups=0", "").await;
    assert!(
        curves.ends_with(r#"{"groups":[{"group":0,"epochs":[],"summaries":[],"seeds":[]}]}"#),
        "{curves}"
    );
    for (path, code) in [
        ("/live/curves?sweep=s&groups=x", "409"),
        ("/live/curves?sweep=other", "404"),
        ("/live/stream?sweep=other", "404"),
        ("/live/stream", "409"),
        ("/live/job?job=xyz", "409"),
        ("/live/else", "404"),
    ] {
        let answer = page.get(path, "").await;
        assert_eq!(&answer[9..12], code, "{path}: {answer}");
    }
    let plain = page.get("/live/plain?filter=seed:1", "").await;
    assert!(
        plain.contains("Cells 1 to 1 of 1.") && plain.contains("cancelled"),
        "{plain}"
    );
    let id = engine.find_jobs(String::new(), 1).await.unwrap()[0];
    let job = page.get(&format!("/live/job?job={}", id.short()), "").await;
    assert!(
        job.contains(r#""reasons":["#) && job.contains(&id.to_string()),
        "{job}"
    );
    // What stops says so.
    page.served.stop.cancel();
    until(&mut again, "event: end").await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_revoked_token_ends_its_streams_and_too_many_pages_are_refused() {
    let folder = tempfile::tempdir().unwrap();
    let file = TokenFile::new(folder.path().join("tokens.json"));
    let (entry, token) = file
        .create("r", Role::Read, [3; 32], proto::nouns::Timestamp(0))
        .unwrap();
    let access = Access::from_file(file, None).unwrap();
    let page = Page::with(access.clone()).await;
    page.served.engine().submit(sweep(1)).await.unwrap();
    let cookie = page.sign_in(&token).await;
    let open = async || {
        let host = page.http;
        page.send(&format!(
            "GET /live/stream?sweep=s HTTP/1.1\r\nhost: {host}\r\n{cookie}\r\n"
        ))
        .await
    };
    let mut streams = Vec::new();
    for _ in 0..32 {
        let mut stream = open().await;
        until(&mut stream, "event: snapshot").await;
        streams.push(stream);
    }
    let mut one_more = open().await;
    until(&mut one_more, "which is the limit").await;
    TokenFile::new(folder.path().join("tokens.json"))
        .revoke(&entry.id)
        .unwrap();
    access.reload().unwrap();
    until(streams.last_mut().unwrap(), "the token was revoked").await;
    let answer = page.get("/live/sweeps", &cookie).await;
    assert!(
        answer.starts_with("HTTP/1.1 401") && answer.contains("session has ended"),
        "{answer}"
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_timeline_and_the_past_begin_with_the_journal() {
    use crate::scheduler::fixture;
    use proto::nouns::{Fail, Finish, LeaseRequest, Release};
    let page = Page::with(Access::open()).await;
    let engine = page.served.engine();
    engine.submit(sweep(3)).await.unwrap();
    let worker = engine
        .hello(fixture::hello("early", 1, 1))
        .await
        .unwrap()
        .worker;
    let lease = async || {
        let request = LeaseRequest {
            worker,
            slots: 1,
            held: Vec::new(),
            warm: Vec::new(),
            wait_ms: 0,
        };
        engine.lease(request).await.unwrap().assignments.remove(0)
    };
    let finish = async |job: &proto::nouns::Assignment| {
        let mut record = fixture::record(job.job_id, job.attempt, "early");
        record.provenance.dataset_digest = job.dataset;
        let record = Box::new(record);
        let finish = Finish {
            worker,
            record,
            next: None,
        };
        engine.finish(finish).await.unwrap();
    };
    // All of that before anybody looks.
    let first = lease().await;
    let release = Release {
        worker,
        job: first.job_id,
        attempt: first.attempt,
        reason: "it must go".into(),
    };
    engine.release(release).await.unwrap();
    let fallen = lease().await;
    let fail = Fail {
        worker,
        job: fallen.job_id,
        attempt: fallen.attempt,
        failure: sweeps::Failure::new(sweeps::FailureClass::Trainer, "it fell"),
        next: None,
    };
    engine.fail(fail).await.unwrap();
    finish(&lease().await).await;
    let open = lease().await;

    let told = async |wanted: &dyn Fn(&str) -> bool| {
        for _ in 0..200 {
            let timeline = page.get("/live/timeline?sweep=s", "").await;
            if wanted(&timeline) {
                return timeline;
            }
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        panic!("{}", page.get("/live/timeline?sweep=s", "").await);
    };
    let ends = |text: &str| -> Vec<String> {
        let body = text.split("\r\n\r\n").nth(1).unwrap_or("");
        let told: serde_json::Value = serde_json::from_str(body).unwrap_or_default();
        let spans = told["spans"].as_array().cloned().unwrap_or_default();
        let text = |span: &serde_json::Value| span["end"].as_str().unwrap_or("").to_owned();
        spans.iter().map(text).collect()
    };
    let timeline = told(&|text| ends(text) == ["back", "back", "done", "open"]).await;
    assert!(timeline.contains(r#""worker":"early""#), "{timeline}");
    let error = r#""error":"trainer: it fell (attempt 2 on early)"#;
    assert!(timeline.contains(error), "{timeline}");
    // What happens now goes on where the journal ends.
    finish(&open).await;
    told(&|text| ends(text) == ["back", "back", "done", "done"]).await;
    let past = page.get("/live/past?sweep=s&at=1", "").await;
    assert!(
        past.contains(r#""statuses":"ppp","counts":[3,0,0,0,0,0]"#),
        "{past}"
    );
    let now = page.get("/live/past?sweep=s&at=99999999999999", "").await;
    assert!(now.contains(r#""counts":[1,0,2,0,0,0]"#), "{now}");
    let curves = "/live/curves?sweep=s&groups=0&until=1";
    assert!(page.get(curves, "").await.contains(r#""epochs":[]"#));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn claims_are_told_and_seeds_that_are_added_are_shown() {
    use crate::scheduler::fixture;
    use proto::nouns::{Finish, LeaseRequest};
    let page = Page::with(Access::open()).await;
    let engine = page.served.engine();
    let text = "name = \"s\"\n[dataset.synthetic]\nvideos = 18\nmean_length = 12\ndimension = 16\nseed = 1\n\
        [[variant]]\nname = \"AE\"\njob = { method = \"autoencoder\" }\n[[variant]]\nname = \"GCL\"\n\
        [adaptive]\nclaims = [\"GCL > AE\"]\nmin = 3\nmax = 4\n";
    let submit = Submit {
        file: "s.toml".into(),
        text: text.into(),
        ..Submit::default()
    };
    engine.submit(submit).await.unwrap();
    let host = page.http;
    let request = format!("GET /live/stream?sweep=s HTTP/1.1\r\nhost: {host}\r\n\r\n");
    let mut stream = page.send(&request).await;
    let begun = event(&mut stream, "event: snapshot").await;
    assert!(begun.contains(r#""left":"GCL","right":"AE""#), "{begun}");
    assert!(begun.contains(r#""state":"open""#), "{begun}");
    let cells = |text: &str| text.matches(r#","p",null,0,0,null]"#).count();
    assert_eq!(cells(&begun), 6, "{begun}");

    let worker = engine
        .hello(fixture::hello("w", 1, 1))
        .await
        .unwrap()
        .worker;
    for _ in 0..6 {
        let lease = LeaseRequest {
            worker,
            slots: 1,
            held: Vec::new(),
            warm: Vec::new(),
            wait_ms: 0,
        };
        let job = engine.lease(lease).await.unwrap().assignments.remove(0);
        let mut record = fixture::record(job.job_id, job.attempt, "w");
        record.provenance.dataset_digest = job.dataset;
        record.outcome.metrics.d = Some(sweeps::ScoreMetrics {
            auc: record.outcome.curve[0].auc_d,
            ap: None,
            ano_auc: None,
            macro_auc: None,
            far: None,
            recall_at_fpr10: None,
        });
        let finish = Finish {
            worker,
            record: Box::new(record),
            next: None,
        };
        engine.finish(finish).await.unwrap();
    }
    // Three seeds decide nothing: one more is added on both sides, and everybody begins with it. Who came while the board was
    // made may have been sent the first snapshot twice.
    let last = |text: &str| {
        let begin = text.rfind("event: snapshot")?;
        text[begin..]
            .contains("\n\n")
            .then(|| text[begin..].to_owned())
    };
    let is_grown = |text: &str| {
        last(text).is_some_and(|last| cells(&last) == 2 && last.contains(r#""seeds":3"#))
    };
    let grown = read_until(&mut stream, "a snapshot with more seeds", is_grown).await;
    let last = last(&grown).unwrap();
    // What was read before is still there.
    assert_eq!(last.matches(r#","d",0."#).count(), 6, "{last}");
}
