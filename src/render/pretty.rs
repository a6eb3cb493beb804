//! What people read: a headline for each delivery, attempt or capture, then what explains it.
//! Everything that came from outside passes through [`text`] on its way.

use std::fmt::Write;

use jiff::tz::TimeZone;

use super::{
    flow::Flow,
    palette::{Palette, Role},
    payload::{Field, Layout, Limits},
    size, text,
};
use crate::webhook::{
    assessment::Assessment,
    contract::Term,
    keyring::SecretSource,
    provider::{
        Provider,
        payload::{self, Form, Payload},
    },
    record::{Answer, Attempt, Delivery, Forwarded},
    redact,
    remedy::Wording,
    request::Request,
    signature::{Freshness, Verdict},
};

/// How pages are set out on one stream.
#[derive(Clone, Debug)]
pub struct Page {
    /// The colours.
    pub palette: Palette,
    /// The columns of the terminal; none elsewhere.
    pub width: Option<usize>,
    /// The zone of the times of day.
    pub zone: TimeZone,
    /// How much of a payload is shown; none shows nothing.
    pub body: Option<Limits>,
    /// The longest decoded body that is read, in bytes.
    pub decoded_limit: usize,
    /// The words for remedies.
    pub wording: Wording,
}

/// The columns before everything below a headline.
pub(super) const MARGIN: usize = 2;

/// The start of a handler's answer that is shown when it is not a success.
const ANSWER_EXCERPT: Limits = Limits { depth: 8, bytes: 2 << 10, lines: 12, token: 512 };

impl Page {
    /// Appends a delivery: headline, summary, what is wrong or odd, what the handlers said, payload.
    pub fn delivery(&self, delivery: &Delivery, out: &mut String) {
        self.headline(delivery, out);
        self.summary(&delivery.assessment, out);
        self.judgement(&delivery.assessment, out);
        for warning in delivery.warnings() {
            self.labelled(Role::Warning, "warning", &warning.text(self.wording), out);
        }
        for forwarded in &delivery.forwards {
            self.forwarded(forwarded, out);
        }
        if let Some(limits) = self.body {
            self.body(&delivery.request, limits, out);
        }
    }

    fn headline(&self, delivery: &Delivery, out: &mut String) {
        let start = out.len();
        let palette = self.palette;
        let time = self.zone.to_datetime(delivery.received_at.to_jiff());
        let _ = write!(out, "{}", palette.paint(Role::Dim, time.strftime("%H:%M:%S%.3f")));
        out.push_str("  ");
        let verdict = &delivery.assessment.verdict;
        if *verdict != Verdict::Unrecognised {
            palette.push(Role::Title, &text::printable(delivery.assessment.title()), out);
            out.push_str("  ");
        }
        palette.push(verdict_role(verdict), verdict.name(), out);
        out.push_str("  ");
        palette.push(status_role(delivery.status), &delivery.status.to_string(), out);
        let _ = write!(out, "  {}  ", size::elapsed(delivery.elapsed));
        let target = format!("{} {}", delivery.request.method, redact::seen(&delivery.request.target));
        match self.width.map(|width| width.saturating_sub(visible_width(&out[start..]))) {
            Some(left) if left < 12 => out.truncate(out.trim_end().len()),
            Some(left) => palette.push(Role::Dim, &text::truncate(&text::printable(&target), left), out),
            None => palette.push(Role::Dim, &text::printable(&target), out),
        }
        out.push('\n');
    }

    /// The provider's line about the payload, and how it was shown to be genuine where that is
    /// not plain.
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

    /// Why it is refused, what explains that, and what is wrong with the payload.
    fn judgement(&self, assessment: &Assessment, out: &mut String) {
        if let Some(rejection) = assessment.verdict.rejection() {
            self.labelled(Role::Bad, rejection.reason.code(), &rejection.reason.to_string(), out);
        }
        for finding in &assessment.findings {
            self.labelled(Role::Warning, finding.code.as_str(), &finding.message, out);
            self.labelled(Role::Key, "hint", &(self.wording)(&finding.remedy), out);
        }
        for error in assessment.payload.errors() {
            let label = format!("payload {}", error.pointer);
            self.labelled(Role::Bad, label.trim_end(), &error.message, out);
        }
    }

    /// A label and a message, broken between words where the screen ends.
    pub(super) fn labelled(&self, role: Role, label: &str, message: &str, out: &mut String) {
        let mut flow = self.flow(out);
        flow.gap(MARGIN).whole(Some(role), label).whole(None, ":").gap(1).text(None, message);
        flow.end();
    }

    pub(super) fn flow<'o>(&self, out: &'o mut String) -> Flow<'o> {
        Flow::new(self.palette, self.width, 2 * MARGIN, out)
    }

    fn forwarded(&self, forwarded: &Forwarded, out: &mut String) {
        out.push_str("  forwarded to ");
        out.push_str(&text::printable(&redact::seen(&forwarded.url)));
        out.push_str("  ");
        match &forwarded.outcome {
            Ok(answer) => {
                self.palette.push(status_role(answer.status), &answer.status.to_string(), out);
                let _ = writeln!(out, "  {}", size::elapsed(forwarded.elapsed));
                if !(200..300).contains(&answer.status) {
                    self.answer(answer, out);
                }
            }
            Err(problem) => {
                self.palette.push(Role::Bad, &text::printable(problem), out);
                let _ = writeln!(out, "  {}", size::elapsed(forwarded.elapsed));
            }
        }
    }

    /// The start of an answer's body.
    fn answer(&self, answer: &Answer, out: &mut String) {
        if !answer.body.is_empty() {
            let layout = Layout { palette: self.palette, margin: 2 * MARGIN, limits: ANSWER_EXCERPT };
            if !layout.json(&answer.body, out) {
                layout.raw(&answer.body, out);
            }
        }
    }

    /// Appends a request's payload: JSON as its own text re-indented, a form as its fields,
    /// anything else as it is.
    pub fn body(&self, request: &Request, limits: Limits, out: &mut String) {
        let layout = Layout { palette: self.palette, margin: MARGIN, limits };
        let Ok(body) = payload::decoded(request, self.decoded_limit) else {
            return layout.raw(&request.body, out);
        };
        if body.is_empty() {
            return;
        }
        // JSON is set out from its own text, and not parsed again for that.
        if request.media_type().as_deref() != Some("application/json") {
            let parsed = Payload::parse(request, &body);
            if matches!(parsed.form, Form::Urlencoded | Form::Multipart) {
                let fields: Vec<Field<'_>> =
                    parsed.fields().map(|(name, value)| Field { name, value: value.as_bytes(), note: "" }).collect();
                return layout.fields(&fields, out);
            }
        }
        if !layout.json(&body, out) {
            layout.raw(&body, out);
        }
    }

    /// Appends an attempt: one line, and the start of the answer's body when there is one that is
    /// worth reading. Names are padded to `name_width` columns.
    pub fn attempt(&self, attempt: &Attempt, name_width: usize, out: &mut String) {
        let name = attempt.event.as_deref().or(attempt.provider.as_deref()).unwrap_or("request");
        let padding = name_width.saturating_sub(text::width(&text::printable(name)));
        let role = if attempt.good { Role::Good } else { Role::Bad };
        let mut flow = self.flow(out);
        flow.whole(Some(Role::Title), name).gap(padding + 2).whole(Some(role), attempt.outcome.name());
        if let Some(answer) = &attempt.answer {
            flow.gap(2).whole(Some(status_role(answer.status)), &answer.status.to_string());
        }
        flow.gap(2).whole(None, &size::elapsed(attempt.elapsed).to_string()).gap(2).text(None, &attempt.reason);
        if attempt.number > 1 || !attempt.good && attempt.of > 1 {
            flow.gap(2).text(None, &format!("(attempt {} of at most {})", attempt.number, attempt.of));
        }
        let url = redact::seen(&attempt.url);
        match &attempt.source {
            Some(source) => {
                flow.gap(2).whole(Some(Role::Dim), source).gap(1).whole(Some(Role::Dim), &format!("→ {url}"))
            }
            None => flow.gap(2).whole(Some(Role::Dim), &url),
        };
        flow.end();
        if let Some(answer) = attempt.answer.as_ref().filter(|_| !attempt.good) {
            self.answer(answer, out);
        }
    }

    /// Appends a provider's contract, a term a line; what is lacking stands out.
    pub fn contract(&self, provider: &Provider, terms: &[Term], out: &mut String) {
        self.palette.push(Role::Title, &text::printable(&provider.title), out);
        let _ = writeln!(out, "  {}", text::printable(&provider.about));
        for term in terms {
            self.labelled(if term.is_gap { Role::Warning } else { Role::Key }, term.name, &term.text, out);
        }
    }

    /// Appends a verified capture: one line, then why it is not as it should be.
    pub fn verification(
        &self,
        place: &str,
        assessment: &Assessment,
        notes: &[String],
        demanded: &[&str],
        out: &mut String,
    ) {
        let palette = self.palette;
        let verdict = &assessment.verdict;
        let _ = write!(out, "{}  ", palette.paint(verdict_role(verdict), format_args!("{:<12}", verdict.name())));
        palette.push(Role::Title, &text::printable(assessment.title()), out);
        out.push_str("  ");
        out.push_str(&text::printable(place));
        if let Some(how) = proof(assessment) {
            palette.push(Role::Dim, &format!("  ({how})"), out);
        }
        out.push('\n');
        self.judgement(assessment, out);
        let warnings = assessment.warnings.iter().map(|warning| warning.text(self.wording));
        for warning in warnings.chain(notes.iter().cloned()) {
            self.labelled(Role::Warning, "warning", &warning, out);
        }
        for lack in demanded {
            self.labelled(Role::Bad, "required", lack, out);
        }
    }
}

/// How a request was shown to be genuine, where that is worth a word.
fn proof(assessment: &Assessment) -> Option<String> {
    let Verdict::Verified(verified) = &assessment.verdict else { return None };
    let mut parts = Vec::new();
    match &assessment.secret {
        Some(SecretSource::Development) => parts.push("development secret".to_owned()),
        Some(source) => parts.push(format!("secret: {source}")),
        None => {}
    }
    if assessment.provider.as_ref().is_some_and(|provider| provider.schemes.len() > 1) {
        parts.push(format!("scheme {}", verified.scheme));
    }
    if verified.freshness == Freshness::NotChecked {
        parts.push("age not checked".to_owned());
    }
    if parts.is_empty() { None } else { Some(parts.join(", ")) }
}

const fn verdict_role(verdict: &Verdict) -> Role {
    match verdict {
        Verdict::Verified(_) => Role::Good,
        Verdict::Rejected(_) => Role::Bad,
        Verdict::Unsigned => Role::Key,
        Verdict::Unrecognised => Role::Warning,
    }
}

pub(super) const fn status_role(status: u16) -> Role {
    match status {
        200..=299 => Role::Good,
        300..=399 => Role::Warning,
        _ => Role::Bad,
    }
}

/// The columns of a text that may hold colour codes of ours.
fn visible_width(coloured: &str) -> usize {
    let mut width = 0;
    let mut rest = coloured;
    while let Some(start) = rest.find('\u{1b}') {
        width += text::width(&rest[..start]);
        rest = rest[start..].split_once('m').map_or("", |(_, behind)| behind);
    }
    width + text::width(rest)
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::webhook::{
        diagnose::{Code, Finding},
        record::Outcome,
        remedy::Remedy,
    };

    #[test]
    fn an_attempt_is_broken_between_words() {
        let page = Page {
            palette: Palette::new(false),
            width: Some(60),
            zone: TimeZone::UTC,
            body: None,
            decoded_limit: 0,
            wording: |remedy| format!("{remedy:?}"),
        };
        let attempt = Attempt {
            provider: None,
            event: Some("acme.made".to_owned()),
            source: None,
            url: "http://127.0.0.1:4400/acme".to_owned(),
            number: 1,
            of: 5,
            outcome: Outcome::Refused,
            good: false,
            elapsed: Duration::from_millis(12),
            reason: "Acme wants 200 alone, and this was 302".to_owned(),
            answer: None,
        };
        let mut out = String::new();
        page.attempt(&attempt, 12, &mut out);
        let told: Vec<&str> = out.lines().collect();
        assert_eq!(
            told,
            [
                "acme.made     refused  12 ms  Acme wants 200 alone, and this",
                "    was 302  (attempt 1 of at most 5)",
                "    http://127.0.0.1:4400/acme"
            ]
        );
        out.clear();
        let accepted = Attempt { outcome: Outcome::Accepted, good: true, ..attempt };
        page.attempt(&accepted, 0, &mut out);
        let first = "acme.made  accepted  12 ms  Acme wants 200 alone, and this\n";
        assert_eq!(out, format!("{first}    was 302  http://127.0.0.1:4400/acme\n"));
        out.clear();
        page.attempt(&Attempt { source: Some("a\u{1b}.ndjson:2".to_owned()), ..accepted }, 0, &mut out);
        let second = r"    was 302  a\u{1b}.ndjson:2 → http://127.0.0.1:4400/acme";
        assert_eq!(out, format!("{first}{second}\n"));
    }

    #[test]
    fn a_finding_is_told_with_its_hint_and_broken_between_words() {
        let page = Page {
            palette: Palette::new(false),
            width: Some(30),
            zone: TimeZone::UTC,
            body: None,
            decoded_limit: 0,
            wording: |remedy| format!("{remedy:?}"),
        };
        let finding = Finding {
            code: Code::BodyBom,
            message: "a mark \u{1b}[31m came before it".into(),
            remedy: Remedy::CheckAgeAtReceipt,
        };
        let assessment = Assessment { findings: vec![finding], ..Assessment::unrecognised(Vec::new()) };
        let mut out = String::new();
        page.verification("a.json", &assessment, &[], &[], &mut out);
        let told: Vec<&str> = out.lines().skip(1).collect();
        assert_eq!(told, [r"  body-bom: a mark \u{1b}[31m", "    came before it", "  hint: CheckAgeAtReceipt"]);
    }
}
