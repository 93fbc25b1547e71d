//! News posted to an address, as chat rooms and lab services take them: one request, `application/json`, any 2xx is an answer.

use std::sync::Arc;

use http_body_util::{BodyExt, Collected, Full, Limited};
use hyper::body::Bytes;
use hyper::header::{CONTENT_TYPE, HOST, USER_AGENT};
use hyper::{Request, Uri};
use hyper_util::rt::TokioIo;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;
use tokio_rustls::rustls::pki_types::ServerName;
use tokio_rustls::rustls::{ClientConfig, RootCertStore};

/// Bytes of an answer that are read: what a service says of a request that it refuses.
const MOST_SAID: usize = 4096;

/// An address that is posted to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PostTo {
    uri: Uri,
    host: String,
    port: u16,
    is_tls: bool,
}

impl PostTo {
    /// Of what somebody typed; `None` where that is no address but a command.
    ///
    /// # Errors
    /// What is wrong with the address.
    pub fn typed(text: &str) -> Option<Result<Self, String>> {
        let scheme = text.split_once("://")?.0.to_ascii_lowercase();
        matches!(scheme.as_str(), "http" | "https").then(|| Self::read(text, scheme == "https"))
    }

    fn read(text: &str, is_tls: bool) -> Result<Self, String> {
        let uri: Uri = text
            .parse()
            .map_err(|error| format!("it is no address: {error}"))?;
        let authority = uri.authority().ok_or("it names no host")?;
        if authority.as_str().contains('@') {
            return Err("it has a password in it, which everybody on this machine could read from the list of processes: give a command that reads it from a file, such as `curl --netrc --data-binary @- URL`".into());
        }
        let host = authority.host().trim_matches(['[', ']']).to_owned();
        let port = authority
            .port_u16()
            .unwrap_or(if is_tls { 443 } else { 80 });
        if host.is_empty() {
            return Err("it names no host".into());
        }
        Ok(Self {
            uri,
            host,
            port,
            is_tls,
        })
    }

    /// How messages call it. The path of such an address is often a secret.
    pub fn shown(&self) -> String {
        format!("{}:{}", self.host, self.port)
    }

    /// Posts a body.
    ///
    /// # Errors
    /// Why it did not arrive.
    pub async fn post(&self, body: String) -> Result<(), String> {
        let stream = TcpStream::connect((self.host.as_str(), self.port))
            .await
            .map_err(|error| format!("it cannot be reached: {error}"))?;
        if !self.is_tls {
            return self.ask(stream, body).await;
        }
        let name = ServerName::try_from(self.host.clone())
            .map_err(|_| "no certificate can be for that name".to_owned())?;
        let connector = TlsConnector::from(Arc::new(tls()?));
        let stream = connector
            .connect(name, stream)
            .await
            .map_err(|error| format!("no connection with TLS: {error}"))?;
        self.ask(stream, body).await
    }

    async fn ask(
        &self,
        stream: impl AsyncRead + AsyncWrite + Send + Unpin + 'static,
        body: String,
    ) -> Result<(), String> {
        let failed = |error: hyper::Error| format!("it did not answer: {error}");
        let (mut sender, connection) = hyper::client::conn::http1::handshake(TokioIo::new(stream))
            .await
            .map_err(failed)?;
        let driving = tokio::spawn(connection);
        let path = self.uri.path_and_query().map_or("/", |path| path.as_str());
        let authority = self.uri.authority().map_or("", |text| text.as_str());
        let request = Request::post(path)
            .header(HOST, authority)
            .header(CONTENT_TYPE, "application/json")
            .header(USER_AGENT, concat!("gcl-sweep/", env!("CARGO_PKG_VERSION")))
            .body(Full::new(Bytes::from(body)))
            .map_err(|error| error.to_string())?;
        let answer = sender.send_request(request).await.map_err(failed)?;
        let status = answer.status();
        let said = Limited::new(answer.into_body(), MOST_SAID).collect().await;
        driving.abort();
        if status.is_success() {
            return Ok(());
        }
        let said = said.map(Collected::to_bytes).unwrap_or_default();
        let said = String::from_utf8_lossy(&said);
        Err(format!("it answered {status}: {}", said.trim()))
    }
}

/// TLS by the authorities that this machine trusts.
fn tls() -> Result<ClientConfig, String> {
    let mut roots = RootCertStore::empty();
    let found = rustls_native_certs::load_native_certs();
    roots.add_parsable_certificates(found.certs);
    if roots.is_empty() {
        return Err("this machine trusts no authority (install its CA certificates, `ca-certificates` in most systems)".into());
    }
    let provider = Arc::new(tokio_rustls::rustls::crypto::ring::default_provider());
    Ok(ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .map_err(|error| error.to_string())?
        .with_root_certificates(roots)
        .with_no_client_auth())
}

#[cfg(test)]
mod tests {
    use super::*;
    use tokio::io::{AsyncReadExt, AsyncWriteExt};
    use tokio::net::TcpListener;

    #[test]
    fn an_address_is_told_from_a_command() {
        for command in ["mail -s x", "curl https://a", "./tell", ""] {
            assert!(PostTo::typed(command).is_none(), "{command}");
        }
        let read = |text: &str| PostTo::typed(text).unwrap();
        assert_eq!(
            read("https://hooks.example.org/T0/B0").unwrap().shown(),
            "hooks.example.org:443"
        );
        assert_eq!(read("HTTP://[::1]:8080/a?b=c").unwrap().shown(), "::1:8080");
        for (wrong, why) in [
            ("http://", "no address"),
            ("https://me:secret@a/", "password"),
        ] {
            let error = read(wrong).unwrap_err();
            assert!(error.contains(why), "{wrong}: {error}");
        }
    }

    #[tokio::test]
    async fn news_arrive_and_a_refusal_is_told() {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let server = tokio::spawn(async move {
            let mut heard = Vec::new();
            for answer in [
                "HTTP/1.1 204 No Content\r\n\r\n",
                "HTTP/1.1 403 Forbidden\r\ncontent-length: 9\r\n\r\nno entry\n",
            ] {
                let (mut stream, _) = listener.accept().await.unwrap();
                let mut text = String::new();
                while !text.contains("\r\n\r\n{}") {
                    let mut bytes = [0; 1024];
                    let read = stream.read(&mut bytes).await.unwrap();
                    text += std::str::from_utf8(&bytes[..read]).unwrap();
                }
                stream.write_all(answer.as_bytes()).await.unwrap();
                heard.push(text);
            }
            heard
        });
        let to = PostTo::typed(&format!("http://{address}/room?a=1"))
            .unwrap()
            .unwrap();
        assert_eq!(to.post("{}".into()).await, Ok(()));
        let error = to.post("{}".into()).await.unwrap_err();
        assert!(
            error.contains("403") && error.contains("no entry"),
            "{error}"
        );
        let heard = server.await.unwrap();
        assert!(
            heard[0].starts_with("POST /room?a=1 HTTP/1.1\r\n"),
            "{heard:?}"
        );
        assert!(
            heard[0].contains("content-type: application/json\r\n"),
            "{heard:?}"
        );
        let error = to.post("{}".into()).await.unwrap_err();
        assert!(error.contains("reached"), "{error}");
    }
}
