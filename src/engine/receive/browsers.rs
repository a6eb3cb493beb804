//! Recognises requests from web browsers. Providers don't use browsers, but a web page open in one can send requests to
//! any port of this machine without asking.
//!
//! The signs are those that a page can't remove from its requests:
//!
//! - `Origin`, which is part of every request with a method other than GET and HEAD, and of cross-origin requests that
//!   could read the response.
//! - `Sec-Fetch-*`, which is part of every request to https and to this machine. `Sec-Fetch-Mode` alone, with the value
//!   `cors`, comes from the `fetch` of Node.js, which handlers and providers use; a browser sends `Sec-Fetch-Site` as
//!   well.
//! - `Accept-Language` in a GET or HEAD request, which no provider sends. If the host is a name in the public DNS, a
//!   page of that name may be the sender (DNS rebinding: the name first leads to a page, and later to this machine).
//!   Its GET requests have neither of the other two headers, and it could read the responses. Its POST requests have
//!   `Origin`, so the `Host` header need not be checked, and tunnels and containers work under any name.

use std::net::IpAddr;

use http::{
    HeaderMap, Method,
    header::{ACCEPT, ACCEPT_LANGUAGE, HOST, ORIGIN, USER_AGENT},
    request::Parts,
};

/// A request that a browser sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FromBrowser {
    /// A person opened the address.
    Visit,
    /// The browser is looking for an icon for the address that a person opened.
    Icon,
    /// A web page sent it.
    Page,
}

impl FromBrowser {
    /// `None` if something other than a browser may have sent the request.
    pub fn recognise(head: &Parts) -> Option<Self> {
        let headers = &head.headers;
        let is_read = [Method::GET, Method::HEAD].contains(&head.method);
        let has_origin = headers.contains_key(ORIGIN);
        let has_metadata = has_fetch_metadata(headers);
        let has_language = headers.get_all(ACCEPT_LANGUAGE).iter().any(|value| {
            // A page can also set it to `*`, but can't set the other headers.
            value != "*" || !is_of_this_machine(headers) || !is_fetch_of_a_program(headers)
        });
        if !(has_origin || has_metadata || is_read && has_language) {
            return None;
        }
        let accepts_html = headers.get_all(ACCEPT).iter().any(|accept| contains(accept.as_bytes(), b"text/html"));
        let navigates = !has_metadata || text(headers, "sec-fetch-mode") == Some("navigate");
        if is_read && !has_origin && navigates && accepts_html {
            return Some(Self::Visit);
        }
        let is_own_image = ["sec-fetch-dest", "sec-fetch-site"].map(|name| text(headers, name))
            == [Some("image"), Some("same-origin")];
        if is_read && !has_origin && (is_own_image || !has_metadata) && head.uri.path() == "/favicon.ico" {
            return Some(Self::Icon);
        }
        Some(Self::Page)
    }
}

/// Whether there are `Sec-Fetch-*` headers other than those of Node.js.
fn has_fetch_metadata(headers: &HeaderMap) -> bool {
    let mut names = headers.keys().map(http::HeaderName::as_str).filter(|name| name.starts_with("sec-fetch-"));
    match (names.next(), names.next()) {
        (None, _) => false,
        (Some("sec-fetch-mode"), None) => text(headers, "sec-fetch-mode") != Some("cors"),
        _ => true,
    }
}

/// Whether a `fetch` outside browsers may have sent the headers: Node.js sends `Sec-Fetch-Mode`, and Deno names itself.
/// A page can set neither without a preflight.
fn is_fetch_of_a_program(headers: &HeaderMap) -> bool {
    let is_deno = text(headers, USER_AGENT.as_str()).is_some_and(|agent| agent.starts_with("Deno/"));
    text(headers, "sec-fetch-mode") == Some("cors") || is_deno
}

/// Whether the host is an address, or a name that is not in the public DNS.
fn is_of_this_machine(headers: &HeaderMap) -> bool {
    let Some(host) = text(headers, HOST.as_str()) else { return true };
    let name = match host.strip_prefix('[') {
        Some(rest) => rest.split(']').next().unwrap_or_default(),
        None => host.split(':').next().unwrap_or_default(),
    };
    let name = name.trim_end_matches('.').to_ascii_lowercase();
    let is_reserved = [".localhost", ".internal"].iter().any(|domain| name.ends_with(domain));
    name.parse::<IpAddr>().is_ok() || is_reserved || !name.contains('.')
}

/// The value of a header that occurs exactly once.
fn text<'h>(headers: &'h HeaderMap, name: &str) -> Option<&'h str> {
    let mut values = headers.get_all(name).iter();
    values.next().filter(|_| values.next().is_none())?.to_str().ok()
}

fn contains(text: &[u8], part: &[u8]) -> bool {
    text.windows(part.len()).any(|bytes| bytes.eq_ignore_ascii_case(part))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn recognised(method: &str, target: &str, headers: &[(&str, &str)]) -> Option<FromBrowser> {
        let mut request = http::Request::builder().method(method).uri(target);
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        FromBrowser::recognise(&request.body(()).unwrap().into_parts().0)
    }

    const SITE: (&str, &str) = ("sec-fetch-site", "cross-site");
    const HTML: (&str, &str) = ("accept", "text/html,application/xhtml+xml,*/*;q=0.8");
    const LANGUAGE: (&str, &str) = ("accept-language", "de-DE,de;q=0.9");

    #[test]
    fn a_request_with_an_origin_or_fetch_metadata_comes_from_a_page() {
        for headers in [
            &[("origin", "https://evil.example")][..],
            &[("origin", "null")],
            &[("origin", "")],
            &[SITE],
            &[("sec-fetch-mode", "no-cors")],
            &[("sec-fetch-mode", "cors"), SITE],
            &[("sec-fetch-mode", "cors"), ("origin", "http://localhost:3000")],
            &[("sec-fetch-dest", "empty")],
            &[("sec-fetch-storage-access", "active")],
        ] {
            for method in ["POST", "PUT", "PATCH", "DELETE", "OPTIONS", "GET"] {
                assert_eq!(recognised(method, "/auphonic", headers), Some(FromBrowser::Page), "{method} {headers:?}");
            }
        }
    }

    #[test]
    fn programs_are_not_browsers() {
        let node = [("accept", "*/*"), ("accept-language", "*"), ("sec-fetch-mode", "cors"), ("user-agent", "node")];
        for headers in [&node[..], &[HTML], &[("user-agent", "Mozilla/5.0"), ("referer", "https://h/")], &[]] {
            assert_eq!(recognised("POST", "/", headers), None, "{headers:?}");
            assert_eq!(recognised("GET", "/", headers), None, "{headers:?}");
        }
        assert_eq!(recognised("POST", "/", &[LANGUAGE]), None);
    }

    #[test]
    fn a_person_who_opens_the_address_is_a_visit() {
        let navigate = ("sec-fetch-mode", "navigate");
        let none = ("sec-fetch-site", "none");
        assert_eq!(recognised("GET", "/", &[navigate, none, HTML]), Some(FromBrowser::Visit));
        assert_eq!(recognised("GET", "/cyanite", &[navigate, SITE, HTML]), Some(FromBrowser::Visit));
        assert_eq!(recognised("GET", "/", &[LANGUAGE, HTML, ("host", "192.168.1.5:4400")]), Some(FromBrowser::Visit));
        for (method, headers) in [
            ("POST", &[navigate, SITE, HTML][..]),
            ("POST", &[navigate, SITE, HTML, ("origin", "null")]),
            ("GET", &[navigate, SITE]),
            ("GET", &[navigate, SITE, HTML, ("origin", "https://evil.example")]),
            ("GET", &[("sec-fetch-mode", "cors"), SITE, HTML]),
        ] {
            assert_eq!(recognised(method, "/", headers), Some(FromBrowser::Page), "{method} {headers:?}");
        }
    }

    #[test]
    fn the_icon_of_the_page_is_recognised() {
        let image = [("sec-fetch-mode", "no-cors"), ("sec-fetch-dest", "image"), ("sec-fetch-site", "same-origin")];
        assert_eq!(recognised("GET", "/favicon.ico", &image), Some(FromBrowser::Icon));
        assert_eq!(recognised("GET", "/favicon.ico", &[LANGUAGE]), Some(FromBrowser::Icon));
        assert_eq!(recognised("GET", "/auphonic", &image), Some(FromBrowser::Page));
        assert_eq!(recognised("GET", "/favicon.ico", &[image[0], image[1], SITE]), Some(FromBrowser::Page));
    }

    #[test]
    fn a_page_whose_name_leads_to_this_machine_is_recognised_by_its_language() {
        for host in ["evil.example:4400", "evil.example", "4400.evil.example.", "127.0.0.1.evil.example"] {
            for language in [LANGUAGE, ("accept-language", "*"), ("accept-language", "")] {
                let headers = [("host", host), language, ("sec-fetch-mode", "cors")];
                assert_eq!(recognised("GET", "/", &headers), Some(FromBrowser::Page), "{host}");
                assert_eq!(recognised("HEAD", "/", &headers[..2]), Some(FromBrowser::Page), "{host}");
            }
            assert_eq!(recognised("GET", "/", &[("host", host)]), None, "a provider through a tunnel");
        }
        for host in
            ["127.0.0.1:4400", "[::1]:4400", "localhost:4400", "a.localhost", "receiver", "host.docker.internal:1"]
        {
            let any = ("accept-language", "*");
            for program in [("sec-fetch-mode", "cors"), ("user-agent", "Deno/2.1.4")] {
                assert_eq!(recognised("GET", "/", &[("host", host), any, program]), None, "{host}");
            }
            for other in [("user-agent", "Mozilla/5.0"), ("accept", "*/*")] {
                let headers = [("host", host), any, other];
                assert_eq!(recognised("GET", "/", &headers), Some(FromBrowser::Page), "{host}");
            }
            assert_eq!(recognised("GET", "/", &[("host", host), LANGUAGE]), Some(FromBrowser::Page), "{host}");
        }
    }
}
