//! The lines of requests that are judged: received by `listen`, and verified by `verify`.

use serde::Serialize;

use super::{RequestObject, VERSION, line, millis, request_object};
use crate::webhook::{
    assessment::{Assessment, PayloadCheck},
    diagnose::Finding,
    record::{Delivery, Forwarded},
    remedy::Wording,
    schema::Violation,
};

#[derive(Serialize)]
struct Ready<'a> {
    kind: &'static str,
    url: &'a str,
    inspector: Option<&'a str>,
    tunnel: Option<&'a str>,
}

/// Appends the line that says where `listen` listens.
pub fn ready(url: &str, out: &mut Vec<u8>) {
    line(&Ready { kind: "ready", url, inspector: None, tunnel: None }, out);
}

#[derive(Serialize)]
struct DeliveryLine<'a> {
    kind: &'static str,
    hookdev: u32,
    seq: u64,
    received_at: String,
    provider: Option<&'a str>,
    event: Option<&'a str>,
    verdict: &'static str,
    rejection: Option<RejectionObject>,
    secret: Option<String>,
    payload: PayloadObject<'a>,
    findings: Vec<FindingObject<'a>>,
    warnings: Vec<String>,
    request: RequestObject<'a>,
    response: ResponseObject,
    forwards: Vec<ForwardObject<'a>>,
    capture: Option<&'a str>,
}

/// Appends the line of a delivery, which is also what a capture holds.
pub fn delivery(delivery: &Delivery, wording: Wording, out: &mut Vec<u8>) {
    let assessment = &delivery.assessment;
    line(
        &DeliveryLine {
            kind: "delivery",
            hookdev: VERSION,
            seq: delivery.seq,
            received_at: delivery.received_at.to_string(),
            provider: assessment.provider_name(),
            event: assessment.event.as_deref(),
            verdict: assessment.verdict.name(),
            rejection: rejection(assessment),
            secret: assessment.secret.as_ref().map(ToString::to_string),
            payload: payload(&assessment.payload),
            findings: findings(assessment, wording),
            warnings: delivery.warnings().iter().map(|warning| warning.text(wording)).collect(),
            request: request_object(&delivery.request),
            response: ResponseObject { status: delivery.status, elapsed_ms: millis(delivery.elapsed) },
            forwards: delivery.forwards.iter().map(forward).collect(),
            capture: delivery.capture.as_deref(),
        },
        out,
    );
}

#[derive(Serialize)]
struct ResponseObject {
    status: u16,
    elapsed_ms: f64,
}

#[derive(Serialize)]
struct ForwardObject<'a> {
    url: &'a str,
    status: Option<u16>,
    elapsed_ms: f64,
    error: Option<&'a str>,
}

fn forward(forwarded: &Forwarded) -> ForwardObject<'_> {
    ForwardObject {
        url: &forwarded.url,
        status: forwarded.outcome.as_ref().ok().map(|answer| answer.status),
        elapsed_ms: millis(forwarded.elapsed),
        error: forwarded.outcome.as_ref().err().map(String::as_str),
    }
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
}

/// Appends the line of a verified capture.
pub fn verification(file: &str, entry: usize, assessment: &Assessment, wording: Wording, out: &mut Vec<u8>) {
    line(
        &VerificationLine {
            kind: "verification",
            file,
            entry,
            provider: assessment.provider_name(),
            event: assessment.event.as_deref(),
            verdict: assessment.verdict.name(),
            rejection: rejection(assessment),
            secret: assessment.secret.as_ref().map(ToString::to_string),
            payload: payload(&assessment.payload),
            findings: findings(assessment, wording),
        },
        out,
    );
}

/// Why a request is refused.
#[derive(Serialize)]
struct RejectionObject {
    code: &'static str,
    message: String,
}

fn rejection(assessment: &Assessment) -> Option<RejectionObject> {
    let reason = &assessment.verdict.rejection()?.reason;
    Some(RejectionObject { code: reason.code(), message: reason.to_string() })
}

/// What explains a refusal.
#[derive(Serialize)]
struct FindingObject<'a> {
    code: &'static str,
    message: &'a str,
    hint: String,
}

fn findings(assessment: &Assessment, wording: Wording) -> Vec<FindingObject<'_>> {
    let findings = assessment.findings.iter().map(|Finding { code, message, remedy }| FindingObject {
        code: code.as_str(),
        message,
        hint: wording(remedy),
    });
    findings.collect()
}

#[derive(Serialize)]
struct PayloadObject<'a> {
    status: &'static str,
    errors: Vec<ErrorObject<'a>>,
}

#[derive(Serialize)]
struct ErrorObject<'a> {
    pointer: &'a str,
    message: &'a str,
}

fn payload(check: &PayloadCheck) -> PayloadObject<'_> {
    let errors = check.errors().iter().map(|Violation { pointer, message }| ErrorObject { pointer, message });
    PayloadObject { status: check.name(), errors: errors.collect() }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::webhook::{diagnose::Code, remedy::Remedy};

    #[test]
    fn findings_are_told_by_code_message_and_hint() {
        let finding =
            Finding { code: Code::BodyBom, message: "a mark \"came\"".into(), remedy: Remedy::CheckAgeAtReceipt };
        let assessment = Assessment { findings: vec![finding], ..Assessment::unrecognised(Vec::new()) };
        let mut out = Vec::new();
        let wording = |remedy: &Remedy| format!("do {remedy:?}");
        verification("a.json", 0, &assessment, wording, &mut out);
        let line: serde_json::Value = serde_json::from_slice(&out).unwrap();
        let expected =
            serde_json::json!([{"code": "body-bom", "message": "a mark \"came\"", "hint": "do CheckAgeAtReceipt"}]);
        assert_eq!(line["findings"], expected);
    }
}
