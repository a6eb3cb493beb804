//! Recognises the proxy in front of a handler by the headers of a response.

use crate::webhook::request::Headers;

/// The start of a `Server` header, in lower case, and the proxy that writes it.
const SERVERS: [(&str, &str); 6] = [
    ("nginx", "nginx"),
    ("openresty", "nginx"),
    ("caddy", "Caddy"),
    ("cloudflare", "Cloudflare"),
    ("envoy", "Envoy"),
    ("istio-envoy", "Envoy"),
];

/// The proxy that a response came through; `None` if no header names one.
#[must_use]
pub fn proxy(headers: &Headers) -> Option<String> {
    let server = headers.text("server").unwrap_or_default().to_ascii_lowercase();
    if let Some((_, name)) = SERVERS.iter().find(|(start, _)| server.starts_with(start)) {
        return Some((*name).to_owned());
    }
    // `1.1 Caddy`, `1.1 vegur, 1.1 varnish (Varnish/7.1)`
    let via = headers.text("via")?;
    let name = via.rsplit(',').next()?.split_whitespace().nth(1)?;
    let is_name = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.');
    Some(name.to_owned()).filter(|name| name.len() <= 40 && name.chars().all(is_name))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_proxy_is_named_by_the_server_header_or_by_via() {
        for (name, value, proxy_name) in [
            ("server", "nginx/1.22.1", Some("nginx")),
            ("server", "nginx", Some("nginx")),
            ("server", "istio-envoy", Some("Envoy")),
            ("server", "uvicorn", None),
            ("via", "1.1 Caddy", Some("Caddy")),
            ("via", "1.1 vegur, 1.1 varnish (Varnish/7.1)", Some("varnish")),
            ("via", "1.1", None),
            ("x-powered-by", "Express", None),
        ] {
            let mut headers = Headers::new();
            headers.push(http::HeaderName::from_static(name), http::HeaderValue::from_static(value));
            assert_eq!(proxy(&headers).as_deref(), proxy_name, "{name}: {value}");
        }
        assert_eq!(proxy(&Headers::new()), None);
    }
}
