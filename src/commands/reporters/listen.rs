//! What `hookdev listen` says besides its deliveries: where it listens, what goes wrong meanwhile, and the summary at the end.

use std::{sync::Arc, thread};

use crate::{
    commands::{names::MAX_LISTED, reporters::warnings::WarningSink, terminal::Terminal},
    engine::receive::{Forward, SaveChange, Settings, VerdictCounts},
    net::receiver::ReceiveError,
    render::diagnostic::inline,
    webhook::{provider::catalog::Catalog, redact},
};

/// Prints on standard error where to send deliveries, and where they are forwarded; with `redact`, without any value of a
/// URL's query. `send_to` is the URL that `send` needs, if it wouldn't come here by default.
pub fn announce(
    terminal: Terminal,
    settings: &Settings,
    url: &str,
    send_to: Option<&str>,
    redact: bool,
    has_keys: bool,
) {
    let keys = if has_keys { ", ? for keys" } else { "" };
    let mut text = format!("Listening on {url} (Ctrl-C to stop{keys})\n");
    match &settings.provider {
        Some(provider) => {
            text.extend([format!("  every request is treated as coming from {}\n", inline(&provider.title))]);
        }
        None => text.push_str(&urls(&settings.catalog, url)),
    }
    let shown = if redact { redact::query } else { redact::tokens };
    let forwards = settings.forwards.iter();
    text.extend(
        forwards.map(|Forward { events, url }| {
            format!("  forwards {} to {}\n", inline(events.as_str()), shown(url.as_str()))
        }),
    );
    let event = settings.provider.as_deref();
    let event = event.or_else(|| settings.catalog.example()?.load().ok().map(Arc::as_ref));
    let event = event.and_then(|provider| Some((&provider.name, &provider.events.first()?.full_name)));
    if let (Some(send_to), Some((provider, event))) = (send_to, event) {
        text.extend([format!("  to send here: hookdev send {event} --to {send_to}/{provider}\n")]);
    }
    terminal.say(&text);
}

/// The URL of each provider, or how they are made if there are many.
fn urls(catalog: &Catalog, url: &str) -> String {
    let names: Vec<&str> = catalog.names().collect();
    match catalog.example() {
        Some(example) if names.len() > MAX_LISTED => {
            let (count, example) = (names.len(), example.name());
            format!("  {url}/PROVIDER, such as {url}/{example}; `hookdev providers` lists the {count} providers\n")
        }
        _ => names.iter().flat_map(|name| ["  ", url, "/", name, "\n"]).collect(),
    }
}

/// The deliveries of a run by verdict: `12 deliveries: 9 verified, 2 rejected, 1 unsigned`.
pub fn summary(counts: VerdictCounts) -> String {
    let VerdictCounts { verified, development, rejected, unsigned, unrecognised } = counts;
    let named = [
        (verified, "verified"),
        (development, "verified (development)"),
        (rejected, "rejected"),
        (unsigned, "unsigned"),
        (unrecognised, "unrecognised"),
    ];
    let named: Vec<String> =
        named.iter().filter(|(count, _)| *count > 0).map(|(count, name)| format!("{count} {name}")).collect();
    match counts.total() {
        0 => "no deliveries".to_owned(),
        1 => format!("1 delivery: {}", named.join(", ")),
        total => format!("{total} deliveries: {}", named.join(", ")),
    }
}

/// Prints on standard error how many deliveries in progress the shutdown waits for. It uses a thread of its own, since it
/// blocks if nobody reads standard error.
pub fn report_in_progress(terminal: Terminal, count: usize) {
    let message = match count {
        0 => return,
        1 => "waiting for 1 delivery in progress; press Ctrl-C again to cancel it".to_owned(),
        many => format!("waiting for {many} deliveries in progress; press Ctrl-C again to cancel them"),
    };
    thread::spawn(move || terminal.note(&message));
}

/// Reports that captures can't be saved, or can be again.
pub fn report_saving(warnings: &WarningSink, change: SaveChange) {
    match change {
        SaveChange::Failing(reason) => {
            warnings.warn(format!(
                "can't save captures: {reason}; responding 503 until it works, so that senders try again"
            ));
        }
        SaveChange::Recovered(1) => warnings.note("captures can be saved again; 1 delivery was not saved".to_owned()),
        SaveChange::Recovered(count) => {
            warnings.note(format!("captures can be saved again; {count} deliveries were not saved"));
        }
    }
}

/// The warning for a problem outside a delivery.
pub fn warning(error: &ReceiveError) -> String {
    match error {
        ReceiveError::BodyTooLarge { .. } => format!("{error}; raise the limit with --max-body"),
        _ => error.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_summary_names_the_verdicts_that_occurred() {
        let counts = VerdictCounts { verified: 9, rejected: 2, unsigned: 1, ..VerdictCounts::default() };
        assert_eq!(summary(counts), "12 deliveries: 9 verified, 2 rejected, 1 unsigned");
        let counts = VerdictCounts { development: 1, unrecognised: 1, ..VerdictCounts::default() };
        assert_eq!(summary(counts), "2 deliveries: 1 verified (development), 1 unrecognised");
        let counts = VerdictCounts { rejected: 1, ..VerdictCounts::default() };
        assert_eq!(summary(counts), "1 delivery: 1 rejected");
        assert_eq!(summary(VerdictCounts::default()), "no deliveries");
    }
}
