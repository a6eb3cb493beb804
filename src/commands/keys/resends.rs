//! A delivery that is sent to the receiver's targets again: as it was, or edited and signed again.

use std::fmt::Write;

use crate::{
    engine::{
        clock::now,
        entropy::moment,
        receive::{Resender, Settings},
    },
    render::pretty::Page,
    webhook::{
        assessment::Assessment,
        record::{Delivery, Forwarded},
        request::Request,
        signature::{Receipt, Verdict},
    },
};

/// A delivery of which only the request is known.
pub fn from_capture(seq: u64, request: Request, settings: &Settings) -> Delivery {
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
        capture: None,
        capture_error: None,
    }
}

/// Sends a request to every target that its event is forwarded to, signed again if it was edited. Returns a line for each.
pub async fn resend(
    resender: &Resender,
    settings: &Settings,
    seq: u64,
    assessment: &Assessment,
    mut request: Request,
    is_edited: bool,
    page: &Page,
) -> String {
    let mut words = "resent".to_owned();
    if is_edited {
        words.push_str(match sign(settings, assessment, &mut request) {
            Ok(true) => ", edited and signed again",
            Ok(false) => ", edited",
            Err(why) => return format!("#{seq} not sent: {why}\n"),
        });
    }
    let results = resender.resend(&settings.forwards, assessment, &request).await;
    if results.is_empty() {
        return format!("#{seq} not sent: no --forward matches {}\n", assessment.title());
    }
    let mut text = String::new();
    for forwarded in results {
        let _ = write!(text, "#{seq} {words}  ");
        page.resent(&Forwarded { outcome: forwarded.outcome.map_err(for_people), ..forwarded }, &mut text);
    }
    text
}

/// Without what a sender would have got: here, there is none.
fn for_people(error: String) -> String {
    match error.rsplit_once("; responded ") {
        Some((cause, _)) => cause.to_owned(),
        None => error,
    }
}

/// Signs a request again. Returns whether its provider signs it.
fn sign(settings: &Settings, assessment: &Assessment, request: &mut Request) -> Result<bool, String> {
    let Some(provider) = assessment.provider.as_deref() else { return Ok(false) };
    if assessment.verdict == Verdict::Unsigned || provider.schemes.is_empty() {
        return Ok(false);
    }
    let Some(secret) = settings.keyring.secrets(&provider.name).first() else {
        return Err(format!("there is no secret of {} to sign it with", provider.title));
    };
    let context = moment(now(), None).map_err(|error| error.to_string())?;
    let event = assessment.event.as_deref().and_then(|name| name.split_once('.')).map_or("", |(_, event)| event);
    let url = settings.called_url(request);
    let _ = provider.resign(request, event, secret, &context, url.as_deref());
    Ok(true)
}
