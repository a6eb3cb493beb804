//! Which deliveries `hookdev listen` prints, and how: as text or as lines of JSON.

use std::borrow::Cow;

use glob::Pattern;

use crate::{
    cli::{BodyDetail, FormatArg, ListenArgs},
    commands::{
        context::Context,
        exit::Failure,
        remedies,
        resolve::{check_glob, pattern},
    },
    engine::receive::{LateForwards, Update},
    render::{json, payload, pretty::Page},
    webhook::{assessment::PayloadCheck, record::Delivery, redact},
};

/// Which deliveries are printed, and how.
#[derive(Clone, Debug)]
pub struct View {
    pub format: FormatArg,
    pub page: Page,
    /// Whether only deliveries with a problem are printed.
    pub quiet: bool,
    /// Whether credentials are redacted in JSON.
    pub redact: bool,
    /// The events that are printed; `None` prints all.
    pub filter: Option<Pattern>,
    /// The numbers of the deliveries that are printed as text, in addition to those with a problem; `None` means all.
    pub only: Option<Vec<u64>>,
}

/// How much of a payload is printed by default.
pub const SUMMARY: payload::BodyLimits = payload::BodyLimits { depth: 16, bytes: 8 << 10, lines: 60, token: 1 << 10 };

/// The lines of a screen reserved for what is above and below a payload.
const LINES_AROUND_PAYLOAD: usize = 8;

/// The minimum number of payload lines printed on a small screen.
const MIN_LINES: usize = 10;

impl View {
    /// Fits the output to the terminal's current size: a payload that isn't printed whole leaves room for the rest of
    /// its delivery.
    pub(super) fn fit(&mut self, width: Option<usize>, height: Option<usize>) {
        self.page.width = width;
        let summary = self.page.body.as_mut().filter(|limits| limits.bytes == SUMMARY.bytes);
        if let (Some(limits), Some(height)) = (summary, height) {
            limits.lines = height.saturating_sub(LINES_AROUND_PAYLOAD).clamp(MIN_LINES, SUMMARY.lines);
        }
    }

    /// Resolves the options of `listen`.
    ///
    /// # Errors
    ///
    /// If `--filter` is not a glob, or all providers that it can match are broken.
    pub fn resolve(context: &Context, args: &ListenArgs) -> Result<Self, Failure> {
        let filter = args.filter.as_deref().map(pattern).transpose()?;
        if let Some(filter) = &filter {
            check_glob(context, "--filter", filter)?;
        }
        let quiet = context.global.quiet;
        let page = context.terminal.page(payload_limits(args.body, quiet));
        let page = Page { verbose: args.verbose, ..page };
        Ok(Self { format: context.format(), page, quiet, redact: args.redact, filter, only: None })
    }

    /// Appends an update to the buffer as JSON, or replaces the text with it.
    pub(super) fn write(&self, update: &Update, text: &mut String, buffer: &mut Vec<u8>) {
        text.clear();
        match update {
            Update::Delivery(published) => self.delivery(published.delivery(), text, buffer),
            Update::Findings { seq, titles, findings } if self.matches(titles.iter().map(String::as_str)) => {
                let findings = if self.redact { &redact::findings(findings) } else { findings };
                match self.format {
                    FormatArg::Json => json::findings(*seq, findings, remedies::words, buffer),
                    _ => self.page.explained(*seq, findings, text),
                }
            }
            Update::Forwards { delivery, results } => self.forwards(delivery.delivery(), results, text, buffer),
            Update::Findings { .. } => {}
            Update::Missed(count) => match self.format {
                FormatArg::Json => json::missed(*count, buffer),
                _ => self.page.missed(*count, text),
            },
        }
    }

    fn delivery(&self, delivery: &Delivery, text: &mut String, buffer: &mut Vec<u8>) {
        if self.matches(delivery.assessment.titles()) && !self.hides(delivery) {
            self.push(delivery, text, buffer);
        }
    }

    fn push(&self, delivery: &Delivery, text: &mut String, buffer: &mut Vec<u8>) {
        let delivery = if self.redact { Cow::Owned(redact::delivery(delivery)) } else { Cow::Borrowed(delivery) };
        match self.format {
            FormatArg::Json => json::delivery(&delivery, remedies::words, buffer),
            _ => self.page.delivery(&delivery, text),
        }
    }

    /// Appends later results. If the delivery was hidden until one of them showed a problem, it comes first.
    fn forwards(&self, delivery: &Delivery, results: &LateForwards, text: &mut String, buffer: &mut Vec<u8>) {
        let is_hidden = self.hides(delivery) && !results.is_after_problem;
        if !self.matches(delivery.assessment.titles()) || (self.quiet || is_hidden) && !results.have_problem() {
            return;
        }
        if is_hidden {
            self.push(delivery, text, buffer);
        }
        let LateForwards { forwards, warning, .. } = results;
        let mut forwards = Cow::Borrowed(forwards);
        if self.redact {
            forwards.to_mut().iter_mut().for_each(|forwarded| *forwarded = redact::forwarded(forwarded));
        }
        match self.format {
            FormatArg::Json => json::forwards(delivery.seq, &forwards, warning.as_ref(), remedies::words, buffer),
            _ => self.page.forwarded_later(delivery, &forwards, warning.as_ref(), text),
        }
    }

    /// Whether a delivery isn't printed, because nothing is wrong with it.
    fn hides(&self, delivery: &Delivery) -> bool {
        let is_left_out =
            || self.format != FormatArg::Json && self.only.as_ref().is_some_and(|only| !only.contains(&delivery.seq));
        (self.quiet || is_left_out()) && is_good(delivery)
    }

    fn matches(&self, mut titles: impl Iterator<Item = impl AsRef<str>>) -> bool {
        self.filter.as_ref().is_none_or(|filter| titles.any(|title| filter.matches(title.as_ref())))
    }
}

/// How much of a payload is printed. `--quiet` prints none, because the lines above it say what went wrong.
const fn payload_limits(body: BodyDetail, quiet: bool) -> Option<payload::BodyLimits> {
    match body {
        BodyDetail::Full if !quiet => Some(payload::BodyLimits { bytes: 1 << 20, ..payload::BodyLimits::FULL }),
        BodyDetail::Summary if !quiet => Some(SUMMARY),
        BodyDetail::Full | BodyDetail::Summary | BodyDetail::None => None,
    }
}

/// Whether `--quiet` hides a delivery: one that is verified or unsigned by design, valid, saved, and delivered by the
/// provider's rules.
fn is_good(delivery: &Delivery) -> bool {
    delivery.assessment.trust().is_some()
        && !matches!(delivery.assessment.payload, PayloadCheck::Invalid(_))
        && delivery.capture_error.is_none()
        && delivery.is_delivered()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quiet_prints_no_payload() {
        let all = [BodyDetail::Full, BodyDetail::Summary, BodyDetail::None];
        assert_eq!(all.map(|body| payload_limits(body, false).is_some()), [true, true, false]);
        assert_eq!(all.map(|body| payload_limits(body, true).is_some()), [false; 3]);
    }
}
