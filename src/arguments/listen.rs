//! An address to listen on, and how it is written where it is written like one to call.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};

/// The usual port.
const PORT: u16 = 7070;

/// An address to listen on: `IP:PORT`; `localhost` is 127.0.0.1.
///
/// # Errors
/// It is none, and how it is written.
pub(super) fn listen(text: &str) -> Result<SocketAddr, String> {
    let text = text.trim();
    if let Ok(address) = text.parse() {
        return Ok(address);
    }
    if let Some(port) = text
        .strip_prefix("localhost:")
        .and_then(|port| port.parse().ok())
    {
        return Ok((Ipv4Addr::LOCALHOST, port).into());
    }
    let hint = match meant(text) {
        Some(address) => format!("write {address}"),
        None => format!(
            "write the IP of this host and a port: 127.0.0.1:{PORT} for this host alone, 0.0.0.0:{PORT} or [::]:{PORT} for everybody who reaches it"
        ),
    };
    Err(format!("it is no IP:PORT to listen on: {hint}"))
}

/// The address that was meant, where it can be told.
fn meant(text: &str) -> Option<SocketAddr> {
    let text = text.split_once("://").map_or(text, |(_, rest)| rest);
    let text = text.split('/').next()?;
    if let Ok(address) = text.parse() {
        return Some(address);
    }
    if let Ok(port) = text.parse::<u16>() {
        return Some((Ipv4Addr::LOCALHOST, port).into());
    }
    let with_port = text.rsplit_once(':').and_then(|(host, port)| {
        let port = port.parse::<u16>().ok()?;
        let ip: IpAddr = match host {
            "" | "*" => Ipv4Addr::UNSPECIFIED.into(),
            "localhost" => Ipv4Addr::LOCALHOST.into(),
            _ => host.parse::<Ipv6Addr>().ok()?.into(),
        };
        Some(SocketAddr::from((ip, port)))
    });
    with_port.or_else(|| {
        let ip: IpAddr = match text {
            "localhost" => Ipv4Addr::LOCALHOST.into(),
            _ => text.trim_matches(['[', ']']).parse().ok()?,
        };
        Some((ip, PORT).into())
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_meant_is_told() {
        for (text, address) in [
            ("127.0.0.1:7070", "127.0.0.1:7070"),
            ("[::1]:1", "[::1]:1"),
            (" 0.0.0.0:0 ", "0.0.0.0:0"),
            ("localhost:7071", "127.0.0.1:7071"),
        ] {
            assert_eq!(listen(text).unwrap().to_string(), address);
        }
        for (text, hint) in [
            ("http://0.0.0.0:7070", "write 0.0.0.0:7070"),
            ("https://localhost:7070/", "write 127.0.0.1:7070"),
            (":7070", "write 0.0.0.0:7070"),
            ("*:7070", "write 0.0.0.0:7070"),
            ("7070", "write 127.0.0.1:7070"),
            ("::1:7070", "write [::1]:7070"),
            (":::7070", "write [::]:7070"),
            ("10.0.0.7", "write 10.0.0.7:7070"),
            ("::", "write [::]:7070"),
            ("gpu1.example.org:7070", "the IP of this host"),
            ("127.0.0.1:70700", "the IP of this host"),
        ] {
            let error = listen(text).unwrap_err();
            assert!(error.contains(hint), "{text}: {error}");
        }
    }
}
