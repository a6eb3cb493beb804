//! `send --edit`: opens the payload of the one job in the user's editor before it is signed and sent.

use bytes::Bytes;
use http::{HeaderValue, Method, header};

use crate::{
    cli::{Print, SendArgs},
    commands::{
        context::Context,
        editor::{Differences, Edited, edited},
        exit::Failure,
    },
    engine::{
        clock::now,
        deliver::{Batch, JobContent},
        entropy::send_context,
    },
    webhook::{
        provider::{
            compose::{DeliveryDraft, SendContext},
            prepared::PreparedEvent,
        },
        request::{Headers, Request},
    },
};

const UNCHANGED: &str = "nothing was changed";

/// What the editor made of the payload.
#[derive(Default)]
pub(super) struct Edit {
    /// The id that an event's delivery must use, since its payload may contain it.
    pub(super) id: Option<String>,
    /// The edited payload; `None` if nothing was changed.
    pub(super) edited: Option<Edited>,
}

/// Opens the payload, and shows what changed.
///
/// # Errors
///
/// If there are several payloads, or the payload can't be edited.
pub(super) fn edit(context: &Context, args: &SendArgs, batch: &mut Batch) -> Result<Edit, Failure> {
    if matches!(args.print, Some(Print::Locust | Print::K6)) {
        return Err(Failure::usage("--edit is for one delivery; a script makes new ones"));
    }
    let [job] = batch.jobs.as_mut_slice() else {
        return match batch.jobs.len() {
            // The reason has been reported.
            0 => Ok(Edit::default()),
            count => Err(Failure::usage(format!("--edit opens one payload, but the arguments name {count}"))
                .hint("name one event, or a file with one captured request")),
        };
    };
    let secret = job.provider.as_ref().and_then(|provider| batch.keyring.secrets(&provider.name).first());
    let send = send_context(args.now.unwrap_or_else(now), args.id.clone())?;
    match &mut job.content {
        JobContent::Event(prepared) => {
            let (event, edit) = edit_event(context, prepared, &send)?;
            **prepared = event;
            Ok(edit)
        }
        JobContent::Capture(resend) => {
            if let Some(edited) = edited(&resend.request)? {
                show(context, &edited.differences);
                resend.edit(edited.request.clone(), job.provider.as_deref(), secret, &send);
                return Ok(Edit { id: None, edited: Some(edited) });
            }
            context.terminal.note(UNCHANGED);
            let has_overrides = [&args.set, &args.add, &args.remove].iter().any(|texts| !texts.is_empty());
            if !args.resign && !has_overrides {
                resend.restore();
            }
            Ok(Edit::default())
        }
    }
}

/// Edits the payload of an event. The delivery keeps the fresh values and the id that the editor shows.
fn edit_event(
    context: &Context,
    prepared: &PreparedEvent,
    send: &SendContext,
) -> Result<(PreparedEvent, Edit), Failure> {
    let draft = prepared.draft(send);
    let shown = shown(&draft);
    if shown.body.is_empty() {
        return Err(Failure::usage("can't edit the payload: it is empty"));
    }
    let edited = edited(&shown)?;
    let body = if let Some(edited) = &edited {
        show(context, &edited.differences);
        edited.request.body.clone()
    } else {
        context.terminal.note(UNCHANGED);
        shown.body
    };
    match (prepared.with_payload(body), edited) {
        (Ok(prepared), edited) => Ok((prepared, Edit { id: Some(draft.id).filter(|id| !id.is_empty()), edited })),
        (Err(error), edited) => {
            let failure = Failure::usage("can't send the edited payload").because(&error);
            Err(match edited {
                Some(edited) => failure.hint(format!("{}; --data FILE sends it, whatever it contains", edited.kept())),
                None => failure,
            })
        }
    }
}

/// The payload as a request, which is what the editor takes.
fn shown(draft: &DeliveryDraft) -> Request {
    let mut headers = Headers::new();
    if draft.payload().is_some() {
        headers.set(&header::CONTENT_TYPE, HeaderValue::from_static("application/json"));
    }
    let body: Bytes = draft.payload_or_bytes().clone();
    Request { method: Method::POST, target: "/".to_owned(), headers, body }
}

fn show(context: &Context, differences: &Differences) {
    context.terminal.say(&differences.text(&context.terminal.message_page()));
}
