//! What speaks at an address where a coordinator was expected: asked once the connection failed, to tell the right address.
//!
//! It blocks for at most some seconds.

use std::io::{Read, Write};
use std::net::{TcpStream, ToSocketAddrs};
use std::time::Duration;

const WAIT: Duration = Duration::from_secs(2);
/// A greeting of TLS 1.2 with one cipher and no extensions: any TLS server answers it, by an alert at least.
const HELLO: [u8; 50] = {
    let mut hello = [0x5a; 50];
    // Record: handshake of 45 bytes. Handshake: hello of 41 bytes, version 3.3.
    let head = [
        0x16, 0x03, 0x01, 0x00, 0x2d, 0x01, 0x00, 0x00, 0x29, 0x03, 0x03,
    ];
    let mut at = 0;
    while at < head.len() {
        hello[at] = head[at];
        at += 1;
    }
    // After 32 random bytes: no session, one cipher, no compression.
    let tail = [0x00, 0x00, 0x02, 0xc0, 0x2f, 0x01, 0x00];
    let mut at = 0;
    while at < tail.len() {
        hello[43 + at] = tail[at];
        at += 1;
    }
    hello
};
/// The beginning of HTTP/2 without TLS, and settings that set nothing.
const PREFACE: &[u8] = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\x00\x00\x00\x04\x00\x00\x00\x00\x00";

/// What a port speaks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Spoken {
    Tls,
    /// HTTP/2 without TLS: a coordinator without a certificate.
    Http2,
    /// HTTP/1 without TLS: a page, a proxy, or the side port.
    Http1,
}

/// What is wrong with that address, and the right one, where something else than a coordinator of that kind answers there.
pub fn right_address(url: &str) -> Option<String> {
    let (scheme, rest) = url.trim().split_once("://")?;
    let authority = rest.split(['/', '?', '#']).next()?;
    let secure = scheme.eq_ignore_ascii_case("https");
    let place = match (authority.rsplit_once(':'), secure) {
        (Some((_, port)), _) if port.parse::<u16>().is_ok() => authority.to_owned(),
        (_, true) => format!("{authority}:443"),
        (_, false) => format!("{authority}:80"),
    };
    told(secure, authority, ask(&place)?)
}

fn told(secure: bool, authority: &str, spoken: Spoken) -> Option<String> {
    match (secure, spoken) {
        (false, Spoken::Tls) => Some(format!(
            "TLS is spoken there: the address is https://{authority}"
        )),
        (true, Spoken::Http2) => Some(format!(
            "the coordinator there has no certificate and does not speak TLS: the address is http://{authority}"
        )),
        (_, Spoken::Http1) => Some(format!(
            "what answers at {authority} is a web page or the port for metrics and probes (--http), not the coordinator itself: its address is the one that it \
             says with `listening on` (--listen, usually port 7070)"
        )),
        (true, Spoken::Tls) | (false, Spoken::Http2) => None,
    }
}

fn ask(place: &str) -> Option<Spoken> {
    let answer = exchange(place, &HELLO)?;
    let told = match answer {
        [0x15 | 0x16, 0x03, ..] => Some(Spoken::Tls),
        [b'H', b'T', b'T', b'P', b'/'] => Some(Spoken::Http1),
        _ => None,
    };
    told.or_else(|| match exchange(place, PREFACE)? {
        [b'H', b'T', b'T', b'P', b'/'] => Some(Spoken::Http1),
        // Settings.
        [0, _, _, 4, _] => Some(Spoken::Http2),
        _ => None,
    })
}

/// The first bytes of the answer; zeros where it has fewer.
fn exchange(place: &str, greeting: &[u8]) -> Option<[u8; 5]> {
    let address = place.to_socket_addrs().ok()?.find_map(|address| {
        let stream = TcpStream::connect_timeout(&address, WAIT).ok()?;
        Some(stream)
    });
    let mut stream = address?;
    stream.set_read_timeout(Some(WAIT)).ok()?;
    stream.set_write_timeout(Some(WAIT)).ok()?;
    stream.write_all(greeting).ok()?;
    let mut answer = [0; 5];
    let mut have = 0;
    while have < answer.len() {
        match stream.read(&mut answer[have..]) {
            Ok(read) if read > 0 => have += read,
            _ => break,
        }
    }
    Some(answer)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::net::TcpListener;

    /// A server that answers whatever it hears with these bytes.
    fn server(answer: &'static [u8]) -> String {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let place = listener.local_addr().unwrap().to_string();
        std::thread::spawn(move || {
            for stream in listener.incoming().take(2) {
                let mut stream = stream.unwrap();
                let _ = stream.read(&mut [0; 64]);
                let _ = stream.write_all(answer);
            }
        });
        place
    }

    #[test]
    fn the_right_address_is_told() {
        let tls = server(b"\x15\x03\x03\x00\x02\x02\x28");
        let told = right_address(&format!("http://{tls}/")).unwrap();
        assert!(told.ends_with(&format!("https://{tls}")), "{told}");
        let plain = server(b"\x00\x00\x12\x04\x00");
        let told = right_address(&format!("https://{plain}")).unwrap();
        assert!(told.ends_with(&format!("http://{plain}")), "{told}");
        let side = server(b"HTTP/1.1 400 Bad Request\r\n\r\n");
        let told = right_address(&format!("http://{side}")).unwrap();
        assert!(told.contains("--http"), "{told}");
        let well = server(b"\x00\x00\x12\x04\x00");
        assert_eq!(right_address(&format!("http://{well}")), None);
        let silent = server(b"");
        assert_eq!(right_address(&format!("http://{silent}")), None);
    }

    #[test]
    fn the_greeting_is_as_long_as_it_says() {
        assert_eq!(HELLO.len(), 5 + usize::from(HELLO[4]));
        assert_eq!(usize::from(HELLO[8]), HELLO.len() - 9);
    }
}
