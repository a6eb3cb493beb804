//! Why a forward got no response: what went wrong, and what to check.

use std::path::Path;

use reqwest::Url;
use url::Position;

use crate::{
    net::client::{Client, Protocol, SendError, is_loopback},
    webhook::record::ForwardFailureKind,
};

/// The maximum number of ports to name.
const MAX_PORTS: usize = 5;

/// The name by which Docker containers reach their host.
const DOCKER_HOST: &str = "host.docker.internal";

/// Why a forward got no response.
#[derive(Debug)]
pub struct Cause {
    /// What went wrong.
    pub problem: String,
    /// What to check: a sentence or a part of one, including the punctuation after the problem. Empty if nothing is
    /// known.
    pub advice: String,
}

impl Cause {
    fn new(problem: &impl ToString, advice: impl Into<String>) -> Self {
        Self { problem: problem.to_string(), advice: advice.into() }
    }
}

/// The kind of a forward's error.
pub const fn kind_of(error: &SendError) -> ForwardFailureKind {
    match error {
        SendError::TimedOut(_) => ForwardFailureKind::TimedOut,
        SendError::Broken(_) | SendError::Invalid(_) | SendError::OtherProtocol(_) => ForwardFailureKind::Broken,
        SendError::Incomplete(response, _) => ForwardFailureKind::Incomplete(response.status),
        SendError::Unsendable(_)
        | SendError::Unreachable(_)
        | SendError::NotListening(_)
        | SendError::UnknownHost(_)
        | SendError::Unresolved(_)
        | SendError::TlsFailed(_)
        | SendError::Untrusted(_) => ForwardFailureKind::Unreachable,
    }
}

/// Explains an error of a forward to a URL. May try to connect to the handler in other ways; with TLS only unless it
/// `has_responded` before.
pub async fn explain(error: &SendError, client: &Client, url: &Url, has_responded: bool) -> Cause {
    match error {
        SendError::NotListening(problem) => Cause::new(problem, listening(client, url).await),
        SendError::UnknownHost(problem) => Cause::new(problem, named(url)),
        SendError::Unresolved(problem) => Cause::new(problem, ": is this machine online?"),
        SendError::Unreachable(problem) => Cause::new(problem, ": is your handler running?"),
        SendError::Broken(_) if !has_responded && url.scheme() == "http" && client.accepts_tls(url).await => {
            Cause::new(&Protocol::Tls, "")
        }
        SendError::Broken(problem) => Cause::new(problem, ": did your handler crash?"),
        SendError::TimedOut(_) => Cause::new(
            &format_args!("{error} (the forward timeout)"),
            ": is your handler at a breakpoint, or does it wait for something?",
        ),
        SendError::Incomplete(response, problem) => {
            Cause::new(&format_args!("your handler responded {}, but {problem}", response.status), "")
        }
        SendError::Invalid(_)
        | SendError::OtherProtocol(_)
        | SendError::TlsFailed(_)
        | SendError::Unsendable(_)
        | SendError::Untrusted(_) => Cause::new(error, ""),
    }
}

/// What to check if nothing listens on the port.
async fn listening(client: &Client, url: &Url) -> String {
    if let Some(other) = other_family(url)
        && client.connects(&other).await
    {
        let there = &other[Position::BeforeHost..Position::AfterPort];
        return format!(", but something listens on {there}: use {}://{there} in the URL", url.scheme());
    }
    if is_loopback(url) && is_in_container() {
        return format!(
            ": is your handler running? hookdev runs in a container, where localhost is the container itself; \
             a handler on its host is at {DOCKER_HOST}"
        );
    }
    let ports = if is_loopback(url) { ports() } else { String::new() };
    format!(": is your handler running?{ports}")
}

/// The URL with the loopback address of the other family: a server that binds `localhost` may listen on only one of
/// IPv4 and IPv6.
fn other_family(url: &Url) -> Option<Url> {
    let other = match url.host_str()? {
        // This name often has only an IPv4 address.
        "127.0.0.1" | "localhost" => "[::1]",
        "[::1]" => "127.0.0.1",
        _ => return None,
    };
    let mut there = url.clone();
    there.set_host(Some(other)).ok()?;
    Some(there)
}

/// Whether this process runs in a Docker or Podman container.
fn is_in_container() -> bool {
    ["/.dockerenv", "/run/.containerenv"].iter().any(|path| Path::new(path).exists())
}

/// The ports on which the user's programs listen, if any are known.
fn ports() -> String {
    #[cfg(unix)]
    let ports = crate::net::listening::own_ports();
    #[cfg(not(unix))]
    let ports: Vec<u16> = Vec::new();
    // Higher ports were most likely picked by the system, not by a person.
    let named: Vec<String> = ports.iter().filter(|port| (1024..32768).contains(*port)).map(u16::to_string).collect();
    match named.as_slice() {
        [] => String::new(),
        [port] => format!(" Your programs listen on port {port}"),
        ports => format!(" Your programs listen on ports {}", ports[..ports.len().min(MAX_PORTS)].join(", ")),
    }
}

/// What to check if the host's name is unknown.
fn named(url: &Url) -> &'static str {
    match url.host_str() {
        Some(DOCKER_HOST) => {
            ": only containers know this name; use localhost and the port that the container publishes"
        }
        Some(host) if !host.contains('.') => {
            ": is it a container? Outside its network, use localhost and the port that it publishes"
        }
        _ => ": is it spelled correctly?",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_that_only_containers_know_has_a_hint() {
        let named = |url: &str| named(&Url::parse(url).unwrap());
        assert_eq!(
            named("http://host.docker.internal:3000/"),
            ": only containers know this name; use localhost and the port that the container publishes"
        );
        assert_eq!(
            named("http://web:3000/"),
            ": is it a container? Outside its network, use localhost and the port that it publishes"
        );
        assert_eq!(named("http://hooks.example.com/"), ": is it spelled correctly?");
    }

    #[test]
    fn the_loopback_address_of_the_other_family_has_the_same_port() {
        let other = |url: &str| other_family(&Url::parse(url).unwrap()).map(String::from);
        assert_eq!(other("http://127.0.0.1:3000/a"), Some("http://[::1]:3000/a".to_owned()));
        assert_eq!(other("http://[::1]:3000/a"), Some("http://127.0.0.1:3000/a".to_owned()));
        assert_eq!(other("http://localhost:3000/a"), Some("http://[::1]:3000/a".to_owned()));
        assert_eq!(other("http://192.0.2.1:3000/a"), None);
    }
}
