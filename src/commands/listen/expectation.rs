//! What `listen` waits for as a step of a test: events by name or glob, and a number of deliveries.

use glob::Pattern;

use crate::{
    commands::{context::Context, exit::Failure, resolve::pattern},
    webhook::{nearest, record::Delivery},
};

/// What is still expected.
#[derive(Clone, Debug, Default)]
pub struct Expectations {
    events: Vec<Expected>,
    count: Option<Expected>,
}

#[derive(Clone, Debug)]
struct Expected {
    event: Pattern,
    wanted: u64,
    seen: u64,
}

impl Expected {
    const fn met(&self) -> bool {
        self.seen >= self.wanted
    }
}

impl Expectations {
    /// Reads `EVENT[=N]` texts and a count.
    ///
    /// # Errors
    ///
    /// When a number or a glob is none, or an event is of a provider that is not known.
    pub fn parse(context: &Context, events: &[String], count: Option<u64>) -> Result<Self, Failure> {
        let expected = |text: &String| {
            let (event, wanted) = match text.split_once('=') {
                Some((event, number)) => match number.parse() {
                    Ok(number @ 1..) => (event, number),
                    _ => return Err(Failure::usage(format!("--expect {text}: `{number}` is no number of deliveries"))),
                },
                None => (text.as_str(), 1),
            };
            check_name(context, event)?;
            Ok(Expected { event: pattern(event)?, wanted, seen: 0 })
        };
        let any = |wanted| Expected { event: Pattern::default(), wanted, seen: 0 };
        Ok(Self { events: events.iter().map(expected).collect::<Result<_, _>>()?, count: count.map(any) })
    }

    /// Counts a delivery, if it is verified or unsigned by design.
    pub fn count(&mut self, delivery: &Delivery) {
        if !delivery.assessment.verdict.is_genuine() {
            return;
        }
        for expected in self.events.iter_mut().filter(|expected| expected.event.matches(delivery.assessment.title())) {
            expected.seen += 1;
        }
        if let Some(count) = &mut self.count {
            count.seen += 1;
        }
    }

    /// Whether something was expected, and all of it has come.
    pub fn met(&self) -> bool {
        let mut all = self.events.iter().chain(&self.count).peekable();
        all.peek().is_some() && all.all(Expected::met)
    }

    /// What has not come yet, in words.
    pub fn missing(&self) -> Vec<String> {
        let unmet = |expected: &&Expected| !expected.met();
        let mut missing: Vec<String> = self
            .events
            .iter()
            .filter(unmet)
            .map(|expected| format!("{} ({} of {} came)", expected.event, expected.seen, expected.wanted))
            .collect();
        missing.extend(
            self.count.iter().filter(unmet).map(|count| format!("{} deliveries ({} came)", count.wanted, count.seen)),
        );
        missing
    }
}

/// A provider may send events outside the list, so that only a wrong provider is surely a mistake.
fn check_name(context: &Context, event: &str) -> Result<(), Failure> {
    let is_glob = event.contains(['*', '?', '[']);
    if is_glob || context.catalog.event(event).is_some() {
        return Ok(());
    }
    let near = context.catalog.nearest_events(event);
    let hint = if near.is_empty() {
        "`hookdev events` lists them all".to_owned()
    } else {
        format!("did you mean {}?", near.join(", "))
    };
    let provider = event.split('.').next().unwrap_or_default();
    if context.catalog.contains(provider) && event.contains('.') {
        context.terminal.warn(&format!("`{event}` is not in the list of events; {hint}"));
        return Ok(());
    }
    Err(Failure::usage(nearest::unknown("event", event, [])).hint(hint))
}
