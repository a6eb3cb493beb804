//! Parts of request URLs.

use reqwest::Url;

/// The URL with the query of a request target appended to its own.
#[must_use]
pub fn with_query_of(url: &Url, target: &str) -> Url {
    let mut url = url.clone();
    if let Some((_, query)) = target.split_once('?') {
        let joined = match url.query() {
            Some(own) if !own.is_empty() => format!("{own}&{query}"),
            _ => query.to_owned(),
        };
        url.set_query(Some(&joined));
    }
    url
}

/// The path and query of a URL, which are the target of a request line.
#[must_use]
pub fn path_and_query(url: &Url) -> String {
    url.query().map_or_else(|| url.path().to_owned(), |query| format!("{}?{query}", url.path()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_query_of_the_request_is_appended() {
        let url = Url::parse("http://localhost:3000/hooks?a=b").unwrap();
        assert_eq!(with_query_of(&url, "/x?token=1").as_str(), "http://localhost:3000/hooks?a=b&token=1");
        assert_eq!(with_query_of(&url, "/x").as_str(), "http://localhost:3000/hooks?a=b");
        assert_eq!(path_and_query(&with_query_of(&url, "/x?c")), "/hooks?a=b&c");
    }
}
