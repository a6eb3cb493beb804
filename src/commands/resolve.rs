//! Parses arguments and values from the config: globs, providers, headers, endpoints, forwards.

use std::sync::Arc;

use glob::Pattern;
use reqwest::Url;

use super::{
    address::{DEFAULT_ADDR, configured_addr},
    context::{Context, Needed},
    exit::Failure,
};
use crate::{
    engine::receive::{DeliveryExpectation, DeliveryExpectations, Forward},
    net::{client::is_hop_by_hop, url::parse_url},
    store::formats::bare,
    webhook::{
        assessment::Assessment,
        nearest,
        provider::{Provider, catalog::Catalog},
        redact,
        request::Headers,
    },
};

/// Parses a forward, `[GLOB=]URL`.
///
/// # Errors
///
/// If the URL or the glob is invalid.
pub fn forward(text: &str) -> Result<Forward, Failure> {
    if let Some((glob, url)) = text.split_once("->").filter(|(glob, _)| !glob.contains([':', '/', '='])) {
        let shown = redact::invalid_url(url);
        return Err(Failure::usage(format!("a forward has no `->`: write {glob}={shown}")));
    }
    // A URL may contain `=` too. One without a scheme must not be split into a glob and a URL in a message, because its
    // query may contain a token.
    let is_url = |glob: &str, rest: &str| glob.contains("://") || !rest.contains("://") && glob.contains(['/', '@']);
    match text.split_once('=').filter(|(glob, rest)| !is_url(glob, rest)) {
        Some((glob, url)) => forward_of(glob, url),
        None => forward_of("*", text),
    }
}

/// A forward of the events that match a glob.
///
/// # Errors
///
/// If the URL or the glob is invalid.
pub fn forward_of(events: &str, url: &str) -> Result<Forward, Failure> {
    if events.is_empty() {
        let shown = redact::invalid_url(url);
        let message = format!("the forward to {shown} names no event: write EVENT=URL, or the URL alone for all");
        return Err(Failure::usage(message));
    }
    Ok(Forward { events: pattern(events)?, url: parse_url(url)? })
}

/// Expands a glob that is only a provider's name, so that it matches all of the provider's events.
pub fn all_of_provider(catalog: &Catalog, forward: Forward) -> Forward {
    let events = forward.events.as_str();
    let all = catalog.contains(events).then(|| Pattern::new(&format!("{events}.*")).ok()).flatten();
    Forward { events: all.unwrap_or(forward.events), ..forward }
}

/// Parses the `EVENT[=N]` arguments of `--expect`, and adds `--count`.
///
/// # Errors
///
/// If a number or a glob is invalid, or the provider of an event is unknown.
pub fn expectations(context: &Context, events: &[String], count: Option<u64>) -> Result<DeliveryExpectations, Failure> {
    let parse = |text: &String| {
        let (event, wanted) = match text.split_once('=') {
            Some((event, number)) => match number.parse() {
                Ok(number @ 1..) => (event, number),
                _ => return Err(Failure::usage(format!("invalid --expect `{text}`: `{number}` isn't a count"))),
            },
            None => match text.rsplit_once(':') {
                Some((event, number)) if context.catalog.has_event(event) && number.parse::<u64>().is_ok() => {
                    let problem = format!("invalid --expect `{text}`: write {event}={number}");
                    return Err(Failure::usage(problem));
                }
                _ => (text.as_str(), 1),
            },
        };
        check_event(context, event)?;
        Ok(DeliveryExpectation { events: Some(pattern(event)?), wanted })
    };
    let count = count.map(|wanted| Ok(DeliveryExpectation { events: None, wanted }));
    events.iter().map(parse).chain(count).collect()
}

/// Checks the name of an expected event. Providers may send events that hookdev doesn't know, so only an unknown
/// provider is an error.
fn check_event(context: &Context, event: &str) -> Result<(), Failure> {
    context.require(Needed::Named(event))?;
    let is_glob = event.contains(['*', '?', '[']);
    if is_glob || context.catalog.has_event(event) {
        return Ok(());
    }
    let near = context.catalog.nearest_events(event);
    let hint = if near.is_empty() {
        "`hookdev events` lists all events".to_owned()
    } else {
        format!("did you mean {}?", near.join(", "))
    };
    let provider = event.split('.').next().unwrap_or_default();
    if context.catalog.contains(provider) && event.contains('.') {
        context.terminal.warn(format!("`{event}` is not a known event; {hint}"));
        return Ok(());
    }
    Err(Failure::usage(nearest::unknown("event", event, [])).hint(hint))
}

/// Parses a glob of event names.
///
/// # Errors
///
/// If it is invalid.
pub fn pattern(glob: &str) -> Result<Pattern, Failure> {
    Pattern::new(glob)
        .map_err(|error| Failure::usage(format!("invalid glob `{glob}`: {} at character {}", error.msg, error.pos + 1)))
}

/// The provider with this name.
///
/// # Errors
///
/// If there is none, with the nearest name as a suggestion, or it can't be loaded.
pub fn provider(catalog: &Catalog, name: &str) -> Result<Arc<Provider>, Failure> {
    match catalog.entry(name) {
        Some(entry) => Ok(Arc::clone(entry.load()?)),
        None => Err(Failure::usage(nearest::unknown("provider", name, catalog.names()))),
    }
}

/// Parses the `K: V` arguments of `--header`.
///
/// # Errors
///
/// If one of them isn't a header, or names a header that the connection sets.
pub fn headers(texts: &[String]) -> Result<Headers, Failure> {
    let headers: Headers = texts
        .iter()
        .map(|text| bare::header(text))
        .collect::<Result<_, _>>()
        .map_err(|error| Failure::usage(error.to_string()))?;
    if headers.all("host").nth(1).is_some() {
        return Err(Failure::usage("--header: a request has at most one `host`"));
    }
    match headers.iter().map(|(name, _)| name.as_str()).find(|name| is_hop_by_hop(name)) {
        Some(name) => {
            let message = format!("--header: `{name}` is set by the connection");
            Err(Failure::usage(message).hint("hookdev sends the whole body with its actual length"))
        }
        None => Ok(headers),
    }
}

/// The URL for a provider's deliveries: the command line's, else the config's endpoint, else the address of `listen`. A
/// found config that decides this is named on standard error.
///
/// # Errors
///
/// If the config has an invalid URL.
pub fn endpoint(context: &Context, to: Option<&Url>, provider: Option<&Provider>) -> Result<Url, Failure> {
    match (to, configured_endpoint(context, provider).map(parse_url)) {
        (Some(url), _) => Ok(url.clone()),
        (None, Some(url)) => {
            context.name_config();
            Ok(url?)
        }
        (None, None) => {
            let addr = configured_addr(context).inspect(|_| context.name_config());
            let addr = addr.as_deref().unwrap_or(DEFAULT_ADDR);
            let path = provider.map_or("", |provider| provider.name.as_str());
            Ok(parse_url(&format!("http://{addr}/{path}"))?)
        }
    }
}

/// Whether a provider's deliveries go to `listen` if the command line has no URL.
pub fn goes_to_listener(context: &Context, provider: Option<&Provider>) -> bool {
    configured_endpoint(context, provider).is_none()
}

fn configured_endpoint<'a>(context: &'a Context, provider: Option<&Provider>) -> Option<&'a str> {
    context.config.as_ref()?.provider(&provider?.name)?.endpoint
}

/// Checks the glob of an option, and warns if it matches no known event. Providers may send events that hookdev doesn't
/// know, so that is not an error.
///
/// # Errors
///
/// If all providers that it can match are broken.
pub fn check_glob(context: &Context, option: &str, glob: &Pattern) -> Result<(), Failure> {
    context.require(Needed::Named(glob.as_str()))?;
    if let Some(warning) = unmatched(&context.catalog, option, glob) {
        context.terminal.warn(&warning);
    }
    Ok(())
}

fn unmatched(catalog: &Catalog, option: &str, glob: &Pattern) -> Option<String> {
    if catalog.matching(glob).next().is_some() || glob.matches(Assessment::UNRECOGNISED) {
        return None;
    }
    let near = match catalog.nearest_events(glob.as_str()).first() {
        _ if catalog.contains(glob.as_str()) => format!("; did you mean {glob}.*?"),
        Some(near) => format!("; did you mean {near}?"),
        None => String::new(),
    };
    Some(format!("{option} `{glob}` matches no known event{near}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_forward_is_a_url_with_or_without_a_glob() {
        let forward = |text| forward(text).map(|forward| (forward.events.to_string(), forward.url.to_string()));
        let url = "http://localhost:3000/hooks?a=b".to_owned();
        assert_eq!(forward("http://localhost:3000/hooks?a=b").unwrap(), ("*".to_owned(), url.clone()));
        assert_eq!(forward("aspect.*=http://localhost:3000/hooks?a=b").unwrap(), ("aspect.*".to_owned(), url));
        assert_eq!(
            forward("a[=http://x/").unwrap_err().message.unwrap(),
            "invalid glob `a[`: invalid range pattern at character 2".into()
        );
        assert_eq!(
            forward("aspect.*->http://u:p@x/").unwrap_err().message.unwrap(),
            "a forward has no `->`: write aspect.*=http://[redacted]@x/".into()
        );
    }

    #[test]
    fn no_error_about_a_forward_shows_a_password_or_a_token() {
        let urls = ["http://user:hunter2@example.com/x?token=hunter2", "user:hunter2@example.com:80/x?token=hunter2"];
        for (url, scheme) in urls.iter().flat_map(|url| ["http", "htp", "http:"].map(|scheme| (url, scheme))) {
            let url = url.replacen("http", scheme, 1);
            for glob in ["", "=", "a[=", "a.*=", "[[=", "*==", "a.*->"] {
                let Err(failure) = forward(&format!("{glob}{url}")) else { continue };
                assert!(!format!("{failure:?}").contains("hunter2"), "{glob}{url}: {failure:?}");
            }
        }
        let message = forward("=http://user:hunter2@h/x?token=hunter2").unwrap_err().message.unwrap().to_string();
        assert_eq!(
            message,
            "the forward to http://[redacted]@h/x?token=[redacted] names no event: write EVENT=URL, or the URL alone for all"
        );
    }

    #[test]
    fn a_glob_that_matches_no_known_event_suggests_the_nearest() {
        let catalog = Catalog::builtin();
        let warning = |glob| unmatched(&catalog, "--filter", &pattern(glob).unwrap());
        assert_eq!(
            warning("cyanit.*").unwrap(),
            "--filter `cyanit.*` matches no known event; did you mean cyanite.v2.finished?"
        );
        assert_eq!(warning("*.nothing").unwrap(), "--filter `*.nothing` matches no known event");
        assert_eq!(warning("aspect").unwrap(), "--filter `aspect` matches no known event; did you mean aspect.*?");
        for glob in ["*", "aspect.*", "cyanite.v2.finished", "*.done", "unrecognised"] {
            assert_eq!(warning(glob), None, "{glob}");
        }
    }
}
