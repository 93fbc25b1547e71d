//! The live page on the side port: `/live` and what belongs to it.
//!
//! ```text
//! GET  /live               the page; /live/page.js, page.css, sign-in.js: its files, open to everybody
//! GET  /live/plain         the same as a table, for browsers without script
//! GET  /live/sweeps        who asks, and the sweeps                        ?sweep= of all that follow
//! GET  /live/stream        server-sent events: a snapshot, then what is new       Last-Event-ID, or ?after=
//! GET  /live/curves        numbers over seeds by epoch                      ?groups= &measure= &phase= &seeds=
//! GET  /live/timeline      who had which job when                                  ?since= &anew=
//! GET  /live/past          the board as it was                                     ?at=
//! GET  /live/job           everything about one job                                ?job=
//! POST /live/session       a token, for a cookie
//! POST /live/act           pause, resume, cancel, retry, drain
//! ```
//!
//! Reading needs the role of the calls that the command line makes for it, acts that of theirs. `origin` keeps pages of other
//! sites out, `hub` and `keeper` make the numbers once for all who look.

mod acts;
pub(super) mod answer;
mod asked;
mod event;
mod hub;
mod job;
mod keeper;
mod origin;
mod stream;

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use http_body_util::{BodyExt, Limited};
use hyper::body::Incoming;
use hyper::header::{
    ALLOW, AUTHORIZATION, COOKIE, ETAG, HeaderValue, IF_NONE_MATCH, LOCATION, SET_COOKIE,
};
use hyper::{HeaderMap, Method, Request, StatusCode};
use live::page;
use tokio::sync::Semaphore;
use tokio::time::timeout;
use tokio_util::sync::CancellationToken;
use tonic::Status;

use acts::{ACT_BYTES, Act};
use answer::{Answer, Kind, answer, code_of, full, html, json, refused, told};
use asked::Asked;
use hub::Hub;
use origin::{Hosts, port_of};
use stream::{Streaming, stream};

use super::access::{Access, Proof, SESSION_LASTS, SessionKey};
use super::health::Health;
use super::http::PrintedOf;
use super::side_connection::Connection;
use crate::engine::handle::EngineHandle;
use crate::store::blocking::blocking;
use proto::nouns::{Refusal, Timestamp};

/// Streams at a time.
const VIEWERS: usize = 32;
/// Sweeps that are looked at at a time.
const HUBS: usize = 8;
/// A body of a request arrives within this.
const BODY_WITHIN: Duration = Duration::from_secs(5);
/// The call whose role reading needs.
const READING: &str = "/sweep.v1.ClientService/Status";

/// The live page of a coordinator. Cheap to clone.
#[derive(Clone)]
pub(super) struct Live(Arc<Shared>);

struct Shared {
    health: Health,
    access: Access,
    key: SessionKey,
    hosts: Hosts,
    is_tls: bool,
    printed: Option<PrintedOf>,
    viewers: Arc<Semaphore>,
    hubs: Mutex<BTreeMap<String, Arc<Hub>>>,
    shutdown: CancellationToken,
}

impl Live {
    /// Of that coordinator; `names` are those of this machine beside its own, `secret` seals cookies, `printed` knows what papers
    /// printed.
    pub(super) fn new(
        health: Health,
        access: Access,
        names: &[String],
        secret: [u8; 32],
        is_tls: bool,
        printed: Option<PrintedOf>,
        shutdown: CancellationToken,
    ) -> Self {
        Self(Arc::new(Shared {
            health,
            access,
            key: SessionKey::new(secret),
            hosts: Hosts::new(names, is_tls),
            is_tls,
            printed,
            viewers: Arc::new(Semaphore::new(VIEWERS)),
            hubs: Mutex::default(),
            shutdown,
        }))
    }

    /// Whether a path is of this page.
    pub(super) fn has(path: &str) -> bool {
        path == "/live" || path.starts_with("/live/")
    }

    /// Answers a request.
    pub(super) async fn answer(
        &self,
        request: Request<Incoming>,
        connection: &Arc<Connection>,
    ) -> Answer {
        let changes = match *request.method() {
            Method::GET | Method::HEAD => false,
            Method::POST => true,
            _ => return not_allowed("GET, HEAD, POST"),
        };
        let host = match self.0.hosts.check(request.headers(), changes) {
            Ok(host) => host.to_owned(),
            Err(why) => return told(StatusCode::FORBIDDEN, &why),
        };
        if changes {
            self.change(request, &host).await
        } else {
            self.look(&request, &host, connection).await
        }
    }

    async fn look(
        &self,
        request: &Request<Incoming>,
        host: &str,
        connection: &Arc<Connection>,
    ) -> Answer {
        let path = request.uri().path();
        let file = match path {
            "/live/page.js" => Some((Kind::Script, page::SCRIPT)),
            "/live/sign-in.js" => Some((Kind::Script, page::SIGN_IN_SCRIPT)),
            "/live/page.css" => Some((Kind::Style, page::STYLE)),
            _ => None,
        };
        if let Some((kind, text)) = file {
            return page_file(kind, text, request.headers());
        }
        let is_page = matches!(path, "/live" | "/live/" | "/live/plain");
        let proof = proof(request.headers(), host);
        if let Err(status) = self.0.access.allows(&self.0.key, READING, &proof) {
            self.0.health.refused(&status);
            return if is_page {
                let to = request
                    .uri()
                    .path_and_query()
                    .map_or("/live", |to| to.as_str());
                html(
                    sign_in_code(request, &status),
                    page::sign_in(to, status.message()),
                )
            } else {
                told(code_of(&status), status.message())
            };
        }
        let asked = Asked::of(request.uri().query());
        let Some(engine) = self.0.health.engine() else {
            let why = "the coordinator is starting: it reads its state";
            let code = StatusCode::SERVICE_UNAVAILABLE;
            return if is_page {
                html(code, page::starting(why))
            } else {
                told(code, why)
            };
        };
        let answered = match path {
            "/live" | "/live/" => return html(StatusCode::OK, page::page(request.uri().query())),
            "/live/sweeps" => self.sweeps(engine, &proof).await,
            "/live/plain" => self.plain(engine, &asked).await,
            "/live/stream" => {
                let after = request.headers().get("last-event-id");
                let after = after.and_then(|after| after.to_str().ok()?.parse().ok());
                let after = after.or_else(|| asked.number("after"));
                return self.stream(engine, &asked, after, proof, connection).await;
            }
            "/live/curves" => self.curves(engine, &asked).await,
            "/live/timeline" => self.timeline(engine, &asked).await,
            "/live/past" => self.past(engine, &asked).await,
            "/live/job" => match asked.text("job") {
                Some(id) => job::shown(engine, id).await.map(|job| json(&job)),
                None => Err(Refusal::Invalid("say which: ?job=ID".into())),
            },
            _ => return told(StatusCode::NOT_FOUND, "the live page is at /live"),
        };
        answered.unwrap_or_else(|refusal| refused(&refusal))
    }

    async fn sweeps(&self, engine: &EngineHandle, proof: &Proof) -> Result<Answer, Refusal> {
        let sweeps = engine.sweeps().await?;
        let who = self.0.access.who(&self.0.key, proof).ok().flatten();
        let may = |path| self.0.access.allows(&self.0.key, path, proof).is_ok();
        let sweeps: Vec<_> = sweeps
            .iter()
            .map(|sweep| {
                serde_json::json!({
                    "name": sweep.name, "description": sweep.description, "cells": sweep.cells,
                    "counts": sweep.counts, "paused": sweep.paused, "cancelled": sweep.cancelled,
                })
            })
            .collect();
        Ok(json(&serde_json::json!({
            "who": who.as_ref().map(|(name, role)| serde_json::json!({ "name": name, "role": role })),
            "may": { "control": may("/sweep.v1.ClientService/Control"), "drain": may("/sweep.v1.ClientService/Drain") },
            "sweeps": sweeps,
        })))
    }

    async fn plain(&self, engine: &EngineHandle, asked: &Asked) -> Result<Answer, Refusal> {
        let sweeps = engine.sweeps().await?;
        let last = sweeps.last().map(|sweep| sweep.name.as_str());
        let Some(name) = asked.text("sweep").or(last) else {
            return Ok(html(
                StatusCode::OK,
                page::starting("no sweep was submitted yet"),
            ));
        };
        let hub = self.hub(engine, name).await?;
        let sweep = sweeps.iter().find(|sweep| sweep.name == name);
        let sweep = sweep.ok_or_else(being_read)?;
        hub.begun().await;
        let names: Vec<&str> = sweeps.iter().map(|sweep| sweep.name.as_str()).collect();
        let plain = page::Plain {
            sweep: name,
            sweeps: &names,
            counts: sweep.counts,
            paused: sweep.paused,
            filter: asked.text("filter").unwrap_or(""),
            first: asked.number("from").unwrap_or(0),
        };
        let text = hub.with_board(|board| plain.html(board));
        Ok(match text {
            Some(text) => html(StatusCode::OK, text),
            None => html(StatusCode::OK, page::starting("the sweep is being read")),
        })
    }

    async fn stream(
        &self,
        engine: &EngineHandle,
        asked: &Asked,
        after: Option<u64>,
        proof: Proof,
        connection: &Arc<Connection>,
    ) -> Answer {
        let Ok(permit) = self.0.viewers.clone().try_acquire_owned() else {
            return told(
                StatusCode::SERVICE_UNAVAILABLE,
                &format!(
                    "{VIEWERS} pages are open, which is the limit: close one, or try again later"
                ),
            );
        };
        let hub = match self.hub_asked(engine, asked).await {
            Ok(hub) => hub,
            Err(refusal) => return refused(&refusal),
        };
        let streaming = Streaming {
            after,
            connection: connection.clone(),
            shutdown: self.0.shutdown.clone(),
            _permit: permit,
            revoked: self.0.access.revoked(&self.0.key, READING, proof),
        };
        stream(hub.join(), streaming)
    }

    async fn curves(&self, engine: &EngineHandle, asked: &Asked) -> Result<Answer, Refusal> {
        let curves = asked.curves()?;
        let hub = self.hub_asked(engine, asked).await?;
        hub.begun().await;
        // A thousand seeds are some milliseconds: not on the threads that answer.
        let found = blocking(move || hub.with_board(|board| board.curves(&curves)));
        found
            .await?
            .map_or_else(|| Err(being_read()), |curves| Ok(json(&curves)))
    }

    async fn timeline(&self, engine: &EngineHandle, asked: &Asked) -> Result<Answer, Refusal> {
        let hub = self.hub_asked(engine, asked).await?;
        hub.begun().await;
        let number = |name| asked.number(name).unwrap_or(0);
        let timeline = hub.with_board(|board| board.timeline(number("since"), number("anew")));
        timeline.map(|told| json(&told)).ok_or_else(being_read)
    }

    async fn past(&self, engine: &EngineHandle, asked: &Asked) -> Result<Answer, Refusal> {
        let at = asked.number("at").map(Timestamp);
        let at = at.ok_or_else(|| Refusal::Invalid("say when: ?at=MILLISECONDS".into()))?;
        let hub = self.hub_asked(engine, asked).await?;
        hub.begun().await;
        let past = blocking(move || hub.with_board(|board| board.past(at)));
        past.await?.map(|past| json(&past)).ok_or_else(being_read)
    }

    async fn hub_asked(&self, engine: &EngineHandle, asked: &Asked) -> Result<Arc<Hub>, Refusal> {
        let sweep = asked.text("sweep");
        let sweep = sweep.ok_or_else(|| Refusal::Invalid("say which: ?sweep=NAME".into()))?;
        self.hub(engine, sweep).await
    }

    /// The hub of a sweep, which begins where nobody looked before.
    async fn hub(&self, engine: &EngineHandle, sweep: &str) -> Result<Arc<Hub>, Refusal> {
        if let Some(hub) = self.known_hub(sweep) {
            return Ok(hub);
        }
        // A sweep that there is not has no hub.
        engine.row_source(sweep.to_owned()).await?;
        let mut hubs = self.0.hubs.lock().unwrap_or_else(PoisonError::into_inner);
        hubs.retain(|_, hub| !hub.has_ended());
        if let Some(hub) = hubs.get(sweep) {
            return Ok(hub.clone());
        }
        if hubs.len() >= HUBS {
            return Err(Refusal::Unavailable(format!(
                "pages of {HUBS} sweeps are open, which is the limit: close those of one, and try again in two minutes"
            )));
        }
        let hub = Arc::new(Hub::new(sweep.to_owned()));
        hubs.insert(sweep.to_owned(), hub.clone());
        let printed = self.0.printed.clone();
        let keeping = keeper::keep(
            hub.clone(),
            engine.clone(),
            printed,
            self.0.shutdown.clone(),
        );
        tokio::spawn(keeping);
        Ok(hub)
    }

    fn known_hub(&self, sweep: &str) -> Option<Arc<Hub>> {
        let hubs = self.0.hubs.lock().unwrap_or_else(PoisonError::into_inner);
        hubs.get(sweep).filter(|hub| !hub.has_ended()).cloned()
    }

    async fn change(&self, request: Request<Incoming>, host: &str) -> Answer {
        let path = request.uri().path().to_owned();
        if !matches!(path.as_str(), "/live/session" | "/live/act") {
            return told(
                StatusCode::NOT_FOUND,
                "what can be posted is /live/session and /live/act",
            );
        }
        let proof = proof(request.headers(), host);
        let body = timeout(
            BODY_WITHIN,
            Limited::new(request.into_body(), ACT_BYTES).collect(),
        );
        let Ok(Ok(body)) = body.await else {
            return told(
                StatusCode::PAYLOAD_TOO_LARGE,
                "the body is too long, or did not come",
            );
        };
        let body = body.to_bytes();
        if path == "/live/session" {
            return self.open_session(&Asked::of_form(&body), host);
        }
        let act: Act = match serde_json::from_slice(&body) {
            Ok(act) => act,
            Err(error) => return told(StatusCode::BAD_REQUEST, &error.to_string()),
        };
        if let Err(status) = self.0.access.allows(&self.0.key, act.call(), &proof) {
            self.0.health.refused(&status);
            return told(code_of(&status), status.message());
        }
        let Some(engine) = self.0.health.engine() else {
            return told(
                StatusCode::SERVICE_UNAVAILABLE,
                "the coordinator is starting",
            );
        };
        let who = self.0.access.who(&self.0.key, &proof).ok().flatten();
        let by = who.map_or("somebody".to_owned(), |(name, _)| name);
        match act.perform(engine, &by).await {
            Ok(changed) => json(&serde_json::json!({ "changed": changed })),
            Err(refusal) => refused(&refusal),
        }
    }

    /// Takes a token for a cookie. A form is led back to where it came from; a script reads the answer.
    fn open_session(&self, form: &Asked, host: &str) -> Answer {
        let to = form
            .text("to")
            .filter(|to| Self::has(to.split('?').next().unwrap_or("")));
        let session = form
            .text("token")
            .map(str::trim)
            .ok_or_else(|| Status::unauthenticated("a token is needed"))
            .and_then(|token| self.0.access.open_session(&self.0.key, token));
        let session = match session {
            Ok(session) => session,
            Err(status) => {
                self.0.health.refused(&status);
                return html(
                    code_of(&status),
                    page::sign_in(to.unwrap_or("/live"), status.message()),
                );
            }
        };
        let mut answer = answer(StatusCode::SEE_OTHER, Kind::Html, full(""));
        if let Ok(to) = HeaderValue::from_str(to.unwrap_or("/live")) {
            answer.headers_mut().insert(LOCATION, to);
        }
        let secure = if self.0.is_tls { "; Secure" } else { "" };
        let cookie = session.map(|session| {
            format!(
                "{}={session}; Path=/live; Max-Age={}; HttpOnly; SameSite=Strict{secure}",
                cookie_name(host),
                SESSION_LASTS.as_secs()
            )
        });
        if let Some(cookie) = cookie.and_then(|cookie| HeaderValue::from_str(&cookie).ok()) {
            answer.headers_mut().insert(SET_COOKIE, cookie);
        }
        answer
    }
}

/// The address of a sweep's page on that port, with a token behind a `#`: no browser sends that part, and the page takes it for a
/// cookie.
pub fn live_address(http: SocketAddr, sweep: &str, token: &str) -> String {
    let encoded = |text: &str| form_urlencoded::byte_serialize(text.as_bytes()).collect::<String>();
    format!(
        "http://{http}/live?sweep={}#token={}",
        encoded(sweep),
        encoded(token)
    )
}

fn being_read() -> Refusal {
    Refusal::Unavailable("the sweep is being read: ask again".into())
}

fn cookie_name(host: &str) -> String {
    format!("gcl-live-{}", port_of(host))
}

/// What a request shows of who sends it: a header, which programs have, or else the cookie.
fn proof(headers: &HeaderMap, host: &str) -> Proof {
    if let Some(authorization) = headers.get(AUTHORIZATION) {
        return Proof::Authorization(Some(authorization.as_bytes().to_vec()));
    }
    let name = cookie_name(host);
    let cookies = headers.get_all(COOKIE).iter();
    let mut cookies = cookies
        .filter_map(|line| line.to_str().ok())
        .flat_map(|line| line.split(';'))
        .filter_map(|cookie| cookie.trim().split_once('='));
    match cookies.find(|(own, _)| *own == name) {
        Some((_, value)) => Proof::Session(value.to_owned()),
        None => Proof::Authorization(None),
    }
}

/// A file of the page: it is as old as the program.
fn page_file(kind: Kind, text: &'static str, headers: &HeaderMap) -> Answer {
    let tag = format!("\"{}\"", &blake3::hash(text.as_bytes()).to_hex()[..16]);
    let is_known = headers
        .get(IF_NONE_MATCH)
        .is_some_and(|known| known.as_bytes() == tag.as_bytes());
    let mut answer = if is_known {
        answer(StatusCode::NOT_MODIFIED, kind, full(""))
    } else {
        answer(StatusCode::OK, kind, full(text))
    };
    let headers = answer.headers_mut();
    headers.insert("cache-control", HeaderValue::from_static("no-cache"));
    if let Ok(tag) = HeaderValue::from_str(&tag) {
        headers.insert(ETAG, tag);
    }
    answer
}

fn not_allowed(methods: &'static str) -> Answer {
    let mut answer = told(
        StatusCode::METHOD_NOT_ALLOWED,
        "this is not how it is asked",
    );
    answer
        .headers_mut()
        .insert(ALLOW, HeaderValue::from_static(methods));
    answer
}
/// A browser that comes for the first time is shown where to sign in, which is no failure of the page; everybody else hears why not.
fn sign_in_code(request: &Request<Incoming>, status: &Status) -> StatusCode {
    let headers = request.headers();
    let navigates = headers
        .get("sec-fetch-mode")
        .is_some_and(|mode| mode == "navigate");
    let shows_nothing = !headers.contains_key(AUTHORIZATION) && !headers.contains_key(COOKIE);
    if navigates && shows_nothing {
        StatusCode::OK
    } else {
        code_of(status)
    }
}
