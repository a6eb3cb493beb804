//! Hypotheses about JSON: the same document with other escapes, or as a library would write it.

use std::ops::ControlFlow;

use super::{
    hypothesis::{Emit, ReceivedBody},
    libraries::{SPELLINGS, WRITERS},
    serialise::with_document,
};
use crate::webhook::diagnose::{Code, Step};

/// The same JSON with its strings in other escapes.
pub fn respelled(ReceivedBody { body, .. }: ReceivedBody<'_>, emit: &mut Emit<'_>) -> Step {
    with_document(body, |document| {
        SPELLINGS.iter().try_for_each(|(escapes, words)| {
            let message = format!(
                "the signature covers the same JSON {words}: its strings were decoded and re-encoded after signing"
            );
            emit(document.respelled(escapes).into_bytes(), Code::BodyReencoded, message.into())
        })
    })
}

/// The same JSON as a library writes it.
pub fn reserialised(ReceivedBody { body, .. }: ReceivedBody<'_>, emit: &mut Emit<'_>) -> Step {
    with_document(body, |document| {
        for sorted in [false, true] {
            for writer in &WRITERS {
                for &layout in writer.layouts {
                    let Some(text) = document.written(writer, layout, sorted) else { continue };
                    let keys = if sorted { ", keys sorted" } else { "" };
                    let message = format!(
                        "the signature covers the same JSON {}{keys}, as written by {}: the body was parsed and re-serialised after signing",
                        layout.words(),
                        writer.call
                    );
                    emit(text.into_bytes(), Code::BodyReserialised, message.into())?;
                }
            }
        }
        ControlFlow::Continue(())
    })
}
