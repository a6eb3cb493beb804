//! The URLs of endpoints.

use std::borrow::Cow;

use reqwest::Url;

use crate::webhook::redact;

/// Text that is not the URL of an endpoint.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("invalid URL `{url}`: {problem}")]
pub struct InvalidUrl {
    /// The text, without credentials.
    url: String,
    problem: String,
}

/// Parses an `http://` or `https://` URL.
///
/// # Errors
///
/// If it is not one. The message says how to write it.
pub fn parse_url(text: &str) -> Result<Url, InvalidUrl> {
    let shown = redact::invalid_url(text);
    let invalid = |problem: String| InvalidUrl { url: shown.clone().into_owned(), problem };
    let url = Url::parse(text).map_err(|error| invalid(format!("{error}; use http://HOST:PORT/PATH")))?;
    match url.scheme() {
        "http" | "https" if url.host_str().is_some() => Ok(url),
        _ if text.contains("://") => Err(invalid("only http:// and https:// are supported".to_owned())),
        _ => Err(invalid(format!("use http://{shown}"))),
    }
}

/// The URL with the query of a request target appended to its own. The sender's parameters can't replace the URL's: those
/// of the same name are left out.
#[must_use]
pub fn with_query_of(url: &Url, target: &str) -> Url {
    let mut url = url.clone();
    let Some((_, query)) = target.split_once('?') else { return url };
    let joined = match url.query() {
        Some(own) if !own.is_empty() => {
            let names: Vec<String> = own.split('&').map(name).collect();
            let others = query.split('&').filter(|parameter| !names.contains(&name(parameter)));
            std::iter::once(own).chain(others).collect::<Vec<_>>().join("&")
        }
        _ => query.to_owned(),
    };
    url.set_query(Some(&joined));
    url
}

/// The decoded name of a parameter of a query.
fn name(parameter: &str) -> String {
    form_urlencoded::parse(parameter.as_bytes()).next().map(|(name, _)| name.into_owned()).unwrap_or_default()
}

/// The path and query of a URL, which are the target of a request line.
#[must_use]
pub fn path_and_query(url: &Url) -> String {
    url.query().map_or_else(|| url.path().to_owned(), |query| format!("{}?{query}", url.path()))
}

/// The URL with the query of a request's target: some providers send a part of the delivery in it.
#[must_use]
pub fn at_target<'a>(url: &'a Url, target: &str) -> Cow<'a, Url> {
    if path_and_query(url) == target {
        return Cow::Borrowed(url);
    }
    let mut url = url.clone();
    url.set_query(target.split_once('?').map(|(_, query)| query));
    Cow::Owned(url)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_invalid_url_says_how_to_write_it() {
        let message = |text| parse_url(text).unwrap_err().to_string();
        assert_eq!(message("localhost:3000"), "invalid URL `localhost:3000`: use http://localhost:3000");
        assert_eq!(message("/hooks"), "invalid URL `/hooks`: relative URL without a base; use http://HOST:PORT/PATH");
        assert_eq!(message("ftp://a/"), "invalid URL `ftp://a/`: only http:// and https:// are supported");
    }

    #[test]
    fn the_query_of_the_request_is_appended() {
        let url = Url::parse("http://localhost:3000/hooks?a=b").unwrap();
        assert_eq!(with_query_of(&url, "/x?token=1").as_str(), "http://localhost:3000/hooks?a=b&token=1");
        assert_eq!(with_query_of(&url, "/x").as_str(), "http://localhost:3000/hooks?a=b");
        assert_eq!(path_and_query(&with_query_of(&url, "/x?c")), "/hooks?a=b&c");
    }

    #[test]
    fn the_request_does_not_replace_a_parameter_of_the_url() {
        let url = Url::parse("http://localhost:3000/hooks?token=mine&b").unwrap();
        let joined = with_query_of(&url, "/x?token=1&c=%2F+&%74oken=2&b=3&tokens=4&token");
        assert_eq!(path_and_query(&joined), "/hooks?token=mine&b&c=%2F+&tokens=4");
    }
}
