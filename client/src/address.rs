//! An address as people write it, and how it is written.

use std::net::{IpAddr, Ipv6Addr};

/// The coordinator's usual port.
const PORT: u16 = 7070;

/// What is wrong with an address, with the right one where it can be told; `None` where nothing is seen. `secure`: the caller has the certificate of
/// an authority, which only `https` needs.
pub(crate) fn fault(url: &str, secure: bool) -> Option<String> {
    let (scheme, rest) = match url.split_once("://") {
        Some((scheme, rest)) => (scheme.to_ascii_lowercase(), rest),
        None => (String::new(), url.trim_start_matches('/')),
    };
    let authority = rest.split(['/', '?', '#']).next().unwrap_or_default();
    let known = scheme == "http" || scheme == "https";
    let Some(meant) = with_port(authority, known) else {
        return Some("it names no host".to_owned());
    };
    if known {
        return (meant != authority).then(|| format!("write {scheme}://{meant}"));
    }
    let near = meant
        .rsplit_once(':')
        .is_some_and(|(host, _)| is_loopback(host));
    let (plain, tls) = (format!("http://{meant}"), format!("https://{meant}"));
    let why = if scheme.is_empty() {
        "it begins with neither http:// nor https://".to_owned()
    } else {
        format!("`{scheme}` is no protocol of a coordinator")
    };
    Some(if secure {
        format!("{why}: write {tls}")
    } else if near {
        format!("{why}: write {plain}, or {tls} where the coordinator has a certificate")
    } else {
        format!("{why}: write {tls}, or {plain} where the coordinator has no certificate")
    })
}

/// The address with the usual port, where it names none.
pub fn with_usual_port(url: &str) -> Option<String> {
    let (scheme, rest) = url.trim().split_once("://")?;
    let authority = rest.split(['/', '?', '#']).next()?;
    let host = authority
        .rsplit_once(']')
        .map_or(authority, |(_, port)| port);
    (!authority.is_empty() && !host.contains(':')).then(|| format!("{scheme}://{authority}:{PORT}"))
}

/// Host and port with brackets around an IPv6 address; with the usual port, where `as_it_is` does not want it as it was written. `None` without a host.
fn with_port(authority: &str, as_it_is: bool) -> Option<String> {
    if authority.is_empty() || authority.starts_with(':') && !authority.starts_with("::") {
        return None;
    }
    if authority.starts_with('[') {
        let has_port = authority.rsplit_once("]:").is_some();
        return Some(if has_port || as_it_is {
            authority.to_owned()
        } else {
            format!("{authority}:{PORT}")
        });
    }
    if authority.matches(':').count() > 1 {
        let parts = authority.rsplit_once(':').and_then(|(host, port)| {
            let host: Ipv6Addr = host.parse().ok()?;
            Some(format!("[{host}]:{}", port.parse::<u16>().ok()?))
        });
        let whole = || Some(format!("[{}]:{PORT}", authority.parse::<Ipv6Addr>().ok()?));
        return Some(parts.or_else(whole).unwrap_or_else(|| authority.to_owned()));
    }
    if authority.contains(':') || as_it_is {
        return Some(authority.to_owned());
    }
    Some(format!("{authority}:{PORT}"))
}

fn is_loopback(host: &str) -> bool {
    let ip = host.trim_matches(['[', ']']).parse::<IpAddr>();
    host == "localhost" || ip.is_ok_and(|ip| ip.is_loopback())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_right_address_is_told() {
        for url in [
            "http://127.0.0.1:7070",
            "https://host:7070/",
            "HTTP://host:7070",
            "http://[::1]:7070",
            "http://host",
        ] {
            assert_eq!(fault(url, false), None, "{url}");
        }
        for (url, hint) in [
            ("localhost:7070", "write http://localhost:7070, or https"),
            ("127.0.0.1", "write http://127.0.0.1:7070, or https"),
            ("//host:1", "write https://host:1, or http://host:1"),
            ("host:7070/x", "write https://host:7070, or http"),
            ("grpc://host:7070", "`grpc` is no protocol"),
            ("::1", "write http://[::1]:7070"),
            ("http://::1:7070", "write http://[::1]:7070"),
            ("https://fe80::1:7070/", "write https://[fe80::1]:7070"),
            ("http://", "names no host"),
            ("http://:7070", "names no host"),
            ("", "names no host"),
        ] {
            let told = fault(url, false).unwrap();
            assert!(told.contains(hint), "{url}: {told}");
        }
        let usual = |url| with_usual_port(url);
        assert_eq!(usual("https://h/").unwrap(), "https://h:7070");
        assert_eq!(usual("http://[::1]").unwrap(), "http://[::1]:7070");
        assert_eq!((usual("http://h:1"), usual("http://[::1]:1")), (None, None));
        let told = fault("host:7070", true).unwrap();
        assert!(told.ends_with("write https://host:7070"), "{told}");
    }
}
