//! Who may have sent a browser here: the names by which this machine is known, and the page itself.
//!
//! A page of somebody else's can have a browser call a loopback address. It cannot read the answer, unless its own name resolves
//! to this machine (DNS rebinding): then `Host` has its name. It can send a form: then `Origin` has its name.

use std::net::{Ipv4Addr, Ipv6Addr};

use hyper::HeaderMap;
use hyper::header::{HOST, HeaderName, ORIGIN};

/// The names by which this machine is called.
#[derive(Debug, Clone, Default)]
pub(super) struct Hosts {
    names: Vec<String>,
    /// Whether a certificate says who this is, so that a browser asks nobody else.
    is_tls: bool,
}

impl Hosts {
    /// These beside its own and addresses.
    pub(super) fn new(names: &[String], is_tls: bool) -> Self {
        let own = nix::unistd::gethostname().ok();
        let own = own.and_then(|name| name.into_string().ok());
        let names = names.iter().cloned().chain(own);
        Self {
            names: names.map(|name| name.to_lowercase()).collect(),
            is_tls,
        }
    }

    /// Whether a name may stand in `Host`. An address is nobody's to point elsewhere.
    fn knows(&self, host: &str) -> bool {
        let name = host.trim_end_matches('.').to_lowercase();
        let version_6 = name
            .strip_prefix('[')
            .and_then(|name| name.strip_suffix(']'));
        let is_address = match version_6 {
            Some(address) => address.parse::<Ipv6Addr>().is_ok(),
            None => name.parse::<Ipv4Addr>().is_ok(),
        };
        let is_own = |own: &String| {
            // A short name of the machine is also known with its domain.
            name == *own
                || name
                    .strip_prefix(own.as_str())
                    .is_some_and(|rest| rest.starts_with('.') && !own.contains('.'))
        };
        self.is_tls
            || is_address
            || name == "localhost"
            || name.ends_with(".localhost")
            || self.names.iter().any(is_own)
    }

    /// Whether a request may be answered; the host with its port, as the browser calls it.
    ///
    /// # Errors
    /// Why not, for people.
    pub(super) fn check<'a>(
        &self,
        headers: &'a HeaderMap,
        changes: bool,
    ) -> Result<&'a str, String> {
        let text = |name: HeaderName| {
            let mut all = headers.get_all(name).iter();
            let first = all.next().map(|value| value.to_str().unwrap_or(""));
            (first, all.next().is_some())
        };
        let (Some(host), false) = text(HOST) else {
            return Err("the request names no host, or several".into());
        };
        if !self.knows(without_port(host)) {
            return Err(format!(
                "`{host}` is no name of this machine: call it by its address or its own name, or start the coordinator with --http-host NAME"
            ));
        }
        let (origin, is_more) = text(ORIGIN);
        match origin {
            Some(origin) if is_more || !is_of(origin, host) => {
                return Err("the request comes from a page of another site".into());
            }
            // A browser says where a request that changes something comes from.
            None if changes => return Err("a request that changes something needs `Origin`".into()),
            _ => {}
        }
        let fetch = |name: &'static str| text(HeaderName::from_static(name)).0;
        let is_own = matches!(fetch("sec-fetch-site"), None | Some("same-origin" | "none"));
        let is_followed_link = !changes && fetch("sec-fetch-mode") == Some("navigate");
        if is_own || is_followed_link {
            Ok(host)
        } else {
            Err("the request comes from a page of another site".into())
        }
    }
}

/// Whether that origin is the page of that host. A proxy may speak TLS where this port does not.
fn is_of(origin: &str, host: &str) -> bool {
    let rest = origin
        .strip_prefix("http://")
        .or_else(|| origin.strip_prefix("https://"));
    rest.is_some_and(|rest| rest.eq_ignore_ascii_case(host))
}

fn without_port(host: &str) -> &str {
    match host.rsplit_once(':') {
        Some((name, port))
            if port.bytes().all(|byte| byte.is_ascii_digit()) && !name.ends_with(':') =>
        {
            name
        }
        _ => host,
    }
}

/// The port in a host, for names of cookies: browsers keep cookies by host alone, and a machine has several runs.
pub(super) fn port_of(host: &str) -> &str {
    let name = without_port(host);
    host.get(name.len() + 1..).unwrap_or("usual")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn headers(lines: &[(&'static str, &str)]) -> HeaderMap {
        let mut headers = HeaderMap::new();
        for (name, value) in lines {
            headers.append(*name, value.parse().unwrap());
        }
        headers
    }

    fn hosts() -> Hosts {
        Hosts {
            names: vec!["lab.example.org".into(), "node7".into()],
            is_tls: false,
        }
    }

    #[test]
    fn a_name_that_others_can_point_here_is_refused() {
        for good in [
            "127.0.0.1:7071",
            "localhost",
            "localhost:80",
            "run.localhost:1",
            "[::1]:7071",
            "10.0.0.7",
            "LAB.example.org:7071",
            "node7",
            "node7.cluster.internal:7",
        ] {
            let headers = headers(&[("host", good)]);
            assert_eq!(hosts().check(&headers, false), Ok(good));
        }
        for bad in [
            "evil.example",
            "evil.example:7071",
            "localhost.evil.example",
            "127.0.0.1.evil.example",
            "lab.example.org.evil.example",
            "node7evil",
            "",
            "::",
            "a:b",
        ] {
            assert!(
                hosts().check(&headers(&[("host", bad)]), false).is_err(),
                "{bad}"
            );
        }
        assert!(hosts().check(&headers(&[]), false).is_err());
        let two = headers(&[("host", "localhost"), ("host", "evil.example")]);
        assert!(hosts().check(&two, false).is_err());
        let tls = Hosts {
            is_tls: true,
            ..hosts()
        };
        assert!(
            tls.check(&headers(&[("host", "sweeps.example.org")]), false)
                .is_ok()
        );
    }

    #[test]
    fn what_another_site_sends_is_refused() {
        let host = ("host", "127.0.0.1:7071");
        let check = |lines: &[(&'static str, &str)], changes| {
            let mut all = vec![host];
            all.extend(lines);
            hosts().check(&headers(&all), changes).is_ok()
        };
        let own = ("origin", "http://127.0.0.1:7071");
        assert!(check(&[own], true));
        assert!(check(&[own, ("sec-fetch-site", "same-origin")], true));
        assert!(check(&[], false), "a program that reads");
        assert!(
            !check(&[], true),
            "a program, or a browser, that does not say"
        );
        for foreign in [
            "http://127.0.0.1:7072",
            "http://evil.example",
            "null",
            "http://127.0.0.1:7071.evil.example",
        ] {
            assert!(!check(&[("origin", foreign)], true), "{foreign}");
            assert!(!check(&[("origin", foreign)], false), "{foreign}");
        }
        assert!(!check(&[own, ("sec-fetch-site", "cross-site")], true));
        // A link on another site may lead here; a script of one may not.
        let site = ("sec-fetch-site", "cross-site");
        assert!(check(&[site, ("sec-fetch-mode", "navigate")], false));
        assert!(!check(&[site, ("sec-fetch-mode", "no-cors")], false));
        assert!(!check(&[site], false));
    }

    #[test]
    fn cookies_of_several_ports_do_not_meet() {
        assert_eq!(port_of("127.0.0.1:7071"), "7071");
        assert_eq!(port_of("[::1]:7"), "7");
        assert_eq!(port_of("localhost"), "usual");
    }
}
