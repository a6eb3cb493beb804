//! Hypotheses about the body: each takes the received body, and emits the bodies that may have been signed.

use std::borrow::Cow;

use super::order::KeyOrder;
use crate::webhook::{
    diagnose::{Code, SearchStep},
    request::Request,
};

/// Emits bodies that may have been signed.
pub type Hypothesis = fn(ReceivedBody<'_>, &mut Emit<'_>) -> SearchStep;

/// Receives such a body, with the code and message of the finding that it would prove.
pub type Emit<'e> = dyn FnMut(Vec<u8>, Code, Cow<'static, str>) -> SearchStep + 'e;

/// The body to start from: the request's own, or one that was already changed once.
#[derive(Clone, Copy)]
pub struct ReceivedBody<'a> {
    pub body: &'a [u8],
    pub request: &'a Request,
    /// The order of keys in the provider's examples of this event.
    pub examples: &'a [KeyOrder],
}
