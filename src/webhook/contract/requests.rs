//! The requests of a case, made when the case runs because times and ids must be fresh.

use bytes::Bytes;
use sha2::{Digest, Sha256};

use super::{
    cases::{BURST, Case, LARGE, large_body, size_words},
    cause::{EMOJI, FIRST_TIME, RETRY_SECONDS, SIGNED_WITH},
    mistakes::{DeliverySpec, other_names},
    name::CaseName,
    payloads,
    serialisations::{self, Serialisation},
    signed_request::OriginalDelivery,
    unknown,
};
use crate::webhook::{
    delivery::{Encoding, Media},
    json::{self, Path},
    keyring::Keyring,
    overrides::{Override, OverrideValue},
    place::{self, Place},
    provider::{
        Provider,
        compose::{AttemptParams, BodySource, DeliveryDraft, SendContext},
        event::Event,
    },
    request::{Headers, Request},
    schema::SchemaDefinition,
    signature::{SigningInput, SigningSecret},
    time::Timestamp,
    wire_form::WireForm,
};

/// One request of a case.
#[derive(Clone, Debug)]
pub struct CaseRequest {
    pub request: Request,
    /// How it differs from the other requests of the case, in words.
    pub variation: Option<String>,
    /// How it is written on the connection.
    pub form: WireForm,
    /// The encoding of its body.
    pub media: Media,
}

/// The context in which the requests of a case are made.
#[derive(Clone, Copy, Debug)]
pub struct CaseContext<'a> {
    /// The provider whose contract is checked.
    pub provider: &'a Provider,
    /// The time of signing.
    pub now: Timestamp,
    /// Randomness for ids and payload values, different for each case.
    pub entropy: [u8; 32],
    /// The path and query of the handler's URL.
    pub target: &'a str,
    /// The secrets; the first one of the provider signs.
    pub keyring: &'a Keyring,
    /// The user's own headers.
    pub own_headers: &'a Headers,
}

/// The texts of `body-unicode`, and what is special about each. A handler may store some of them and fail on others.
const UNICODE: [(&str, &str); 3] = [
    ("Zo\u{eb}", "Latin-1 letters"),
    ("\u{6771}\u{4eac} \u{4e8b}\u{52d9}", "letters beyond Latin-1"),
    ("\u{1f3b5}\u{1f468}\u{200d}\u{1f3a4}", EMOJI),
];

/// What the signature header holds next to the valid signature.
#[derive(Clone, Copy, Debug)]
enum ExtraEntry {
    InvalidSignature,
    UnknownVersion,
}

impl Case<'_> {
    /// The requests in the order in which they are sent.
    ///
    /// # Errors
    ///
    /// The reason, if the event can't be sent in this way.
    pub fn requests(&self, context: &CaseContext<'_>) -> Result<Vec<CaseRequest>, String> {
        if let Some(forgery) = self.name.forgery() {
            let draft = context.fixture(self.event, None, 0)?;
            let forged = forgery.requests(&context.original(&draft))?;
            let media = context.usual_encoding().media;
            let request = |(request, variation)| CaseRequest { request, variation, form: WireForm::Usual, media };
            return Ok(forged.into_iter().map(request).collect());
        }
        match self.name {
            CaseName::BodyUnicode => context.with_unicode(self.event),
            CaseName::BodyLarge => context.enlarged(self.event),
            CaseName::BodyEmptyValues => context.with_empty_values(self.event),
            CaseName::SignatureRotated => context.rotated(self.event),
            CaseName::Encoding(media) => {
                let mut encodings = context.provider.delivery.encodings.iter();
                let encoding = encodings
                    .find(|encoding| encoding.media == media)
                    .ok_or("the provider does not use this encoding")?;
                let draft = context.fixture(self.event, None, 0)?;
                Ok(vec![context.request(&draft, encoding, context.now, None)])
            }
            CaseName::BodyReserialised => context.reserialised(self.event),
            CaseName::VersionUnknown => context.with_extra_entry(self.event, ExtraEntry::UnknownVersion),
            CaseName::DeliveryDuplicated => context.duplicate(self.event),
            CaseName::EventUnknown => context.unknown_event(self.event),
            CaseName::Burst => (0..BURST)
                .map(|number| {
                    let draft = context.fixture(self.event, None, number)?;
                    Ok(context.usual_request(&draft, Some(format!("delivery {}", number + 1))))
                })
                .collect(),
            _ => {
                let draft = context.fixture(self.event, self.variant, 0)?;
                let request = context.usual_request(&draft, None);
                Ok(vec![CaseRequest { form: self.name.form(), ..request }])
            }
        }
    }
}

/// The events that show whether a handler accepts anything at all: at most two, signed and documented ones first.
#[must_use]
pub fn probes(provider: &Provider) -> Vec<&Event> {
    let mut events: Vec<&Event> = provider.events.iter().filter(|event| event.handshake.is_none()).collect();
    events.sort_by_key(|event| (event.unsigned, event.illustrative));
    events.truncate(2);
    events
}

impl<'a> CaseContext<'a> {
    fn context(&self, number: u8, id: Option<String>) -> SendContext {
        let entropy = Sha256::new_with_prefix(self.entropy).chain_update([number]).finalize().into();
        SendContext { now: self.now, id, entropy }
    }

    fn draft(&self, event: &Event, source: BodySource<'_>, context: &SendContext) -> Result<DeliveryDraft, String> {
        self.provider.draft(event, source, context).map_err(|error| error.to_string())
    }

    pub(super) fn fixture(
        &self,
        event: &Event,
        variant: Option<&[(Path, String)]>,
        number: u8,
    ) -> Result<DeliveryDraft, String> {
        self.draft(event, BodySource::Fixture(variant, &[]), &self.context(number, None))
    }

    fn attempt(&self, encoding: &'a Encoding, now: Timestamp) -> AttemptParams<'a> {
        let secrets = self.keyring.secrets(&self.provider.name);
        let (secret, sent_along) = (secrets.first(), secrets.get(1..).unwrap_or_default());
        AttemptParams { encoding, target: self.target, now, secret, sent_along, own_headers: self.own_headers }
    }

    /// The provider's secrets that replace each other.
    pub(super) fn secrets(&self) -> &'a [SigningSecret] {
        self.provider.rotation_secrets(self.keyring.secrets(&self.provider.name))
    }

    fn request(
        &self,
        draft: &DeliveryDraft,
        encoding: &'a Encoding,
        now: Timestamp,
        variation: Option<String>,
    ) -> CaseRequest {
        let request = self.provider.request(draft, &self.attempt(encoding, now));
        CaseRequest { request, variation, form: WireForm::Usual, media: encoding.media }
    }

    /// The encoding that the provider tries first.
    pub(super) fn usual_encoding(&self) -> &'a Encoding {
        &self.provider.delivery.encodings[0]
    }

    pub(super) fn usual_request(&self, draft: &DeliveryDraft, variation: Option<String>) -> CaseRequest {
        self.request(draft, self.usual_encoding(), self.now, variation)
    }

    /// A delivery of an edited fixture.
    fn edited(&self, event: &Event, edits: &[Override], number: u8, variation: String) -> Result<CaseRequest, String> {
        let draft = self.draft(event, BodySource::Fixture(None, edits), &self.context(number, None))?;
        Ok(self.usual_request(&draft, Some(variation)))
    }

    /// The fixture's payload, for edits.
    fn with_payload<T>(
        &self,
        event: &Event,
        edit: impl FnOnce(payloads::OriginalPayload<'_>) -> Option<T>,
    ) -> Result<T, String> {
        let draft = self.fixture(event, None, 0)?;
        let kept: Vec<&Path> = kept_values(event);
        let original = payloads::OriginalPayload {
            text: draft.payload().ok_or("the payload is not JSON")?,
            definition: self.definition(event),
            kept: &kept,
        };
        edit(original).ok_or_else(|| format!("the schema of {} allows no other text", event.full_name))
    }

    fn definition(&self, event: &Event) -> Option<SchemaDefinition<'a>> {
        self.provider.schema_of(Some(event)).and_then(|name| self.provider.schema().ok()?.definition(name))
    }

    fn with_unicode(&self, event: &Event) -> Result<Vec<CaseRequest>, String> {
        let request = |(number, (text, words)): (u8, (&str, &str))| {
            let edit = self.with_payload(event, |original| original.with_text(text))?;
            self.edited(event, &[edit], number, words.to_owned())
        };
        (0..).zip(UNICODE).map(request).collect()
    }

    /// Ever larger deliveries, so that the first failure shows the limit.
    fn enlarged(&self, event: &Event) -> Result<Vec<CaseRequest>, String> {
        let largest = large_body(self.provider);
        let sizes = LARGE.into_iter().filter(|size| *size < largest).chain([largest]);
        let request = |(number, size): (u8, usize)| {
            let with = |length: usize| {
                let edit = self.with_payload(event, |original| original.with_added_text(&"x".repeat(length)))?;
                self.edited(event, &[edit], number, size_words(size))
            };
            let empty = with(0)?.request.body.len();
            with(size.saturating_sub(empty))
        };
        (0..).zip(sizes).map(request).collect()
    }

    fn with_empty_values(&self, event: &Event) -> Result<Vec<CaseRequest>, String> {
        let is_form = self.usual_encoding().media != Media::Json;
        let (added, words) = if is_form {
            ("\"\"", "an empty field")
        } else {
            let empty = r#"{"text":"","list":[],"object":{},"none":null}"#;
            (empty, "a member with an empty string, list and object, and null")
        };
        let emptied = self.with_payload(event, |original| Some(original.emptied()))?;
        let added = self.with_payload(event, |original| Some(original.with_added(added)))?;
        let mut requests = Vec::new();
        if let Some(edit) = added {
            requests.push(self.edited(event, &[edit], 0, words.to_owned())?);
        }
        if !emptied.is_empty() && !is_form {
            let paths: Vec<String> = emptied.iter().map(|edit| edit.path().to_string()).collect();
            requests.push(self.edited(event, &emptied, 1, format!("null or [] in {}", paths.join(", ")))?);
        }
        if requests.is_empty() {
            Err(format!("the schema of {} allows no empty values", event.full_name))
        } else {
            Ok(requests)
        }
    }

    /// A delivery signed with each secret, if there are several. Where a header holds several signatures, also a valid
    /// one next to an invalid one, in both orders.
    fn rotated(&self, event: &Event) -> Result<Vec<CaseRequest>, String> {
        let secrets = self.secrets();
        let mut requests = Vec::new();
        for index in (0..secrets.len()).filter(|_| secrets.len() > 1) {
            let source = self.keyring.source(&self.provider.name, index).map(ToString::to_string).unwrap_or_default();
            let variation = Some(format!("{SIGNED_WITH} {} of {} ({source})", index + 1, secrets.len()));
            let request = self.signed_with(event, index)?;
            requests.extend(request.map(|request| CaseRequest { variation, ..request }));
        }
        if self.provider.schemes.first().is_some_and(|scheme| scheme.grammar.is_list()) {
            requests.extend(self.with_extra_entry(event, ExtraEntry::InvalidSignature)?);
        }
        Ok(requests)
    }

    pub(super) fn original<'d>(&self, draft: &'d DeliveryDraft) -> OriginalDelivery<'d>
    where
        'a: 'd,
    {
        OriginalDelivery { provider: self.provider, draft, attempt: self.attempt(self.usual_encoding(), self.now) }
    }

    /// A valid delivery of an event in each of the provider's encodings.
    ///
    /// # Errors
    ///
    /// The reason, if the event can't be sent.
    pub fn plain(&self, event: &Event) -> Result<Vec<CaseRequest>, String> {
        let draft = self.fixture(event, None, 0)?;
        let encodings = self.provider.delivery.encodings.iter();
        Ok(encodings.map(|encoding| self.request(&draft, encoding, self.now, None)).collect())
    }

    /// A delivery of an event that differs from the provider's; `None` if it would not differ, or can't be sent.
    pub(super) fn deviating(&self, event: &Event, spec: &DeliverySpec) -> Option<CaseRequest> {
        let DeliverySpec { scheme, secret, rewriting, encoding, other_headers, .. } = spec;
        let mut draft = self.fixture(event, None, 0).ok()?;
        if let Some(rewriting) = rewriting {
            let signs_json = self.usual_encoding().media == Media::Json && scheme.signs_body();
            let bytes = Bytes::from(rewriting.write(draft.payload().filter(|_| signs_json)?)?);
            draft = self.with_bytes(event, &draft, &bytes).ok()?;
        }
        let attempt = AttemptParams { secret: None, ..self.attempt(self.usual_encoding(), self.now) };
        let mut request = self.provider.request(&draft, &attempt);
        scheme.stamp(&mut request, &draft.id, self.now);
        let url = scheme.url_with_claims(self.target, &request);
        let message = SigningInput { request: &request, id: &draft.id, time: self.now, url: Some(&url) };
        let signed = scheme.sign(secret, &message)?;
        for (place, value) in signed {
            let is_signature = scheme.signature.places().first() == Some(place);
            let value = match encoding.filter(|_| is_signature) {
                Some(encoding) => encoding.apply(&scheme.grammar, &value)?,
                None => value,
            };
            if let Some(own) = place.header().filter(|_| *other_headers) {
                for name in other_names(self.provider, scheme, own) {
                    place::write(&mut request, &Place::Header(name), &value);
                }
            }
            place::write(&mut request, place, &value);
        }
        Some(CaseRequest { request, variation: None, form: WireForm::Usual, media: self.usual_encoding().media })
    }

    /// A valid delivery signed with the secret at this index; `None` if there is none.
    ///
    /// # Errors
    ///
    /// The reason, if the event can't be sent.
    pub(super) fn signed_with(&self, event: &Event, index: usize) -> Result<Option<CaseRequest>, String> {
        let Some(secret) = self.secrets().get(index) else { return Ok(None) };
        let draft = self.fixture(event, None, u8::try_from(index).unwrap_or(u8::MAX))?;
        let attempt = AttemptParams { secret: Some(secret), ..self.attempt(self.usual_encoding(), self.now) };
        let request = self.provider.request(&draft, &attempt);
        Ok(Some(CaseRequest { request, variation: None, form: WireForm::Usual, media: self.usual_encoding().media }))
    }

    /// The same delivery with a different body.
    fn with_body(&self, event: &Event, draft: &DeliveryDraft, body: Serialisation) -> Result<CaseRequest, String> {
        let draft = self.with_bytes(event, draft, &Bytes::from(body.text))?;
        Ok(self.usual_request(&draft, Some(body.variation.to_owned())))
    }

    /// The draft with these bytes as its body.
    pub(super) fn with_bytes(
        &self,
        event: &Event,
        draft: &DeliveryDraft,
        bytes: &Bytes,
    ) -> Result<DeliveryDraft, String> {
        let id = Some(draft.id.clone()).filter(|id| !id.is_empty());
        self.draft(event, BodySource::Bytes(bytes), &self.context(0, id))
    }

    /// A delivery for each serialisation, each with its own id because a handler may reject a repeated one.
    fn reserialised(&self, event: &Event) -> Result<Vec<CaseRequest>, String> {
        let count = self.serialisations(event, &self.fixture(event, None, 0)?)?.len();
        let request = |number: usize| {
            let draft = self.fixture(event, None, u8::try_from(number).unwrap_or(u8::MAX))?;
            let mut serialisations = self.serialisations(event, &draft)?.into_iter();
            let serialisation =
                serialisations.nth(number).ok_or("the payload can be serialised in fewer ways than before")?;
            self.with_body(event, &draft, serialisation)
        };
        (0..count).map(request).collect()
    }

    fn serialisations(&self, event: &Event, draft: &DeliveryDraft) -> Result<Vec<Serialisation>, String> {
        match self.usual_encoding().media {
            Media::Json => Ok(serialisations::json(draft.payload().unwrap_or_default(), self.definition(event))),
            Media::Urlencoded => {
                let body = self.usual_request(draft, None).request.body;
                Ok(vec![serialisations::urlencoded(&String::from_utf8_lossy(&body))])
            }
            Media::Multipart => Err("a multipart form can be written in only one way".to_owned()),
        }
    }

    /// Two deliveries whose signature header has two entries: the valid one after the extra one, then before it.
    fn with_extra_entry(&self, event: &Event, extra: ExtraEntry) -> Result<Vec<CaseRequest>, String> {
        let positions = ["the valid signature after", "the valid signature before"];
        let request = |(number, position): (u8, &str)| {
            let draft = self.fixture(event, None, number)?;
            let mut signed = self.original(&draft).signed()?;
            let (values, words) = match extra {
                ExtraEntry::InvalidSignature => (signed.with_invalid_signature(), "an invalid one"),
                ExtraEntry::UnknownVersion => (signed.with_unknown_version(), "one of an unknown version"),
            };
            let values = values.ok_or("the signature header is not a list")?;
            signed.set(&values[usize::from(number)])?;
            let (request, variation) = (signed.request, Some(format!("{position} {words}")));
            Ok(CaseRequest { request, variation, form: WireForm::Usual, media: self.usual_encoding().media })
        };
        (0..).zip(positions).map(request).collect()
    }

    /// The same delivery twice, with a new timestamp and signature where the provider's retries have them.
    fn duplicate(&self, event: &Event) -> Result<Vec<CaseRequest>, String> {
        let draft = self.fixture(event, None, 0)?;
        let before = Timestamp::from_unix_millis(self.now.unix_millis() - RETRY_SECONDS * 1000);
        let after = if self.provider.delivery.retry.renews_timestamp { self.now } else { before };
        let first = self.request(&draft, self.usual_encoding(), before, Some(FIRST_TIME.to_owned()));
        let second = self.request(&draft, self.usual_encoding(), after, Some("the second time".to_owned()));
        Ok(vec![first, second])
    }

    /// The event with an undocumented value, in turn in each of the fields that name its type.
    fn unknown_event(&self, event: &Event) -> Result<Vec<CaseRequest>, String> {
        let mut paths = kept_values(event);
        let mut seen: Vec<&Path> = Vec::new();
        paths.retain(|path| {
            let new = !seen.contains(path);
            seen.push(path);
            new
        });
        let request = |(number, path): (usize, &Path)| {
            let number = u8::try_from(number).unwrap_or(u8::MAX);
            if event.is_recognised_by_presence_of(path) {
                let source = BodySource::Fixture(None, &unknown::renamed(&event.fixture, path));
                let draft = self.draft(event, source, &self.context(number, None))?;
                return Ok(self.usual_request(&draft, Some(format!("{} in place of {path}", unknown::NAME))));
            }
            let old = json::parse(&event.fixture).ok().and_then(|root| Some(root.get(path)?.text()?.into_owned()));
            let undocumented = unknown::value(old.as_deref().unwrap_or_default());
            let edit = [Override::Set { path: path.clone(), value: OverrideValue::text(undocumented) }];
            let mut draft = self.draft(event, BodySource::Fixture(None, &edit), &self.context(number, None))?;
            draft.event = undocumented.into();
            Ok(self.usual_request(&draft, Some(format!("{path}={undocumented}"))))
        };
        let mut requests = paths.into_iter().enumerate().map(request).collect::<Result<Vec<_>, String>>()?;
        for (index, (place, old)) in event.marks().enumerate() {
            let number = u8::try_from(requests.len()).unwrap_or(u8::MAX);
            let undocumented = unknown::value(old);
            let mut draft = self.draft(event, BodySource::Fixture(None, &[]), &self.context(number, None))?;
            // Without a listed event, these are all that is sent beside the payload.
            draft.event = undocumented.into();
            let marks = event.marks().enumerate();
            let value = |at: usize, value: &str| if at == index { undocumented.to_owned() } else { value.to_owned() };
            draft.extras.extend(marks.map(|(at, (place, old))| (place.clone(), value(at, old))));
            requests.push(self.usual_request(&draft, Some(format!("{place}={undocumented}"))));
        }
        Ok(requests)
    }
}

/// The values that name an event and its variants.
fn kept_values(event: &Event) -> Vec<&Path> {
    event.named_by().chain(event.variants.iter().flatten().map(|(path, _)| path)).collect()
}
