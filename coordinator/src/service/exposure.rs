//! Who may reach a port without keys: this machine alone.

use std::net::{IpAddr, SocketAddr};

/// A port that would listen beyond this machine without keys.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "{address} can be reached from other machines, and {missing}: give it (`gcl-sweep tls init` and `gcl-sweep token create` make both), listen on 127.0.0.1, or write --insecure where the network itself is guarded"
)]
pub struct Exposed {
    address: SocketAddr,
    missing: &'static str,
}

/// Whether a port may listen on `address`: loopback always, elsewhere with TLS and a token, or when an administrator
/// said so by `insecure`.
pub fn check_exposure(
    address: SocketAddr,
    tls: bool,
    token: bool,
    insecure: bool,
) -> Result<(), Exposed> {
    let loopback = match address.ip() {
        IpAddr::V4(ip) => ip.is_loopback(),
        // ::ffff:127.0.0.1 is loopback, whatever the standard library's `is_loopback` says of it.
        IpAddr::V6(ip) => ip.to_canonical().is_loopback(),
    };
    let missing = match (tls, token) {
        _ if loopback || insecure => return Ok(()),
        (true, true) => return Ok(()),
        (false, true) => "it has no TLS certificate",
        (true, false) => "it asks for no token",
        (false, false) => "it has neither a TLS certificate nor a token",
    };
    Err(Exposed { address, missing })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn beyond_loopback_it_takes_both_keys_or_a_word() {
        let near = [
            "127.0.0.1:1",
            "127.8.9.1:1",
            "[::1]:1",
            "[::ffff:127.0.0.1]:1",
        ];
        let far = [
            "0.0.0.0:1",
            "[::]:1",
            "10.0.0.7:1",
            "[::ffff:10.0.0.7]:1",
            "[fe80::1]:1",
        ];
        for address in near {
            let address = address.parse().unwrap();
            assert_eq!(
                check_exposure(address, false, false, false),
                Ok(()),
                "{address}"
            );
        }
        for address in far {
            let address = address.parse().unwrap();
            for (tls, token, insecure) in [
                (false, false, false),
                (true, false, false),
                (false, true, false),
            ] {
                assert!(
                    check_exposure(address, tls, token, insecure).is_err(),
                    "{address}"
                );
            }
            assert_eq!(
                check_exposure(address, true, true, false),
                Ok(()),
                "{address}"
            );
            assert_eq!(
                check_exposure(address, false, false, true),
                Ok(()),
                "{address}"
            );
        }
    }
}
