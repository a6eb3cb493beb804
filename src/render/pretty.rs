//! Output for people: a headline for each delivery, attempt or capture, then its explanation. Everything from outside
//! passes through [`text`].

use std::{borrow::Cow, fmt::Write};

use jiff::tz::TimeZone;

use super::{
    flow::Flow,
    palette::{Palette, Role},
    payload::{BodyLayout, BodyLimits, FormField},
    repeat, size, text,
};
use crate::webhook::{
    assessment::Assessment,
    contract::Term,
    delivery::Media,
    diagnose::{Code, Finding},
    forward_hint::{clue_of, hint},
    keyring::SecretSource,
    provider::{
        Provider,
        payload::{self, Payload, PayloadKind},
    },
    record::{Attempt, Delivery, Forwarded, OutcomeChange, RecordedResponse, Response},
    redact,
    remedy::{Warning, Wording},
    request::Request,
    response::{Clue, Excerpt},
    signature::{Freshness, Verdict},
    trust::Trust,
};

/// The layout of output on one stream.
#[derive(Clone, Debug)]
pub struct Page {
    /// The colours.
    pub palette: Palette,
    /// The width of the terminal in columns; `None` if the stream isn't one.
    pub width: Option<usize>,
    /// The time zone for times of day.
    pub zone: TimeZone,
    /// How much of a payload is shown; `None` shows none of it.
    pub body: Option<BodyLimits>,
    /// The maximum size of a decoded body, in bytes.
    pub decoded_limit: usize,
    /// The words for remedies.
    pub wording: Wording,
    /// Whether to list what was tried when no cause was found.
    pub verbose: bool,
}

/// The indentation below a headline, in columns.
pub(super) const MARGIN: usize = 2;

/// The width that verdicts are padded to, in columns: that of the longest, except `verified (development)`.
const VERDICT_WIDTH: usize = 12;

impl Page {
    /// Appends a delivery: headline, summary, problems, warnings, the handlers' responses, payload.
    pub fn delivery(&self, delivery: &Delivery, out: &mut String) {
        self.headline(delivery, out);
        self.summary(&delivery.assessment, out);
        if let Some(repeat) = &delivery.repeat {
            self.labelled(Role::Key, "repeat", &repeat::words(repeat), out);
        }
        self.judgement(&delivery.assessment, out);
        for warning in delivery.warnings() {
            self.labelled(Role::Warning, "warning", &warning.text(self.wording), out);
        }
        let sent = delivery.request.media_type().and_then(|name| Media::named(&name));
        let headers = Some(&delivery.request.headers);
        // A forward without a response gets its line once it has one.
        for forwarded in delivery.forwards.iter().filter(|forwarded| !forwarded.is_pending()) {
            let clue = clue_of(forwarded, sent, headers, delivery.assessment.trust().is_some());
            out.push_str("  ");
            self.forwarded(forwarded, clue.as_ref(), out);
        }
        if let Some(limits) = self.body {
            self.body(&delivery.request, limits, out);
        }
    }

    /// Appends the first line of a delivery: the verdict, and what it is about.
    pub fn headline(&self, delivery: &Delivery, out: &mut String) {
        let start = out.len();
        let palette = self.palette;
        self.verdict(&delivery.assessment, out);
        if delivery.assessment.verdict != Verdict::Unrecognised {
            out.push_str(&text::printable(delivery.assessment.title()));
            out.push_str("  ");
        }
        palette.push(status_role(delivery.status), &delivery.status.to_string(), out);
        let time = self.zone.to_datetime(delivery.received_at.to_jiff()).strftime("%H:%M:%S%.3f");
        let _ = write!(out, "  {}  ", size::elapsed(delivery.elapsed));
        let _ = write!(out, "{}  ", palette.paint(Role::Dim, format_args!("#{}  {time}", delivery.seq)));
        let target = format!("{} {}", delivery.request.method, redact::tokens(&delivery.request.target));
        match self.width.map(|width| width.saturating_sub(visible_width(&out[start..]))) {
            Some(left) if left < 12 => out.truncate(out.trim_end().len()),
            Some(left) => palette.push(Role::Dim, &text::truncate(&text::printable(&target), left), out),
            None => palette.push(Role::Dim, &text::printable(&target), out),
        }
        out.push('\n');
    }

    /// Appends the verdict. Every line about a request starts with it, because people look for it first.
    fn verdict(&self, assessment: &Assessment, out: &mut String) {
        let (role, verdict) = verdict_label(assessment);
        let _ = write!(out, "{}  ", self.palette.paint(role, format_args!("{verdict:<VERDICT_WIDTH$}")));
    }

    /// Appends the summary of the payload, and how the delivery was verified if that isn't obvious.
    fn summary(&self, assessment: &Assessment, out: &mut String) {
        let how = proof(assessment);
        if assessment.summary.is_none() && how.is_none() {
            return;
        }
        out.push_str("  ");
        if let Some(summary) = &assessment.summary {
            out.push_str(&text::printable(summary));
        }
        if let Some(how) = how {
            let gap = if assessment.summary.is_some() { "  " } else { "" };
            self.palette.push(Role::Dim, &format!("{gap}({how})"), out);
        }
        out.push('\n');
    }

    /// Appends why the request is rejected, the findings, and what is wrong with the payload.
    fn judgement(&self, assessment: &Assessment, out: &mut String) {
        if let Some(rejection) = assessment.verdict.rejection() {
            self.labelled(Role::Bad, rejection.reason.code(), &rejection.reason.to_string(), out);
        }
        self.findings(&assessment.findings, out);
        for error in assessment.payload.errors() {
            let label = format!("payload {}", error.pointer);
            self.labelled(Role::Bad, label.trim_end(), &error.message, out);
        }
        if let Some(why) = assessment.unchecked_payload() {
            let _ = writeln!(out, "  {}", self.palette.paint(Role::Warning, why));
        }
    }

    fn findings(&self, findings: &[Finding], out: &mut String) {
        for finding in findings {
            self.labelled(Role::Warning, finding.code.as_str(), &finding.message, out);
            self.labelled(Role::Key, "hint", &(self.wording)(&finding.remedy), out);
            let is_brief = finding.code == Code::Unexplained && !self.verbose;
            if let Some(detail) = finding.detail.as_ref().filter(|_| !is_brief) {
                self.labelled(Role::Key, "detail", detail, out);
            }
        }
    }

    /// Appends the findings on a delivery that has already been printed.
    pub fn explained(&self, seq: u64, findings: &[Finding], out: &mut String) {
        let _ = writeln!(out, "{} explained:", self.palette.paint(Role::Title, format_args!("#{seq}")));
        self.findings(findings, out);
    }

    /// Appends forwards that ended after their delivery was printed.
    pub fn forwarded_later(
        &self,
        delivery: &Delivery,
        forwards: &[Forwarded],
        warning: Option<&Warning>,
        out: &mut String,
    ) {
        let (seq, title) = (delivery.seq, text::printable(delivery.assessment.title()));
        for forwarded in forwards {
            let _ = write!(out, "{} {title} ", self.palette.paint(Role::Title, format_args!("#{seq}")));
            self.forwarded(forwarded, clue_of(forwarded, None, None, false).as_ref(), out);
        }
        if let Some(warning) = warning {
            self.labelled(Role::Warning, "warning", &warning.text(self.wording), out);
        }
    }

    /// Appends a line about deliveries that could not be printed in time.
    pub fn missed(&self, count: u64, out: &mut String) {
        let deliveries = if count == 1 { "1 delivery is" } else { &format!("{count} deliveries are") };
        let message = format!("{deliveries} not shown: the output was not read in time");
        self.palette.push(Role::Warning, &message, out);
        out.push('\n');
    }

    /// A label and a message, which wraps at the edge of the screen.
    pub(super) fn labelled(&self, role: Role, label: &str, message: &str, out: &mut String) {
        let mut flow = self.flow(out);
        flow.gap(MARGIN).whole(Some(role), label).whole(None, ":").gap(1).text(None, message);
        flow.end();
    }

    pub(super) fn flow<'o>(&self, out: &'o mut String) -> Flow<'o> {
        Flow::new(self.palette, self.width, 2 * MARGIN, out)
    }

    fn forwarded(&self, forwarded: &Forwarded, clue: Option<&Clue>, out: &mut String) {
        out.push_str("forwarded to ");
        out.push_str(&text::printable(&redact::tokens(&forwarded.url)));
        out.push_str("  ");
        self.outcome(forwarded, clue, out);
    }

    /// Appends the result of a resent delivery to the current line.
    pub fn resent(&self, forwarded: &Forwarded, out: &mut String) {
        self.outcome(forwarded, clue_of(forwarded, None, None, false).as_ref(), out);
    }

    fn outcome(&self, forwarded: &Forwarded, clue: Option<&Clue>, out: &mut String) {
        match &forwarded.outcome {
            Ok(response) => {
                self.palette.push(status_role(response.status), &response.status.to_string(), out);
                let _ = writeln!(out, "  {}", size::elapsed(forwarded.elapsed));
                if !(200..300).contains(&response.status) {
                    let advice =
                        clue.map(|clue| Cow::Borrowed(&*clue.advice)).or_else(|| hint(forwarded).map(Cow::Owned));
                    self.response(response, advice.as_deref(), out);
                }
            }
            Err(problem) => {
                self.palette.push(Role::Bad, &text::printable(&problem.message), out);
                let _ = writeln!(out, "  {}", size::elapsed(forwarded.elapsed));
            }
        }
    }

    /// Appends the most helpful lines of a response's body, and what they reveal.
    fn response(&self, response: &Response, advice: Option<&str>, out: &mut String) {
        if let Some(excerpt) = Excerpt::of(response) {
            self.excerpt(&excerpt, out);
        }
        if let Some(advice) = advice {
            self.labelled(Role::Key, "hint", advice, out);
        }
    }

    /// Appends the lines of a handler's response, each cut at the edge of the screen.
    pub(super) fn excerpt(&self, excerpt: &Excerpt, out: &mut String) {
        let lines = match excerpt {
            Excerpt::Text(lines) => lines.iter().map(|line| text::printable(line)).collect::<Vec<_>>(),
            Excerpt::Binary(len) => vec![format!("{} of binary data", size::bytes(*len)).into()],
        };
        let columns = |before: usize| self.width.map_or(usize::MAX, |width| width.saturating_sub(before));
        for (number, line) in lines.iter().enumerate() {
            if number == 0 {
                let label = self.palette.paint(Role::Key, "response");
                let _ = writeln!(out, "  {label}: {}", text::truncate(line, columns("  response: ".len())));
            } else {
                let _ = writeln!(out, "    {}", text::truncate(line, columns(2 * MARGIN)));
            }
        }
    }

    /// Appends a request's payload: JSON as its own text re-indented, a form as its fields, anything else unchanged.
    pub fn body(&self, request: &Request, limits: BodyLimits, out: &mut String) {
        let layout = BodyLayout { palette: self.palette, margin: MARGIN, limits };
        let Ok(body) = payload::decoded(request, self.decoded_limit) else {
            return layout.raw(&request.body, out);
        };
        if body.is_empty() {
            return;
        }
        // JSON is laid out from its own text, without parsing it again.
        if request.media_type().as_deref() != Some("application/json") {
            let parsed = Payload::parse(request, &body);
            if matches!(parsed.kind, PayloadKind::Urlencoded | PayloadKind::Multipart) {
                let fields: Vec<FormField<'_>> = parsed
                    .fields()
                    .map(|(name, value)| FormField { name, value: value.as_bytes(), note: "" })
                    .collect();
                return layout.fields(&fields, out);
            }
        }
        if !layout.json(&body, out) {
            layout.raw(&body, out);
        }
    }

    /// Appends an attempt: one line, and the start of the response's body if the attempt failed. Names are padded to
    /// `name_width` columns.
    pub fn attempt(&self, attempt: &Attempt, name_width: usize, out: &mut String) {
        let name = attempt.event.as_deref().or(attempt.provider.as_deref()).unwrap_or("request");
        let padding = name_width.saturating_sub(text::width(&text::printable(name)));
        let role = if attempt.good { Role::Good } else { Role::Bad };
        let mut flow = self.flow(out);
        flow.whole(Some(Role::Title), name).gap(padding + 2).whole(Some(role), attempt.outcome.name());
        if let Some(response) = &attempt.response {
            flow.gap(2).whole(Some(status_role(response.status)), &response.status.to_string());
        }
        flow.gap(2).whole(None, &size::elapsed(attempt.elapsed).to_string()).gap(2).text(None, &attempt.reason);
        if attempt.number > 1 || !attempt.good && attempt.of > 1 {
            flow.gap(2).text(None, &format!("(attempt {} of at most {})", attempt.number, attempt.of));
        }
        if let Some((was, change)) = &attempt.was {
            let role = if attempt.good { Role::Good } else { Role::Bad };
            flow.gap(2)
                .whole(Some(role), change.words())
                .gap(1)
                .text(None, &format!("(was {})", before(*was, *change)));
        }
        let url = redact::tokens(&attempt.url);
        match &attempt.source {
            Some(source) => {
                flow.gap(2).whole(Some(Role::Dim), &source.location).gap(1).whole(Some(Role::Dim), &format!("→ {url}"))
            }
            None => flow.gap(2).whole(Some(Role::Dim), &url),
        };
        flow.end();
        if let Some(response) = attempt.response.as_ref().filter(|_| !attempt.good) {
            self.response(response, attempt.clue.as_ref().map(|clue| &*clue.advice), out);
        }
    }

    /// Appends a provider's contract, one term per line, with missing ones highlighted.
    pub fn contract(&self, provider: &Provider, terms: &[Term], out: &mut String) {
        self.palette.push(Role::Title, &text::printable(&provider.title), out);
        let _ = writeln!(out, "  {}", text::printable(&provider.about));
        for term in terms {
            self.labelled(if term.is_gap { Role::Warning } else { Role::Key }, term.name, &term.text, out);
        }
    }

    /// Appends a verified capture: one line, then its problems. `missing` lists the unmet requirements of `--require`.
    pub fn verification(
        &self,
        location: &str,
        assessment: &Assessment,
        notes: &[String],
        missing: &[&str],
        out: &mut String,
    ) {
        self.verdict(assessment, out);
        out.push_str(&text::printable(assessment.title()));
        out.push_str("  ");
        out.push_str(&text::printable(location));
        if let Some(how) = proof(assessment) {
            self.palette.push(Role::Dim, &format!("  ({how})"), out);
        }
        out.push('\n');
        self.judgement(assessment, out);
        let warnings = assessment.warnings.iter().map(|warning| warning.text(self.wording));
        for warning in warnings.chain(notes.iter().cloned()) {
            self.labelled(Role::Warning, "warning", &warning, out);
        }
        for requirement in missing {
            self.labelled(Role::Bad, "required", requirement, out);
        }
    }
}

/// The recorded response that an attempt is compared with. A 2xx that had failed was usually too slow, so its time is
/// shown.
fn before(was: RecordedResponse, change: OutcomeChange) -> String {
    let had_failed = matches!(change, OutcomeChange::Fixed | OutcomeChange::StillFailing);
    match was.status {
        Some(status @ 200..300) if had_failed => format!("{status} after {}", size::elapsed(was.elapsed)),
        Some(status) => status.to_string(),
        None => "no response".to_owned(),
    }
}

/// How a request was verified, if worth mentioning.
fn proof(assessment: &Assessment) -> Option<String> {
    let Verdict::Verified(verified) = &assessment.verdict else { return None };
    let mut parts = Vec::new();
    match &assessment.secret {
        // The verdict already says so.
        Some(SecretSource::Development) | None => {}
        Some(source) => parts.push(format!("secret: {source}")),
    }
    if assessment.provider.as_ref().is_some_and(|provider| provider.schemes.len() > 1) {
        parts.push(format!("scheme {}", verified.scheme));
    }
    if verified.freshness == Freshness::NotChecked {
        parts.push("age not checked".to_owned());
    }
    if parts.is_empty() { None } else { Some(parts.join(", ")) }
}

/// The verdict for people, and its style. A request that anyone could have signed must not look like one that the
/// provider signed.
fn verdict_label(assessment: &Assessment) -> (Role, &'static str) {
    let role = match (assessment.trust(), &assessment.verdict) {
        (Some(Trust::Development), _) => return (Role::Unproven, "verified (development)"),
        (Some(Trust::Verified), _) => Role::Proven,
        (Some(Trust::UnsignedByDesign), _) => Role::Unsigned,
        (None, Verdict::Unrecognised) => Role::Unproven,
        (None, _) => Role::Bad,
    };
    (role, assessment.verdict.name())
}

pub(super) const fn status_role(status: u16) -> Role {
    match status {
        200..=299 => Role::Good,
        300..=399 => Role::Warning,
        _ => Role::Bad,
    }
}

/// The width of text that may contain hookdev's colour codes, in columns.
fn visible_width(coloured: &str) -> usize {
    let mut width = 0;
    let mut rest = coloured;
    while let Some(start) = rest.find('\u{1b}') {
        width += text::width(&rest[..start]);
        rest = rest[start..].split_once('m').map_or("", |(_, after)| after);
    }
    width + text::width(rest)
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::webhook::{
        diagnose::Code,
        record::{CaptureSource, Outcome},
        remedy::Remedy,
    };

    #[test]
    fn an_attempt_wraps_between_words() {
        let page = Page {
            palette: Palette::new(false),
            width: Some(60),
            zone: TimeZone::UTC,
            body: None,
            decoded_limit: 0,
            wording: |remedy| format!("{remedy:?}"),
            verbose: false,
        };
        let attempt = Attempt {
            provider: None,
            event: Some("acme.made".to_owned()),
            id: None,
            source: None,
            url: "http://127.0.0.1:4400/acme".to_owned(),
            number: 1,
            of: 5,
            outcome: Outcome::Refused,
            good: false,
            elapsed: Duration::from_millis(12),
            remedy: None,
            was: None,
            reason: "Acme expects exactly 200, and got 302".to_owned(),
            response: None,
            clue: None,
        };
        let mut out = String::new();
        page.attempt(&attempt, 12, &mut out);
        let lines: Vec<&str> = out.lines().collect();
        assert_eq!(
            lines,
            [
                "acme.made     refused  12 ms  Acme expects exactly 200, and",
                "    got 302  (attempt 1 of at most 5)",
                "    http://127.0.0.1:4400/acme"
            ]
        );
        out.clear();
        let accepted = Attempt { outcome: Outcome::Accepted, good: true, ..attempt };
        page.attempt(&accepted, 0, &mut out);
        let first = "acme.made  accepted  12 ms  Acme expects exactly 200, and\n";
        assert_eq!(out, format!("{first}    got 302  http://127.0.0.1:4400/acme\n"));
        out.clear();
        let source = CaptureSource { file: "a\u{1b}.ndjson".to_owned(), location: "a\u{1b}.ndjson:2".to_owned() };
        page.attempt(&Attempt { source: Some(source), ..accepted }, 0, &mut out);
        let second = r"    got 302  a\u{1b}.ndjson:2 → http://127.0.0.1:4400/acme";
        assert_eq!(out, format!("{first}{second}\n"));
    }

    #[test]
    fn a_finding_has_its_hint_and_wraps_between_words() {
        let page = Page {
            palette: Palette::new(false),
            width: Some(30),
            zone: TimeZone::UTC,
            body: None,
            decoded_limit: 0,
            wording: |remedy| format!("{remedy:?}"),
            verbose: false,
        };
        let finding = Finding {
            code: Code::BodyBom,
            message: "a mark \u{1b}[31m came before it".into(),
            remedy: Remedy::CheckAgeAtReceipt,
            detail: None,
        };
        let assessment = Assessment { findings: vec![finding], ..Assessment::unrecognised(Vec::new()) };
        let mut out = String::new();
        page.verification("a.json", &assessment, &[], &[], &mut out);
        let lines: Vec<&str> = out.lines().skip(1).collect();
        assert_eq!(lines, [r"  body-bom: a mark \u{1b}[31m", "    came before it", "  hint: CheckAgeAtReceipt"]);
    }
}
