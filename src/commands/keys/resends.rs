//! Resends a delivery to the receiver's targets: as it was, or edited and re-signed.

use std::fmt::Write;

use super::Subject;
use crate::{
    commands::editor::Edited,
    engine::{
        clock::now,
        receive::{Forward, ReceiverSettings, Resent, resend},
    },
    render::{pretty::Page, text::printable},
    webhook::{record::Delivery, redact, request::Request, signature::Receipt},
};

/// A delivery read from a capture: only its request is known.
pub fn from_capture(seq: u64, request: Request, settings: &ReceiverSettings) -> Delivery {
    let assessment = settings.judge().assess(&request, Receipt::default());
    Delivery {
        seq,
        received_at: now(),
        repeat: None,
        request,
        assessment,
        status: 0,
        elapsed: std::time::Duration::ZERO,
        forwards: Vec::new(),
        not_forwarded: None,
        capture: None,
        capture_error: None,
        sender_closed: false,
    }
}

/// Sends a delivery to every target that its event is forwarded to; an edited one is re-signed. Returns one line for
/// each, and where an edit is saved that reached none.
pub async fn resend_and_describe(
    subject: &Subject,
    delivery: &Delivery,
    edited: Option<Edited>,
    page: &Page,
) -> String {
    let (request, is_edited) = match &edited {
        Some(edited) => (edited.request.clone(), true),
        None => (delivery.request.clone(), false),
    };
    let (mut text, has_arrived) = resend_request(subject, delivery, request, is_edited, page).await;
    match edited {
        Some(edited) if has_arrived => edited.discard(),
        Some(edited) => {
            let _ = writeln!(text, "#{}: {}", delivery.seq, edited.kept());
        }
        None => {}
    }
    text
}

/// Sends a request. Returns one line for each target, and whether any has responded.
async fn resend_request(
    subject: &Subject,
    delivery: &Delivery,
    request: Request,
    is_edited: bool,
    page: &Page,
) -> (String, bool) {
    let (seq, settings, assessment) = (delivery.seq, subject.settings.get(), &delivery.assessment);
    let targets = Forward::targets(&settings.forwards, assessment);
    let sending = resend(&subject.resender, &settings, &targets, assessment, request, is_edited);
    let Resent { renewal, forwards, .. } = match sending.await {
        Ok(resent) => resent,
        Err(why) => return (format!("#{seq} not sent: {why}\n"), false),
    };
    if forwards.is_empty() {
        return (format!("#{seq} not sent: no --forward matches {}\n", assessment.title()), false);
    }
    let words = match (is_edited, renewal.is_some()) {
        (false, _) => "resent",
        (true, false) => "resent, edited",
        (true, true) => "resent, edited and signed again",
    };
    let mut text = String::new();
    for forwarded in &forwards {
        let forwarded = if subject.redact { &redact::forwarded(forwarded) } else { forwarded };
        let _ = write!(text, "#{seq} {words}");
        if forwards.len() > 1 {
            let comma = if is_edited { "," } else { "" };
            let _ = write!(text, "{comma} to {}", printable(&redact::tokens(&forwarded.url)));
        }
        text.push_str("  ");
        page.resent(forwarded, &mut text);
    }
    let has_arrived = forwards.iter().any(|forwarded| forwarded.outcome.is_ok());
    subject.history.add_resends(seq, forwards);
    (text, has_arrived)
}
