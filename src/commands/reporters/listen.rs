//! The messages of `hookdev listen` other than its deliveries: where it listens, what goes wrong meanwhile, and the
//! summary at the end.

use std::{sync::Arc, thread, time::Duration};

use crate::{
    commands::{names::MAX_LISTED, reporters::warnings::WarningSink, terminal::Terminal},
    engine::receive::{Forward, MissedDeliveries, ReceiverSettings, SaveChange, VerdictCounts},
    net::receiver::ReceiveError,
    render::{
        diagnostic::{DiagnosticStream, inline},
        flow::Flow,
    },
    webhook::{provider::catalog::Catalog, redact, time::words},
};

/// Prints on standard error where to send deliveries, and where they are forwarded; with `redact`, without the values
/// in URL queries. `send_to` is the URL to give to `send`, if it wouldn't deliver here by default.
pub fn announce(
    terminal: Terminal,
    settings: &ReceiverSettings,
    url: &str,
    send_to: Option<&str>,
    redact: bool,
    has_keys: bool,
) {
    let keys = if has_keys { ", ? for keys" } else { "" };
    let (stream, mut text) = (terminal.stream(), String::new());
    let mut first = Flow::new(stream.palette, stream.columns, 2, &mut text);
    first.text(None, &format!("Listening on {url} (Ctrl-C to stop{keys})"));
    first.end();
    let mut detail = |words: &str, command: &str| push_detail(stream, words, command, &mut text);
    match &settings.provider {
        Some(provider) => {
            detail(&format!("every request is treated as coming from {}", inline(&provider.title)), "");
        }
        None => urls(&settings.catalog, url).iter().for_each(|line| detail(line, "")),
    }
    let shown = if redact { redact::query } else { redact::tokens };
    for Forward { events, url } in &settings.forwards {
        detail(&format!("forwards {} to {}", inline(events.as_str()), shown(url.as_str())), "");
    }
    let event = settings.provider.as_deref();
    let event = event.or_else(|| settings.catalog.example()?.load().ok().map(Arc::as_ref));
    let event = event.and_then(|provider| Some((&provider.name, &provider.events.first()?.full_name)));
    if let (Some(send_to), Some((provider, event))) = (send_to, event) {
        detail("to send here:", &format!("hookdev send {event} --to {send_to}/{provider}"));
    }
    terminal.say(&text);
}

/// Appends an indented line: words that wrap, and a command that doesn't, so that it can be copied.
fn push_detail(stream: DiagnosticStream, words: &str, command: &str, out: &mut String) {
    let mut line = Flow::new(stream.palette, stream.columns, 4, out);
    line.gap(2).text(None, words);
    if !command.is_empty() {
        line.gap(1).whole(None, command);
    }
    line.end();
}

/// The URL of each provider, one per line, or their pattern if there are many.
fn urls(catalog: &Catalog, url: &str) -> Vec<String> {
    let names: Vec<&str> = catalog.usable().map(|entry| entry.name()).collect();
    match catalog.example() {
        Some(example) if names.len() > MAX_LISTED => {
            let (count, example) = (names.len(), example.name());
            vec![format!("{url}/PROVIDER, such as {url}/{example}; `hookdev providers` lists the {count} providers")]
        }
        _ => names.iter().map(|name| format!("{url}/{name}")).collect(),
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

/// A line for each handler that missed deliveries; with `redact`, without the values in the URLs' queries.
pub fn not_delivered(missed: &[MissedDeliveries], redact: bool) -> String {
    let shown = if redact { redact::query } else { redact::tokens };
    let line = |MissedDeliveries { url, missed, total }: &MissedDeliveries| {
        let deliveries = if *total == 1 { "delivery" } else { "deliveries" };
        format!("{missed} of {total} {deliveries} not delivered to {}\n", shown(url))
    };
    missed.iter().map(line).collect()
}

/// Prints on standard error how many deliveries in progress the shutdown waits for, or else how many forwards whose
/// deliveries have their responses already. Uses a thread of its own, because printing blocks if nobody reads standard
/// error.
pub fn report_in_progress(terminal: Terminal, deliveries: usize, forwards: usize) {
    let what = match (deliveries, forwards) {
        (0, 0) => return,
        (0, 1) => "1 forward",
        (0, many) => &format!("{many} forwards"),
        (1, _) => "1 delivery",
        (many, _) => &format!("{many} deliveries"),
    };
    let them = if what.starts_with("1 ") { "it" } else { "them" };
    let message = format!("waiting for {what} in progress; press Ctrl-C again to cancel {them}");
    thread::spawn(move || terminal.note(&message));
}

/// Reports that captures can't be saved in this path, or can be saved again.
pub fn report_saving(warnings: &WarningSink, path: &str, change: SaveChange) {
    match change {
        SaveChange::Failing(reason) => {
            warnings.warn(format!(
                "can't save captures in {path}: {reason}; responding 503 until it works, so that senders try again"
            ));
        }
        SaveChange::Recovered(0) => warnings.note("captures can be saved again".to_owned()),
        SaveChange::Recovered(1) => warnings.note("captures can be saved again; 1 delivery was not saved".to_owned()),
        SaveChange::Recovered(count) => {
            warnings.note(format!("captures can be saved again; {count} deliveries were not saved"));
        }
    }
}

/// The warning that the output, which is the only capture, has not been read for this long.
pub fn unread_output(time: Duration) -> String {
    format!(
        "nothing has read the output for {}; responding 503 until it is read, so that senders try again",
        words(time)
    )
}

/// The warning about a problem outside a delivery.
pub fn warning(error: &ReceiveError) -> String {
    match error {
        ReceiveError::BodyTooLarge { .. } => format!("{error}; raise the limit with --max-body"),
        _ => error.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::render::palette::Palette;

    #[test]
    fn a_detail_wraps_between_words_and_keeps_a_command_whole() {
        let mut out = String::new();
        let stream = DiagnosticStream { palette: Palette::new(false), columns: Some(20) };
        push_detail(stream, "lists the 53 providers", "", &mut out);
        push_detail(stream, "to send here:", "hookdev send a.b --to http://h/", &mut out);
        let expected = "  lists the 53\n    providers\n  to send here:\n    hookdev send a.b --to http://h/\n";
        assert_eq!(out, expected);
    }

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

    #[test]
    fn each_handler_that_missed_deliveries_has_a_line() {
        let missed = |missed, total| MissedDeliveries { url: "http://h/?own=s3cr3t".to_owned(), missed, total };
        let expected = "2391 of 12000 deliveries not delivered to http://h/?own=[redacted]\n";
        assert_eq!(not_delivered(&[missed(2391, 12000)], true), expected);
        let expected = "1 of 1 delivery not delivered to http://h/?own=s3cr3t\n";
        assert_eq!(not_delivered(&[missed(1, 1)], false), expected);
    }
}
