//! What `hookdev listen` prints: where it listens, and each delivery.
//!
//! Standard output belongs to one thread, which takes deliveries from a bounded queue. While nobody reads, the queue fills
//! up. Then deliveries are missed, and their number is printed; where the output is the only capture, responses wait.

use std::{
    borrow::Cow,
    io::{self, Write},
    panic::{self, AssertUnwindSafe},
    sync::Arc,
    thread,
    time::Duration,
};

use glob::Pattern;
use tokio::{runtime::Handle, sync::watch, time::timeout_at};

use crate::{
    cli::{Body, Format, Listen},
    commands::{
        context::Context,
        exit::Failure,
        names::MAX_LISTED,
        remedies,
        reporters::{pause::Pause, status::StatusLine, warnings::WarningSink},
        resolve::{pattern, unmatched},
        terminal::Terminal,
    },
    engine::receive::{Confirmation, Deliveries, Forward, SaveChange, Settings, Update, VerdictCounts, WhenFull},
    net::receiver::ReceiveError,
    render::{
        json::{self, Ready},
        payload,
        pretty::Page,
    },
    webhook::{
        assessment::PayloadCheck,
        provider::catalog::Catalog,
        record::{Delivery, Forwarded},
        redact,
    },
};

/// Which deliveries are printed, and how.
#[derive(Clone, Debug)]
pub struct View {
    pub format: Format,
    pub page: Page,
    /// Whether only deliveries with a problem are printed.
    pub quiet: bool,
    /// Whether JSON contains no credentials.
    pub redact: bool,
    /// The events that are printed; `None` prints all.
    pub filter: Option<Pattern>,
    /// The numbers of the deliveries that are printed as text even if they have no problem; `None` means all.
    pub only: Option<Vec<u64>>,
}

/// The thread that prints deliveries.
#[derive(Debug)]
pub struct Reporter {
    /// `None` while the thread runs, then whether everything was printed.
    result: watch::Receiver<Option<bool>>,
}

/// How long a response waits for a reader of the output, where that is the only capture.
const READ_TIME: Duration = Duration::from_secs(10);

/// How much of a payload is printed unless asked otherwise.
pub const SUMMARY: payload::Limits = payload::Limits { depth: 16, bytes: 8 << 10, lines: 60, token: 1 << 10 };

/// How much output is gathered before it is written, in bytes.
const BATCH_BYTES: usize = 64 << 10;

/// How long the thread pauses once everything is written, so that deliveries in quick succession are written together. To wake it
/// for each of them takes a seventh of all CPU time.
const GATHER_TIME: Duration = Duration::from_millis(1);

/// How long to wait before writing to a full disk again.
const RETRY: Duration = Duration::from_millis(500);

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
        Some(provider) => text.extend([format!("  every request is treated as coming from {}\n", provider.title)]),
        None => text.push_str(&urls(&settings.catalog, url)),
    }
    let shown = if redact { redact::query } else { redact::tokens };
    let forwards = settings.forwards.iter();
    text.extend(forwards.map(|Forward { events, url }| format!("  forwards {events} to {}\n", shown(url.as_str()))));
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
            format!("  {url}/PROVIDER, such as {url}/{example}; `hookdev events` lists the {count} providers\n")
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

/// The capacity of the queue of deliveries to print, and what happens when it is full. JSON is the capture if there is no
/// other (`is_captured`): then the responses wait for their lines.
pub const fn queue(format: Format, is_captured: bool) -> (usize, WhenFull) {
    match format {
        Format::Json if !is_captured => (256, WhenFull::Wait(READ_TIME)),
        _ => (4096, WhenFull::Skip),
    }
}

impl Reporter {
    /// Starts to print deliveries, except while that is paused; as JSON, after a line that says what is ready. Below them is the
    /// status line, if any. Must be called within a runtime.
    pub fn start(
        deliveries: Deliveries,
        view: View,
        terminal: Terminal,
        ready: Ready<'_>,
        status: Option<StatusLine>,
        pause: Pause,
    ) -> Self {
        let (sender, result) = watch::channel(None);
        let mut buffer = Vec::new();
        if view.format == Format::Json {
            json::ready(ready, &mut buffer);
        }
        let mut printer =
            Printer { deliveries, view, terminal, status, pause, buffer, text: String::new(), written: Vec::new() };
        let runtime = Handle::current();
        thread::spawn(move || {
            let complete = match runtime.block_on(printer.run()) {
                Err(error) if error.kind() != io::ErrorKind::BrokenPipe => {
                    terminal.warn(&format!("can't write the output: {error}"));
                    false
                }
                _ => true,
            };
            sender.send_replace(Some(complete));
        });
        Self { result }
    }

    /// Waits until the thread ends: after the last delivery, or when the output is closed. Returns whether
    /// the output could be written.
    pub async fn ended(&self) -> bool {
        let mut result = self.result.clone();
        // An error means that the thread panicked.
        result.wait_for(Option::is_some).await.is_ok_and(|result| *result == Some(true))
    }
}

struct Printer {
    deliveries: Deliveries,
    view: View,
    terminal: Terminal,
    status: Option<StatusLine>,
    pause: Pause,
    buffer: Vec<u8>,
    text: String,
    /// Those whose lines are in the buffer.
    written: Vec<Confirmation>,
}

impl Printer {
    async fn run(&mut self) -> io::Result<()> {
        let mut stdout = self.terminal.stdout();
        self.write(&mut stdout)?;
        while let Some(update) = self.next().await {
            self.pause.ended().await;
            self.print(update);
            while self.buffer.len() < BATCH_BYTES
                && !self.pause.is_set()
                && let Some(update) = self.deliveries.next_queued()
            {
                self.print(update);
            }
            let is_drained = self.buffer.len() < BATCH_BYTES;
            self.write(&mut stdout)?;
            if let Some(status) = &mut self.status {
                status.renew();
            }
            if is_drained && !self.deliveries.are_waited_for() {
                thread::sleep(GATHER_TIME);
            }
        }
        Ok(())
    }

    /// The next update. The status line is renewed meanwhile.
    async fn next(&mut self) -> Option<Update> {
        let Self { deliveries, status, pause, .. } = self;
        let Some(status) = status else { return deliveries.next().await };
        loop {
            match timeout_at(status.next_renewal(), deliveries.next()).await {
                Ok(update) => return update,
                // An editor may have the screen.
                Err(_) if pause.is_set() => status.hide(),
                Err(_) => status.renew(),
            }
        }
    }

    fn print(&mut self, update: Update) {
        let Self { view, text, buffer, terminal, .. } = self;
        view.page.width = terminal.width();
        if !append(buffer, |buffer| view.write(&update, text, buffer)) {
            terminal.warn(&match &update {
                Update::Delivery(published) => {
                    let Delivery { seq, status, .. } = published.delivery();
                    format!("internal error: can't print delivery {seq}; its response was {status}")
                }
                Update::Findings { seq, .. } | Update::Forwards { seq, .. } => {
                    format!("internal error: can't print what became known about delivery {seq}")
                }
                Update::Missed(count) => format!("internal error: can't print that {count} deliveries were missed"),
            });
        }
        if let Update::Delivery(published) = update {
            self.written.push(published.into_confirmation());
        }
    }

    /// Writes the buffer and clears it.
    fn write(&mut self, stdout: &mut impl Write) -> io::Result<()> {
        let terminal = self.terminal;
        let mut reported = false;
        let mut hidden = terminal.hide_bottom_line();
        write_patiently(stdout, &self.buffer, |full| {
            // A warning hides the bottom line itself.
            hidden = None;
            if !reported {
                terminal.warn(&format!("can't write the output: {full}; trying again until there is space"));
            }
            reported = true;
            thread::sleep(RETRY);
        })?;
        drop(hidden);
        if reported {
            terminal.note("the output can be written again");
        }
        self.buffer.clear();
        self.written.drain(..).for_each(Confirmation::confirm);
        Ok(())
    }
}

/// Appends to the buffer and returns true, or removes what was appended if that panics. A bug in rendering must not
/// let a sender end the program.
fn append(buffer: &mut Vec<u8>, write: impl FnOnce(&mut Vec<u8>)) -> bool {
    let before = buffer.len();
    let complete = panic::catch_unwind(AssertUnwindSafe(|| write(buffer))).is_ok();
    if !complete {
        buffer.truncate(before);
    }
    complete
}

/// Writes every byte once. On a full disk it waits and goes on: the deliveries in the buffer already have their
/// responses, and would be lost.
fn write_patiently(out: &mut impl Write, mut bytes: &[u8], mut wait: impl FnMut(&io::Error)) -> io::Result<()> {
    loop {
        let result = if bytes.is_empty() { out.flush().map(|()| 0) } else { out.write(bytes) };
        match result {
            Ok(0) if bytes.is_empty() => return Ok(()),
            Ok(0) => return Err(io::ErrorKind::WriteZero.into()),
            Ok(count) => bytes = &bytes[count..],
            Err(error) => match error.kind() {
                io::ErrorKind::Interrupted => {}
                io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded | io::ErrorKind::FileTooLarge => wait(&error),
                _ => return Err(error),
            },
        }
    }
}

impl View {
    /// Resolves the options of `listen`.
    ///
    /// # Errors
    ///
    /// If `--filter` is not a glob.
    pub fn resolve(context: &Context, args: &Listen) -> Result<Self, Failure> {
        let filter = args.filter.as_deref().map(pattern).transpose()?;
        if let Some(warning) = filter.as_ref().and_then(|filter| unmatched(&context.catalog, "--filter", filter)) {
            context.terminal.warn(&warning);
        }
        let quiet = context.global.quiet;
        let page = context.terminal.page(payload_limits(args.body, quiet));
        let page = Page { verbose: args.verbose, ..page };
        Ok(Self { format: context.format(), page, quiet, redact: args.redact, filter, only: None })
    }

    fn write(&self, update: &Update, text: &mut String, buffer: &mut Vec<u8>) {
        text.clear();
        match update {
            Update::Delivery(published) => self.delivery(published.delivery(), text, buffer),
            Update::Findings { seq, titles, findings } if self.matches(titles.iter().map(String::as_str)) => {
                match self.format {
                    Format::Json => json::findings(*seq, findings, remedies::words, buffer),
                    _ => self.page.explained(*seq, findings, text),
                }
            }
            Update::Forwards { seq, titles, forwards, warning } if self.matches(titles.iter().map(String::as_str)) => {
                if self.quiet && warning.is_none() && forwards.iter().all(is_accepted) {
                    return;
                }
                let mut forwards = Cow::Borrowed(forwards);
                if self.redact {
                    forwards.to_mut().iter_mut().for_each(|forwarded| *forwarded = redact::forwarded(forwarded));
                }
                match self.format {
                    Format::Json => json::forwards(*seq, &forwards, warning.as_ref(), remedies::words, buffer),
                    _ => self.page.forwarded_later(*seq, &forwards, warning.as_ref(), text),
                }
            }
            Update::Findings { .. } | Update::Forwards { .. } => {}
            Update::Missed(count) => match self.format {
                Format::Json => json::missed(*count, buffer),
                _ => self.page.missed(*count, text),
            },
        }
        buffer.extend_from_slice(text.as_bytes());
    }

    fn delivery(&self, delivery: &Delivery, text: &mut String, buffer: &mut Vec<u8>) {
        if !self.matches(delivery.assessment.titles()) || self.quiet && is_good(delivery) {
            return;
        }
        let delivery = if self.redact { Cow::Owned(redact::delivery(delivery)) } else { Cow::Borrowed(delivery) };
        match self.format {
            Format::Json => json::delivery(&delivery, remedies::words, buffer),
            _ if self.is_left_out(&delivery) => {}
            _ => self.page.delivery(&delivery, text),
        }
    }

    fn is_left_out(&self, delivery: &Delivery) -> bool {
        self.only.as_ref().is_some_and(|only| !only.contains(&delivery.seq)) && is_good(delivery)
    }

    fn matches<'a>(&self, mut titles: impl Iterator<Item = &'a str>) -> bool {
        self.filter.as_ref().is_none_or(|filter| titles.any(|title| filter.matches(title)))
    }
}

/// How much of a payload is printed. `--quiet` prints none: the lines above the payload say what went wrong.
const fn payload_limits(body: Body, quiet: bool) -> Option<payload::Limits> {
    match body {
        Body::Full if !quiet => Some(payload::Limits { bytes: 1 << 20, ..payload::Limits::FULL }),
        Body::Summary if !quiet => Some(SUMMARY),
        Body::Full | Body::Summary | Body::None => None,
    }
}

/// Whether `--quiet` hides a delivery: one that is verified or unsigned by design, valid, saved and forwarded.
fn is_good(delivery: &Delivery) -> bool {
    delivery.assessment.trust().is_some()
        && !matches!(delivery.assessment.payload, PayloadCheck::Invalid(_))
        && delivery.capture_error.is_none()
        && delivery.forwards.iter().all(is_accepted)
}

fn is_accepted(forwarded: &Forwarded) -> bool {
    forwarded.outcome.as_ref().is_ok_and(|response| response.status < 300)
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

    #[test]
    fn quiet_prints_no_payload() {
        let all = [Body::Full, Body::Summary, Body::None];
        assert_eq!(all.map(|body| payload_limits(body, false).is_some()), [true, true, false]);
        assert_eq!(all.map(|body| payload_limits(body, true).is_some()), [false; 3]);
    }

    /// Accepts three bytes at a time; each call fails first if the script says so.
    struct Disk {
        failures: Vec<Option<io::ErrorKind>>,
        written: Vec<u8>,
    }

    impl Disk {
        fn step(&mut self) -> io::Result<()> {
            match self.failures.pop().flatten() {
                Some(kind) => Err(kind.into()),
                None => Ok(()),
            }
        }
    }

    impl Write for Disk {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            self.step()?;
            let count = bytes.len().min(3);
            self.written.extend_from_slice(&bytes[..count]);
            Ok(count)
        }

        fn flush(&mut self) -> io::Result<()> {
            self.step()
        }
    }

    /// What was written, how many times it waited, and the result.
    fn written(failures: &[Option<io::ErrorKind>]) -> (String, usize, Result<(), io::ErrorKind>) {
        let failures = failures.iter().rev().copied().collect();
        let (mut disk, mut waits) = (Disk { failures, written: Vec::new() }, 0);
        let result = write_patiently(&mut disk, b"abcdefgh", |_| waits += 1);
        (String::from_utf8(disk.written).unwrap(), waits, result.map_err(|error| error.kind()))
    }

    #[test]
    fn a_full_disk_is_waited_for_and_gets_every_byte_once() {
        let full = Some(io::ErrorKind::StorageFull);
        assert_eq!(written(&[]), ("abcdefgh".to_owned(), 0, Ok(())));
        assert_eq!(written(&[full, None, full, full, None, None, full]), ("abcdefgh".to_owned(), 4, Ok(())));
        assert_eq!(written(&[None, Some(io::ErrorKind::Interrupted)]), ("abcdefgh".to_owned(), 0, Ok(())));
    }

    #[test]
    fn output_that_panics_is_removed() {
        let mut buffer = b"one ".to_vec();
        assert!(!append(&mut buffer, |buffer| {
            buffer.extend_from_slice(b"tw");
            panic!("on purpose");
        }));
        assert!(append(&mut buffer, |buffer| buffer.extend_from_slice(b"three")));
        assert_eq!(buffer, b"one three");
    }

    #[test]
    fn other_errors_are_returned() {
        let closed = io::ErrorKind::BrokenPipe;
        assert_eq!(written(&[None, Some(closed)]), ("abc".to_owned(), 0, Err(closed)));
    }
}
