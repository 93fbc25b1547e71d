//! Who may come in, and what strangers cannot do.

use std::io::{Read, Write};
use std::net::TcpStream;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::time::Duration;

use client::{Bearer, CallError, Client, Keys};
use proto::Reason;
use proto::nouns::Submit;

use crate::world::{Process, World, eventually};

/// A coordinator with these arguments besides, and its address.
fn coordinator(world: &World, more: &[&str]) -> (Process, String) {
    world.coordinator_with(&[&["--listen", "127.0.0.1:0"], more].concat())
}

fn mode(path: &Path) -> u32 {
    std::fs::metadata(path).unwrap().permissions().mode() & 0o777
}

fn token(world: &World, role: &str) -> String {
    let file = format!("{role}.token");
    world.run_ok(&[
        "token", "create", "--state", "state", "--role", role, "--out", &file,
    ]);
    assert_eq!(mode(&world.path(&file)), 0o600);
    file
}

#[test]
fn a_token_opens_what_its_role_allows_until_it_is_revoked() {
    let world = World::new();
    world.tiny_sweep(1, 1);
    let (read, submit) = (token(&world, "read"), token(&world, "submit"));
    assert_eq!(mode(&world.path("state/tokens.json")), 0o600);
    let (_coordinator, address) = coordinator(&world, &[]);
    let ask = |arguments: &[&str], token: Option<&str>| {
        let mut all = [arguments, &["--coordinator", &address]].concat();
        if let Some(token) = token {
            all.extend(["--token-file", token]);
        }
        world.run(&all)
    };

    let stranger = ask(&["status"], None);
    assert_eq!(stranger.code, Some(12), "{}", stranger.stderr);
    assert!(
        stranger.stderr.contains("a token is needed"),
        "{}",
        stranger.stderr
    );
    assert_eq!(ask(&["status"], Some(&read)).code, Some(0));
    let denied = ask(&["submit", "tiny.toml"], Some(&read));
    assert_eq!(denied.code, Some(12), "{}", denied.stderr);
    assert!(
        denied
            .stderr
            .contains("the token `read` has the role read, and this needs submit or admin"),
        "{}",
        denied.stderr
    );
    let taken = ask(&["submit", "tiny.toml"], Some(&submit));
    assert_eq!(taken.code, Some(0), "{}", taken.stderr);

    // Made and revoked while it runs.
    let admin = token(&world, "admin");
    eventually("the new token", || {
        (ask(&["status"], Some(&admin)).code == Some(0)).then_some(())
    });
    world.run_ok(&["token", "revoke", "--state", "state", "read"]);
    eventually("the end of the revoked token", || {
        (ask(&["status"], Some(&read)).code == Some(12)).then_some(())
    });
    let listed = world.run_ok(&["token", "list", "--state", "state"]);
    assert!(
        listed.stdout.contains("admin") && !listed.stdout.contains("gcl_"),
        "{}",
        listed.stdout
    );
    let twice = world.run(&["token", "create", "--state", "state", "--role", "admin"]);
    assert_eq!(twice.code, Some(2), "{}", twice.stderr);
}

#[test]
fn beyond_loopback_no_port_opens_without_keys() {
    let world = World::new();
    for port in [
        &["--listen", "0.0.0.0:0"][..],
        &["--listen", "127.0.0.1:0", "--http", "0.0.0.0:0"],
    ] {
        let ended = world.run(&[&["coordinator", "--state", "state"], port].concat());
        assert_eq!(ended.code, Some(2), "{}", ended.stderr);
        assert!(
            ended
                .stderr
                .contains("neither a TLS certificate nor a token"),
            "{}",
            ended.stderr
        );
    }
}

#[test]
fn an_authority_of_ones_own_lets_in_whom_it_signed() {
    let world = World::new();
    let made = world.run_ok(&[
        "tls",
        "init",
        "--out",
        "tls",
        "--host",
        "127.0.0.1",
        "--host",
        "localhost",
    ]);
    assert!(made.stdout.contains("valid until"), "{}", made.stdout);
    world.run_ok(&["tls", "client", "--out", "tls", "--name", "me"]);
    for key in ["tls/ca-key.pem", "tls/server-key.pem", "tls/me-key.pem"] {
        assert_eq!(mode(&world.path(key)), 0o600, "{key}");
    }
    let again = world.run(&["tls", "init", "--out", "tls", "--host", "x"]);
    assert_eq!(again.code, Some(2), "nothing is overwritten");

    let (process, address) = coordinator(
        &world,
        &[
            "--tls-certificate",
            "tls/server.pem",
            "--tls-key",
            "tls/server-key.pem",
            "--tls-client-ca",
            "tls/ca.pem",
        ],
    );
    assert!(address.starts_with("https://"), "{address}");
    let ask = |more: &[&str]| {
        world
            .run(&[&["status", "--coordinator", &address], more].concat())
            .code
    };
    let mine = ["--certificate", "tls/me.pem", "--key", "tls/me-key.pem"];
    assert_eq!(ask(&[&["--ca", "tls/ca.pem"], &mine[..]].concat()), Some(0));
    assert_eq!(ask(&["--ca", "tls/ca.pem"]), Some(12), "no certificate");
    assert_eq!(ask(&mine), Some(12), "an authority that nobody here knows");
    world.run_ok(&["tls", "init", "--out", "other", "--host", "x"]);
    world.run_ok(&["tls", "client", "--out", "other", "--name", "me"]);
    let theirs = ["--certificate", "other/me.pem", "--key", "other/me-key.pem"];
    assert_eq!(
        ask(&[&["--ca", "tls/ca.pem"], &theirs[..]].concat()),
        Some(12),
        "signed by another"
    );
    // The next certificate of the same authority is as good.
    world.run_ok(&[
        "tls",
        "server",
        "--out",
        "tls",
        "--host",
        "127.0.0.1",
        "--replace",
    ]);
    let (_next, address) = {
        drop(process);
        coordinator(
            &world,
            &[
                "--tls-certificate",
                "tls/server.pem",
                "--tls-key",
                "tls/server-key.pem",
            ],
        )
    };
    world.run_ok(&["status", "--coordinator", &address, "--ca", "tls/ca.pem"]);
}

/// Memory of a process in RAM, in KiB.
fn resident(process: &Process) -> u64 {
    let text = std::fs::read_to_string(format!("/proc/{}/status", process.0.id())).unwrap();
    let line = text
        .lines()
        .find_map(|line| line.strip_prefix("VmRSS:"))
        .unwrap();
    line.trim().trim_end_matches("kB").trim().parse().unwrap()
}

/// What a flood may add to the coordinator's memory: buffers of some connections, and what the allocator keeps of
/// messages of 8 MiB. A leak of the bodies that are sent here would be 2 GiB.
const FLAT_KIB: u64 = 96 << 10;

#[test]
fn a_flood_of_bad_requests_is_refused_and_memory_stays_flat() {
    let world = World::new();
    let (read, admin) = (token(&world, "read"), token(&world, "admin"));
    let (process, address) = coordinator(&world, &[]);
    let port = address.trim_start_matches("http://").to_owned();
    let text_of = |file: &str| std::fs::read_to_string(world.path(file)).unwrap();
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let client = |token: Option<&str>| {
        let _inside = runtime.enter();
        let token = token.map(|token| text_of(token).trim().to_owned());
        let channel = client::dial(&address, &Keys::default()).unwrap();
        Client::new(channel, Bearer::new(token.as_deref()).unwrap())
    };
    let submit = |bytes: usize| Submit {
        file: "x".into(),
        text: "x".repeat(bytes),
        ..Submit::default()
    };
    let refused = |client: &Client, request: &Submit| match runtime.block_on(client.submit(request))
    {
        Err(CallError::Refused { reason, .. }) => reason,
        Err(CallError::InvalidSweep(_)) => Some(Reason::InvalidSweep),
        // A body that nobody reads may end the call before the answer is seen.
        Err(CallError::Unreachable(_)) => None,
        other => panic!("{other:?}"),
    };
    let (stranger, reader, owner) = (client(None), client(Some(&read)), client(Some(&admin)));
    let flood = |rounds: u32| {
        for round in 0..rounds {
            for _ in 0..20 {
                assert_eq!(
                    refused(&stranger, &submit(10)),
                    Some(Reason::Unauthenticated)
                );
                assert_eq!(
                    refused(&reader, &submit(10)),
                    Some(Reason::PermissionDenied)
                );
            }
            refused(&stranger, &submit(4 << 20));
            refused(&reader, &submit(4 << 20));
            // Beyond what a message, and what a sweep file may have.
            refused(&owner, &submit(9 << 20));
            assert_eq!(refused(&owner, &submit(3 << 20)), Some(Reason::TooLarge));
            // Bytes that are no HTTP/2, and HTTP/2 that ends in the middle.
            for kind in 0..4_u8 {
                let mut stream = TcpStream::connect(&port).unwrap();
                stream
                    .set_read_timeout(Some(Duration::from_millis(20)))
                    .unwrap();
                let noise: Vec<u8> = (0..4096_u32)
                    .map(|at| (at.wrapping_mul(2_654_435_761).wrapping_add(round) >> 13) as u8)
                    .collect();
                let preface = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";
                let bytes = match kind {
                    0 => noise,
                    1 => [preface.as_slice(), &noise].concat(),
                    2 => preface[..10].to_vec(),
                    // A header frame of 16 MiB is announced, and little of it comes.
                    _ => [
                        preface.as_slice(),
                        &[0xff, 0xff, 0xff, 1, 4, 0, 0, 0, 1, 9, 9],
                    ]
                    .concat(),
                };
                // The coordinator may hang up before it has all.
                let _ = stream.write_all(&bytes);
                let _ = stream.read(&mut [0; 64]);
            }
        }
    };
    flood(10);
    let before = resident(&process);
    flood(50);
    let after = resident(&process);
    println!("{before} KiB before, {after} KiB after");
    assert!(
        after < before + FLAT_KIB,
        "{before} KiB before, {after} KiB after"
    );
    assert!(runtime.block_on(owner.sweeps()).unwrap().is_empty());
    let log = std::fs::read_to_string(world.path("coordinator.log")).unwrap();
    assert!(
        log.contains("permission-denied") || log.contains("unauthenticated"),
        "{log}"
    );
    assert!(
        log.len() < 100_000,
        "a flood does not fill the log: {} bytes",
        log.len()
    );
}
