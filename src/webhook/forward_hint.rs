//! What to do about a handler's response, judging by its body, else by its status.

use std::borrow::Cow;

use url::Url;

use super::{
    delivery::Media,
    record::{Delivery, Forwarded},
    redact,
    request::Headers,
    response::{
        Clue,
        clue::{RAISE_LIMIT, clue},
        form_clue::{ENCODINGS, unexplained},
    },
    words::REDACTED,
};

/// What the failure of a forward reveals. Nothing, if a handler rightly rejects an invalid delivery.
#[must_use]
pub fn clue_of(forwarded: &Forwarded, sent: Option<Media>, headers: Option<&Headers>, is_valid: bool) -> Option<Clue> {
    let response = forwarded.outcome.as_ref().ok()?;
    let clue = clue(response, sent, headers).or_else(|| unexplained(response, sent));
    clue.filter(|clue| is_valid || !clue.only_if_valid)
}

/// What to do about a forward whose response is not a success; `None` if nothing is known. For a resend, `delivery` is
/// `None`.
#[must_use]
pub fn advice(forwarded: &Forwarded, delivery: Option<&Delivery>) -> Option<String> {
    let response = forwarded.outcome.as_ref().ok()?;
    if (200..300).contains(&response.status) {
        return None;
    }
    let sent = delivery.and_then(|delivery| Media::named(&delivery.request.media_type()?));
    let headers = delivery.map(|delivery| &delivery.request.headers);
    let is_valid = delivery.is_some_and(|delivery| delivery.assessment.trust().is_some());
    clue_of(forwarded, sent, headers, is_valid).map(|clue| clue.advice.into_owned()).or_else(|| hint(forwarded))
}

/// What to do about a forward whose response has a status that shows the cause.
#[must_use]
pub fn hint(forwarded: &Forwarded) -> Option<String> {
    let response = forwarded.outcome.as_ref().ok()?;
    let url = Url::parse(&forwarded.url).ok()?;
    let path = url.path();
    let header = |name| response.headers.get(name).and_then(|value| value.to_str().ok());
    match response.status {
        300..=399 => {
            let location = header("location")?;
            let target = url.join(location).ok()?;
            Some(login(&url, &target).unwrap_or_else(|| {
                let target = if location == REDACTED {
                    Cow::Borrowed("the URL in its Location header")
                } else {
                    redact::tokens(target.as_str())
                };
                format!("providers don't follow redirects, and neither does hookdev: forward to {target}")
            }))
        }
        404 => {
            Some(format!("your handler has no route for {path}: check the path of the URL, and the handler's routes"))
        }
        405 => {
            let allowed = header("allow").map(|allowed| format!(", only {allowed}")).unwrap_or_default();
            Some(format!(
                "your handler's route for {path} does not take this method{allowed}: check the path of the URL"
            ))
        }
        413 => Some(RAISE_LIMIT.to_owned()),
        415 => Some(ENCODINGS.to_owned()),
        _ => None,
    }
}

/// What to do about a handler at `url` that redirects deliveries to `location`; `None` if that isn't a URL.
#[must_use]
pub fn redirected(url: &Url, location: &str) -> Option<String> {
    let target = url.join(location).ok()?;
    let path = |url: &Url| url.path().trim_end_matches('/').to_owned();
    let advice = if path(url) == path(&target) {
        "give the provider that URL, or respond at this one without a redirect"
    } else {
        "respond at this URL without a redirect, which is for browsers; if the route has moved, give the provider that one"
    };
    Some(
        login(url, &target)
            .unwrap_or_else(|| format!("your handler redirects to {}: {advice}", redact::tokens(target.as_str()))),
    )
}

/// What to do about a redirect to a login; `None` if it leads elsewhere.
fn login(url: &Url, target: &Url) -> Option<String> {
    let path = url.path();
    is_login(target).then(|| {
        format!(
            "your handler redirects to its login page: exempt {path} from authentication, and verify the signature there"
        )
    })
}

/// Whether a URL leads to a login, judging by its path.
fn is_login(url: &Url) -> bool {
    const NAMES: [&str; 8] = ["login", "log-in", "signin", "sign-in", "sign_in", "sso", "oauth", "authorize"];
    let mut segments = url.path_segments().into_iter().flatten();
    segments.any(|segment| NAMES.contains(&segment.to_ascii_lowercase().as_str()))
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::webhook::{
        record::Response,
        request::{HeaderName, HeaderValue, Headers},
    };

    fn of(status: u16, headers: &[(&'static str, &'static str)]) -> Option<String> {
        let field = |&(name, value)| (HeaderName::from_static(name), HeaderValue::from_static(value));
        let headers: Headers = headers.iter().map(field).collect();
        let response = Response { status, headers, body: Vec::new().into() };
        let url = "http://localhost:3000/hooks?a=b".to_owned();
        hint(&Forwarded { url, outcome: Ok(response), elapsed: Duration::ZERO })
    }

    #[test]
    fn a_status_that_reveals_the_cause_has_a_hint() {
        let hint = |status, headers| of(status, headers).unwrap();
        assert_eq!(
            hint(404, &[]),
            "your handler has no route for /hooks: check the path of the URL, and the handler's routes"
        );
        let not_allowed = "your handler's route for /hooks does not take this method";
        assert_eq!(hint(405, &[]), format!("{not_allowed}: check the path of the URL"));
        let allowed = format!("{not_allowed}, only GET, HEAD: check the path of the URL");
        assert_eq!(hint(405, &[("allow", "GET, HEAD")]), allowed);
        assert_eq!(
            hint(308, &[("location", "/hooks/")]),
            "providers don't follow redirects, and neither does hookdev: forward to http://localhost:3000/hooks/"
        );
        let login = "your handler redirects to its login page: exempt /hooks from authentication, and verify the signature there";
        // Where Django, Rails with Devise, and Auth.js send requests that nobody is logged in for.
        for location in ["/accounts/login/?next=/hooks", "/users/sign_in", "https://app.example.com/api/auth/signin"] {
            assert_eq!(of(302, &[("location", location)]).as_deref(), Some(login));
        }
        assert!(hint(413, &[]).starts_with("raise the limit"));
        assert!(hint(415, &[]).starts_with("parse the body by its media type"));
        assert_eq!([of(200, &[]), of(304, &[]), of(500, &[])], [None, None, None]);
    }

    #[test]
    fn a_redirect_to_the_same_path_is_a_matter_of_the_url() {
        let to = |location: &str| redirected(&Url::parse("http://h/hooks").unwrap(), location).unwrap();
        for (location, advice) in [
            ("/hooks/", "http://h/hooks/: give the provider that URL"),
            ("https://h/hooks", "https://h/hooks: give the provider that URL"),
            ("/thanks", "http://h/thanks: respond at this URL without a redirect"),
        ] {
            let said = to(location);
            assert!(said.starts_with(&format!("your handler redirects to {advice}")), "{said}");
        }
    }
}
