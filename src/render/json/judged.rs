//! The lines about verified requests: those that `listen` receives, and those that `verify` reads.

use serde::Serialize;

use super::line;
use crate::webhook::{
    assessment::Assessment,
    capture::{
        self,
        objects::{FindingObject, ForwardObject, PayloadObject, RejectionObject},
    },
    diagnose::Finding,
    record::{Delivery, Forwarded},
    remedy::{Warning, Wording},
};

/// The content of the ready line.
#[derive(Clone, Copy, Debug, Default)]
pub struct Ready<'a> {
    /// The address of `listen`.
    pub url: &'a str,
    /// The URL of the inspector, if there is one.
    pub inspector: Option<&'a str>,
    /// The public URL of the tunnel, if there is one.
    pub tunnel: Option<&'a str>,
    /// What is registered with providers.
    pub registered: &'a [RegisteredEndpoint],
}

#[derive(Serialize)]
pub(super) struct ReadyLine<'a> {
    kind: &'static str,
    url: &'a str,
    inspector: Option<&'a str>,
    tunnel: Option<&'a str>,
    registered: &'a [RegisteredEndpoint],
}

impl<'a> From<Ready<'a>> for ReadyLine<'a> {
    fn from(Ready { url, inspector, tunnel, registered }: Ready<'a>) -> Self {
        Self { kind: "ready", url, inspector, tunnel, registered }
    }
}

/// An endpoint or value that `listen` has registered with a provider.
#[derive(Clone, Debug, Serialize)]
pub struct RegisteredEndpoint {
    /// The provider's name.
    pub provider: String,
    /// The resource, if the provider needs one.
    pub resource: Option<String>,
    /// The URL that the provider calls.
    pub url: String,
    /// The endpoint's id.
    pub id: Option<String>,
}

/// Appends the ready line.
pub fn ready(ready: Ready<'_>, out: &mut Vec<u8>) {
    line(&ReadyLine::from(ready), out);
}

/// Appends the line of a delivery.
pub fn delivery(delivery: &Delivery, wording: Wording, out: &mut Vec<u8>) {
    capture::write_delivery(delivery, wording, out);
}

#[derive(Serialize)]
struct FindingsLine<'a> {
    kind: &'static str,
    seq: u64,
    findings: Vec<FindingObject<'a>>,
}

/// Appends the line with the findings on a delivery whose own line came before them.
pub fn findings(seq: u64, findings: &[Finding], wording: Wording, out: &mut Vec<u8>) {
    line(&FindingsLine { kind: "findings", seq, findings: FindingObject::list(findings, wording) }, out);
}

#[derive(Serialize)]
struct ForwardsLine<'a> {
    kind: &'static str,
    seq: u64,
    forwards: Vec<ForwardObject<'a>>,
    warnings: Vec<String>,
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    resent: bool,
}

/// Appends the line of forwards that had no response yet when their delivery's line was written.
pub fn forwards(seq: u64, forwards: &[Forwarded], warning: Option<&Warning>, wording: Wording, out: &mut Vec<u8>) {
    let warnings = warning.map(|warning| warning.text(wording)).into_iter().collect();
    let forwards = forwards.iter().map(ForwardObject::new).collect();
    line(&ForwardsLine { kind: "forwards", seq, forwards, warnings, resent: false }, out);
}

/// Appends the line of forwards that ended later, or of a resent delivery's results, with the handlers' responses
/// without bodies.
pub fn forwards_without_bodies<'a>(
    seq: u64,
    forwards: impl Iterator<Item = &'a Forwarded>,
    delivery: &Delivery,
    warning: Option<&Warning>,
    is_resent: bool,
    wording: Wording,
    out: &mut Vec<u8>,
) {
    let warnings = warning.map(|warning| warning.text(wording)).into_iter().collect();
    let forwards = forwards.map(|forwarded| ForwardObject::without_body(forwarded, Some(delivery))).collect();
    line(&ForwardsLine { kind: "forwards", seq, forwards, warnings, resent: is_resent }, out);
}

#[derive(Serialize)]
struct Missed {
    kind: &'static str,
    count: u64,
}

/// Appends the line with the number of deliveries that have no line.
pub fn missed(count: u64, out: &mut Vec<u8>) {
    line(&Missed { kind: "missed", count }, out);
}

#[derive(Serialize)]
struct VerificationLine<'a> {
    kind: &'static str,
    file: &'a str,
    entry: usize,
    provider: Option<&'a str>,
    event: Option<&'a str>,
    verdict: &'static str,
    rejection: Option<RejectionObject>,
    secret: Option<String>,
    payload: PayloadObject<'a>,
    findings: Vec<FindingObject<'a>>,
    warnings: Vec<String>,
    freshness: &'static str,
    missing: &'a [&'static str],
}

/// Appends the line of a verified capture. `missing` lists the unmet requirements of `--require`.
pub fn verification(
    file: &str,
    entry: usize,
    assessment: &Assessment,
    missing: &[&'static str],
    wording: Wording,
    out: &mut Vec<u8>,
) {
    line(
        &VerificationLine {
            kind: "verification",
            file,
            entry,
            provider: assessment.provider_name(),
            event: assessment.event.as_deref(),
            verdict: assessment.verdict.name(),
            rejection: RejectionObject::new(assessment),
            secret: assessment.secret.as_ref().map(ToString::to_string),
            payload: PayloadObject::new(&assessment.payload),
            findings: FindingObject::list(&assessment.findings, wording),
            warnings: assessment.warnings.iter().map(|warning| warning.text(wording)).collect(),
            freshness: if assessment.verdict.is_age_checked() { "checked" } else { "not-checked" },
            missing,
        },
        out,
    );
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::webhook::{
        diagnose::{Code, Finding},
        remedy::Remedy,
    };

    #[test]
    fn findings_have_a_code_a_message_and_a_hint() {
        let finding = Finding {
            code: Code::BodyBom,
            message: "a mark \"came\"".into(),
            remedy: Remedy::CheckAgeAtReceipt,
            detail: None,
        };
        let assessment = Assessment { findings: vec![finding], ..Assessment::unrecognised(Vec::new()) };
        let mut out = Vec::new();
        let wording = |remedy: &Remedy| format!("do {remedy:?}");
        verification("a.json", 0, &assessment, &[], wording, &mut out);
        let line: serde_json::Value = serde_json::from_slice(&out).unwrap();
        let expected =
            serde_json::json!([{"code": "body-bom", "message": "a mark \"came\"", "hint": "do CheckAgeAtReceipt"}]);
        assert_eq!(line["findings"], expected);
    }
}
