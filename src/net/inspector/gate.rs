//! Access control: the checks that every request must pass, in order. Each must suffice alone, because for
//! each there is a browser that lacks it or an attack that defeats it:
//!
//! 1. its `Host` names this server, so that no other name leads here (DNS rebinding);
//! 2. if a browser sent it, it comes from the page itself (`Sec-Fetch-Site`), because pages on other local
//!    ports are same-site;
//! 3. its `Origin` is the page's, and is present if the request changes something;
//! 4. it has this run's token, which no other page knows, unless it is for the page's own files;
//! 5. its method is one that the path allows;
//! 6. if it is a `POST`, it is declared as JSON, which another site's page can't send without a preflight.

use std::net::{IpAddr, SocketAddr};

use http::{
    HeaderMap, HeaderName, HeaderValue, Method, StatusCode,
    header::{AUTHORIZATION, CONTENT_TYPE, HOST, ORIGIN},
    request::Parts,
};
use subtle::ConstantTimeEq;

/// The prefix of the paths that need the token.
pub const API: &str = "/api/";

/// The prefix of the paths of the page's files.
pub const ASSETS: &str = "/assets/";

/// Checks requests to one address.
pub struct RequestGate {
    authorities: Vec<String>,
    token: String,
}

/// Why a request is refused.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct GateRefusal {
    /// The status of the response.
    pub status: StatusCode,
    /// The reason in words.
    pub reason: &'static str,
}

impl RequestGate {
    /// A gate to a server at this address, for requests with this token.
    pub fn new(address: SocketAddr, token: String) -> Self {
        let port = address.port();
        let host = |ip: IpAddr| SocketAddr::new(ip, port).to_string();
        let mut authorities =
            vec![host([127, 0, 0, 1].into()), format!("localhost:{port}"), format!("[::1]:{port}"), host(address.ip())];
        if port == 80 {
            // Browsers omit the default port.
            let short = authorities.iter().filter_map(|authority| authority.strip_suffix(":80").map(str::to_owned));
            authorities.extend(short.collect::<Vec<_>>());
        }
        Self { authorities, token }
    }

    /// Checks a request by its head.
    ///
    /// # Errors
    ///
    /// If the request is refused.
    pub fn check(&self, head: &Parts) -> Result<(), GateRefusal> {
        let authority = self.authority(head).ok_or(GateRefusal {
            status: StatusCode::BAD_REQUEST,
            reason: "the host header must name the inspector's own address",
        })?;
        check_site(head)?;
        check_origin(head, authority)?;
        if head.uri.path().starts_with(API) {
            self.check_token(&head.headers)?;
        }
        check_method(head)?;
        check_media_type(head)
    }

    /// The address under which the request names this server.
    fn authority(&self, head: &Parts) -> Option<&str> {
        // A target with its own authority would override the header.
        if head.uri.authority().is_some() || !head.uri.path().starts_with('/') {
            return None;
        }
        let host = sole(&head.headers, &HOST)?;
        self.authorities.iter().map(String::as_str).find(|own| host == own)
    }

    fn check_token(&self, headers: &HeaderMap) -> Result<(), GateRefusal> {
        let given = sole(headers, &AUTHORIZATION).and_then(|value| {
            let (scheme, token) = value.to_str().ok()?.split_once(' ')?;
            scheme.eq_ignore_ascii_case("bearer").then_some(token)
        });
        let is_right = given.is_some_and(|given| given.as_bytes().ct_eq(self.token.as_bytes()).into());
        if is_right {
            return Ok(());
        }
        let reason = "the token is missing or wrong; open the URL that `hookdev listen` printed";
        Err(GateRefusal { status: StatusCode::UNAUTHORIZED, reason })
    }
}

/// The value of a header that occurs exactly once.
fn sole<'a>(headers: &'a HeaderMap, name: &HeaderName) -> Option<&'a HeaderValue> {
    let mut values = headers.get_all(name).iter();
    values.next().filter(|_| values.next().is_none())
}

/// Refuses requests that a browser sends for another page. Only a user who follows a link may come from there, and only
/// to the page itself, which holds no data.
fn check_site(head: &Parts) -> Result<(), GateRefusal> {
    const SITE: HeaderName = HeaderName::from_static("sec-fetch-site");
    const MODE: HeaderName = HeaderName::from_static("sec-fetch-mode");
    const DESTINATION: HeaderName = HeaderName::from_static("sec-fetch-dest");
    if !head.headers.contains_key(SITE) {
        return Ok(());
    }
    let is = |name: HeaderName, wanted: &str| sole(&head.headers, &name).is_some_and(|value| value == wanted);
    let is_own = is(SITE, "same-origin") || is(SITE, "none");
    let is_visit = head.method == Method::GET
        && head.uri.path() == "/"
        && is(MODE, "navigate")
        && is(DESTINATION, "document")
        && sole(&head.headers, &SITE).is_some();
    if is_own || is_visit { Ok(()) } else { Err(forbidden("another web page may not use the inspector")) }
}

fn check_origin(head: &Parts, authority: &str) -> Result<(), GateRefusal> {
    if !head.headers.contains_key(ORIGIN) {
        // GET and HEAD change nothing.
        let is_safe = [Method::GET, Method::HEAD].contains(&head.method);
        return if is_safe {
            Ok(())
        } else {
            Err(forbidden(
                "the Origin header is missing; send the inspector's own address, such as Origin: http://127.0.0.1:4401",
            ))
        };
    }
    let origin = sole(&head.headers, &ORIGIN).and_then(|value| value.to_str().ok());
    let is_own = origin.and_then(|origin| origin.strip_prefix("http://")) == Some(authority);
    if is_own { Ok(()) } else { Err(forbidden("the origin header names another page")) }
}

fn check_method(head: &Parts) -> Result<(), GateRefusal> {
    let is_known = head.method == Method::GET || head.method == Method::POST && head.uri.path().starts_with(API);
    let reason = "this path does not allow this method";
    if is_known { Ok(()) } else { Err(GateRefusal { status: StatusCode::METHOD_NOT_ALLOWED, reason }) }
}

fn check_media_type(head: &Parts) -> Result<(), GateRefusal> {
    if head.method == Method::GET {
        return Ok(());
    }
    let media = sole(&head.headers, &CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or_default();
    let essence = media.split(';').next().unwrap_or_default().trim_ascii();
    if essence.eq_ignore_ascii_case("application/json") {
        return Ok(());
    }
    Err(GateRefusal { status: StatusCode::UNSUPPORTED_MEDIA_TYPE, reason: "the body must be application/json" })
}

const fn forbidden(reason: &'static str) -> GateRefusal {
    GateRefusal { status: StatusCode::FORBIDDEN, reason }
}
