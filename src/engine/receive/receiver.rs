//! Handles each request: verifies it, decides on the response, saves it, and publishes it.

use std::{
    sync::{
        Arc,
        atomic::{AtomicU64, AtomicUsize, Ordering},
    },
    time::Duration,
};

use futures_util::FutureExt;
use http::{header::ORIGIN, request::Parts};
use reqwest::Url;
use tokio::{
    sync::Semaphore,
    task::{JoinHandle, spawn_blocking},
};
use tokio_util::sync::CancellationToken;

use super::{
    browsers::FromBrowser,
    capture_writer::CaptureWriter,
    consumers::{Consumers, Slots, Unwritten},
    explainer::{Explainer, PendingAssessment, TooMany},
    forwards::{Arrival, FinishedForward, Forward, Forwarder, Forwards, PendingForward},
    pending::PendingForwards,
    publication::Publication,
    repeats::{DeliveryIdentity, Repeats},
    response::{self, ForwardPolicy, ResponsePolicy, Rotation},
    rest::ResponseRest,
    settings::{CurrentSettings, ReceiverSettings, UnusedSecret},
};
use crate::{
    engine::clock::now,
    net::receiver::{BodyPermit, CountGuard, Handler, Outgoing, ReceiveError, ReceivedRequest, excerpt},
    webhook::{
        assessment::Assessment,
        payload::{MAX_DECODED_BYTES, decoded},
        place::{self, Lookup},
        record::{Delivery, ForwardFailureKind, Forwarded, Response},
        redact,
        remedy::Warning,
        request::Request,
        signature::{SecretText, Verdict},
        time::Timestamp,
        trust::Trust,
        words::REDACTED,
    },
};

/// How many bodies over [`INLINE_BODY_LIMIT`] are parsed at a time. Each may take a few hundred times its size in
/// memory.
const MAX_LARGE_BODIES: usize = 2;

/// How many compressed bodies that are over [`INLINE_BODY_LIMIT`], compressed or not, are parsed at a time. They don't
/// count towards [`MAX_LARGE_BODIES`]: a few hundred bytes may expand to what takes a second to parse.
const MAX_COMPRESSED_BODIES: usize = 1;

/// The maximum size of a body that is parsed in the connection's task, in bytes; that takes less than a millisecond.
/// Larger ones, compressed or not, are parsed on a blocking thread, so that they don't hold up other connections.
const INLINE_BODY_LIMIT: usize = 16 << 10;

/// Gets the provider's title, and a secret from a handshake or the reason why it is not used.
pub type OnSecret = Box<dyn Fn(&str, Result<&SecretText, UnusedSecret>) + Send + Sync>;

/// The components of a [`Receiver`].
pub struct ReceiverSetup {
    /// The settings, which may be replaced while the receiver runs.
    pub settings: Arc<CurrentSettings>,
    /// How it responds.
    pub responses: ResponsePolicy,
    /// Where it saves deliveries, if at all.
    pub captures: Option<CaptureWriter>,
    /// The consumers of the deliveries.
    pub consumers: Consumers,
    /// Lists the forwards in progress, for front ends that show them.
    pub pending: Option<Arc<PendingForwards>>,
    /// Gets every problem outside a delivery.
    pub on_error: Box<dyn Fn(ReceiveError) + Send + Sync>,
    /// Gets the secrets from handshakes, each with its provider's title.
    pub on_secret: OnSecret,
    /// The time of every receipt, instead of the clock's.
    pub now: Option<Timestamp>,
    /// Cancels every wait for a handler or a delay.
    pub cancel: CancellationToken,
}

/// Receives deliveries; run it with [`serve`](crate::net::receiver::serve).
pub struct Receiver {
    settings: Arc<CurrentSettings>,
    rotation: Rotation,
    delay: Option<Duration>,
    forwarded: ForwardPolicy,
    allow_browsers: bool,
    forwarder: Forwarder,
    captures: Option<CaptureWriter>,
    consumers: Arc<Consumers>,
    explainer: Explainer,
    repeats: Arc<Repeats>,
    on_error: Box<dyn Fn(ReceiveError) + Send + Sync>,
    on_secret: OnSecret,
    now: Option<Timestamp>,
    cancel: CancellationToken,
    large_bodies: Semaphore,
    compressed_bodies: Semaphore,
    seq: AtomicU64,
    in_progress: Arc<AtomicUsize>,
}

impl Receiver {
    /// A receiver that has received nothing yet.
    #[must_use]
    pub fn new(setup: ReceiverSetup) -> Self {
        let ReceiverSetup { settings, responses, captures, consumers, pending, on_error, on_secret, now, cancel } =
            setup;
        let ResponsePolicy { statuses, delay, forwarded, allow_browsers, forward_timeout, forward_wait } = responses;
        Self {
            settings,
            rotation: Rotation::new(statuses),
            delay,
            forwarded,
            allow_browsers,
            forwarder: Forwarder::new(forward_timeout, forward_wait, pending, cancel.clone()),
            captures,
            consumers: Arc::new(consumers),
            explainer: Explainer::default(),
            repeats: Arc::default(),
            on_error,
            on_secret,
            now,
            cancel,
            large_bodies: Semaphore::new(MAX_LARGE_BODIES),
            compressed_bodies: Semaphore::new(MAX_COMPRESSED_BODIES),
            seq: AtomicU64::new(0),
            in_progress: Arc::default(),
        }
    }

    /// The number of deliveries that have been received but not responded to.
    #[must_use]
    pub fn in_progress(&self) -> Arc<AtomicUsize> {
        Arc::clone(&self.in_progress)
    }

    /// A forwarder that resends deliveries to its targets, within the same limits.
    #[must_use]
    pub fn resender(&self) -> Forwarder {
        self.forwarder.clone()
    }

    async fn assess(
        &self,
        settings: &Arc<ReceiverSettings>,
        request: &Request,
        received_at: Timestamp,
    ) -> (Assessment, DeliveryIdentity) {
        let assess = move |settings: &ReceiverSettings, repeats: &Repeats, request: &Request| {
            let assessment = settings.assess(request, received_at);
            let identity = repeats.identify(request, &assessment);
            (assessment, identity)
        };
        let is_compressed = request.headers.contains("content-encoding");
        if request.body.len() <= INLINE_BODY_LIMIT && (!is_compressed || decoded(request, INLINE_BODY_LIMIT).is_ok()) {
            return assess(settings, &self.repeats, request);
        }
        let permit = if is_compressed { &self.compressed_bodies } else { &self.large_bodies }.acquire().await;
        let (settings, repeats, request) = (Arc::clone(settings), Arc::clone(&self.repeats), request.clone());
        let assessed = spawn_blocking(move || assess(&settings, &repeats, &request)).await;
        drop(permit);
        match assessed {
            Ok(assessed) => assessed,
            // The server reports the panic and responds 500, as for a panic in this task.
            Err(error) => std::panic::resume_unwind(error.into_panic()),
        }
    }

    /// Decides on the response. Waits for the delay, and for the forward to the first target.
    async fn respond(
        &self,
        targets: &[&Url],
        request: &Request,
        assessment: &mut Assessment,
        handshake: Option<Response>,
        arrival: Arrival<'_>,
    ) -> Responded {
        if let Some(delay) = self.delay {
            tokio::select! {
                () = tokio::time::sleep(delay) => {}
                // No delay keeps the memory of a sender that may be gone.
                () = arrival.closed.cancelled() => {}
                () = self.cancel.cancelled() => {}
            }
        }
        if let Some(fixed) = self.rotation.next() {
            return fixed.into();
        }
        if let Some(response) = handshake {
            return response.into();
        }
        let targets = if self.forwarded.includes(assessment) { targets } else { &[] };
        if targets.is_empty() {
            return response::default(request, assessment).into();
        }
        // In memory of its own, because it is large, and the future of every delivery has room for what it may await.
        let forwarding = Box::pin(self.forwarder.forward(targets, assessment, request, arrival));
        let Some(Forwards { first, others }) = forwarding.await else {
            return response::default(request, assessment).into();
        };
        let FinishedForward { forwarded, response, rest, writing } = first;
        let otherwise = match forwarded.outcome.as_ref().err().map(|problem| problem.kind) {
            Some(ForwardFailureKind::Busy) => {
                let warning = "the handler is busy, so the sender was asked to send this again";
                assessment.warnings.push(warning.to_owned().into());
                response::busy
            }
            Some(ForwardFailureKind::Returned) => response::returned,
            _ => response::no_response,
        };
        let response = response.unwrap_or_else(otherwise);
        Responded { response, rest, writing, forwards: vec![forwarded], others }
    }

    /// The response to a handshake that is genuine or that the provider doesn't sign. A secret in it is put to use,
    /// unless there is a reason not to, and removed from the request, so that it is neither shown nor saved.
    fn respond_to_handshake(
        &self,
        settings: &ReceiverSettings,
        request: &mut Request,
        assessment: &Assessment,
    ) -> Option<Response> {
        let (provider, handshake) = (assessment.provider.as_ref()?, assessment.handshake()?);
        assessment.trust()?;
        let (response, secret) = {
            let body = provider.decode(request, MAX_DECODED_BYTES).ok()?;
            let payload = body.payload(request);
            let lookup = Lookup::of(request, &payload);
            let own = provider.handed_over(handshake, &lookup);
            let secrets = settings.keyring.secrets(&provider.name);
            let signing = match &assessment.verdict {
                Verdict::Verified(verified) => secrets.get(verified.secret),
                _ => secrets.first(),
            };
            (handshake.response.make(&lookup, own.as_ref().or(signing)), own)
        };
        if let (Some(secret), Some(place)) = (secret, &handshake.secret) {
            place::write(request, place, REDACTED);
            let text = SecretText::from(secret.expose().to_owned());
            let is_known = settings.keyring.secrets(&provider.name).contains(&secret);
            let taken = if self.forwarded == ForwardPolicy::All || is_known {
                self.settings.take_handed_over(&provider.name, secret, settings.accepts_development)
            } else {
                Err(UnusedSecret::OwnSecretsOnly)
            };
            match taken {
                Ok(true) => (self.on_secret)(&provider.title, Ok(&text)),
                Ok(false) => {}
                Err(reason) => (self.on_secret)(&provider.title, Err(reason)),
            }
        }
        Some(response)
    }

    /// The current settings.
    #[must_use]
    pub fn settings(&self) -> Arc<ReceiverSettings> {
        self.settings.get()
    }

    /// Handles one request under these settings.
    pub async fn receive(&self, received: ReceivedRequest, settings: Arc<ReceiverSettings>) -> Outgoing {
        let in_progress = CountGuard::new(&self.in_progress);
        let ReceivedRequest { mut request, started, permit, closed } = received;
        let received_at = self.now.unwrap_or_else(now);
        let seq = self.seq.fetch_add(1, Ordering::Relaxed) + 1;
        let (mut assessment, identity) = self.assess(&settings, &request, received_at).await;
        self.settings.note_use(&settings, &assessment);
        let repeat = self.repeats.add(identity, seq, received_at);
        let targets = Forward::targets(&settings.forwards, &assessment);
        let warning = if targets.is_empty() {
            self.unmatched(&settings.forwards, &assessment)
        } else {
            self.forwarded.objection(&assessment)
        };
        assessment.warnings.extend(warning.clone());
        let handshake = self.respond_to_handshake(&settings, &mut request, &assessment);
        let not_forwarded = self.not_forwarded(&settings.forwards, &assessment, handshake.is_some(), warning);
        let is_verified = assessment.trust() == Some(Trust::Verified);
        let arrival = Arrival { seq, is_verified, closed: &closed, memory: &permit };
        let Responded { response, rest, writing, forwards, others } =
            self.respond(&targets, &request, &mut assessment, handshake, arrival).await;
        let mut outgoing = Outgoing::from(response);
        let mut shared = Arc::new(Delivery {
            seq,
            received_at,
            repeat,
            request,
            assessment,
            status: outgoing.response.status,
            elapsed: started.elapsed(),
            forwards,
            not_forwarded,
            capture: None,
            capture_error: None,
            sender_closed: closed.is_cancelled(),
        });
        // Not shared yet, so this doesn't copy it.
        let delivery = Arc::make_mut(&mut shared);
        if let Some(captures) = &self.captures {
            match captures.save(delivery).await {
                Ok(path) => delivery.capture = Some(path),
                Err(error) => {
                    delivery.fail(error);
                    outgoing = response::not_saved().into();
                }
            }
        }
        // Dropped first, because an observer may end the receiver, which then reports the number in progress.
        drop(in_progress);
        self.consumers.notify(delivery);
        let tail = rest.filter(|_| delivery.capture_error.is_none()).map(|rest| {
            let (sender, pieces) = rest.pieces();
            outgoing.rest = Some(pieces);
            let forwarded = delivery.forwards[0].clone();
            let passing = tokio::spawn(rest.pass_on(sender));
            let failed = async move {
                let error = passing.await.ok()?.err()?;
                Some(Forwarded { outcome: Err(error), ..forwarded })
            };
            failed.boxed()
        });
        let tail = tail.or_else(|| Some(writing?.map(|_| None).boxed()));
        let explanation = self.explain(settings, delivery, &permit);
        let consumers = Arc::clone(&self.consumers);
        let publication = Publication { consumers, delivery: shared, permit, explanation, forwards: others, tail };
        if self.publish(publication).await.is_err() { response::not_saved().into() } else { outgoing }
    }

    /// The warning that no forward matches this delivery, although there are some. Handshakes are exempt, because
    /// hookdev itself responds to them.
    fn unmatched(&self, forwards: &[Forward], assessment: &Assessment) -> Option<Warning> {
        if forwards.is_empty() || assessment.handshake().is_some() || !self.forwarded.includes(assessment) {
            return None;
        }
        let patterns: Vec<String> = forwards.iter().map(|forward| format!("`{}`", forward.events)).collect();
        let title = assessment.title();
        Some(format!("not forwarded: `{title}` matches none of the forwards: {}", patterns.join(", ")).into())
    }

    /// Why a delivery is not forwarded, although there are forwards. `warning` is the reason, if people are warned of
    /// it.
    fn not_forwarded(
        &self,
        forwards: &[Forward],
        assessment: &Assessment,
        is_handshake: bool,
        warning: Option<Warning>,
    ) -> Option<Warning> {
        let reason = |reason: &str| Some(Warning::from(format!("not forwarded: {reason}")));
        if forwards.is_empty() {
            None
        } else if !self.rotation.is_empty() {
            reason("hookdev responds with fixed status codes")
        } else if is_handshake {
            reason("hookdev itself responds to handshakes")
        } else if warning.is_some() || self.forwarded.includes(assessment) {
            warning
        } else {
            let objection = self.forwarded.objection(assessment);
            objection.or_else(|| reason("it is rejected, and only genuine deliveries are forwarded"))
        }
    }

    fn explain(
        &self,
        settings: Arc<ReceiverSettings>,
        delivery: &mut Delivery,
        permit: &BodyPermit,
    ) -> Option<PendingAssessment> {
        self.explainer.explain(settings, delivery, permit).unwrap_or_else(|TooMany(count)| {
            let warning = format!("not explained: too many rejected deliveries at once ({count} not explained so far)");
            delivery.assessment.warnings.push(warning.into());
            None
        })
    }

    /// Publishes a delivery. If the output is the only capture, waits until the delivery is written, except before the
    /// refusal of a rejected delivery, so that it can be published with its explanation.
    async fn publish(&self, mut publication: Publication) -> Result<(), Unwritten> {
        if !self.consumers.are_waited_for() {
            self.consumers.notify_response(&publication.delivery);
            publication.start(Slots::default());
            return Ok(());
        }
        let slots = match self.consumers.reserve().await {
            Ok(slots) => slots,
            Err(error) => {
                self.consumers.note_wait(Err(error));
                Arc::make_mut(&mut publication.delivery).fail(error.to_string());
                publication.start(Slots::default());
                return Err(error);
            }
        };
        let is_refused = !(200..300).contains(&publication.delivery.status);
        if publication.explanation.is_some() && is_refused {
            self.consumers.notify_response(&publication.delivery);
            publication.start(slots);
            return Ok(());
        }
        let confirmed = publication.start_confirmed(slots).await.received().await;
        self.consumers.note_wait(confirmed.as_ref().map(drop).map_err(|error| *error));
        let delivery = confirmed?;
        self.consumers.notify_response(&delivery);
        Ok(())
    }
}

/// A response, and the forwards of its delivery.
struct Responded {
    response: Response,
    /// The rest of the response's body.
    rest: Option<ResponseRest>,
    /// Writes the rest of the request to the handler that it came from.
    writing: Option<JoinHandle<()>>,
    /// The forward that it came from.
    forwards: Vec<Forwarded>,
    /// The forwards that the response did not wait for.
    others: Vec<PendingForward>,
}

impl From<Response> for Responded {
    fn from(response: Response) -> Self {
        Self { response, rest: None, writing: None, forwards: Vec::new(), others: Vec::new() }
    }
}

impl Handler for Receiver {
    fn screen(&self, head: &Parts) -> Option<Response> {
        match FromBrowser::recognise(head).filter(|_| !self.allow_browsers)? {
            FromBrowser::Visit => Some(response::page()),
            FromBrowser::Icon => Some(response::no_icon()),
            FromBrowser::Page => {
                let request = format!("{} {}", excerpt(head.method.as_str()), excerpt(head.uri.path()));
                let origin = head.headers.get(ORIGIN).filter(|origin| !origin.is_empty() && *origin != "null");
                let origin = origin.map(|origin| excerpt(&redact::query(&String::from_utf8_lossy(origin.as_bytes()))));
                self.on_error(ReceiveError::Browser { request, origin });
                Some(response::from_page())
            }
        }
    }

    async fn handle(&self, received: ReceivedRequest) -> Outgoing {
        self.receive(received, self.settings()).await
    }

    fn on_error(&self, error: ReceiveError) {
        (self.on_error)(error);
    }
}

#[cfg(test)]
mod tests {
    use std::io::Write;

    use flate2::{Compression, write::GzEncoder};
    use futures_util::FutureExt;
    use http::Method;

    use super::*;
    use crate::webhook::{
        keyring::Keyring,
        provider::catalog::Catalog,
        request::{HeaderName, HeaderValue, Headers},
    };

    fn receiver() -> Receiver {
        let settings = ReceiverSettings {
            catalog: Arc::new(Catalog::builtin()),
            keyring: Keyring::default(),
            provider: None,
            public_url: None,
            accepts_development: true,
            forwards: Vec::new(),
        };
        Receiver::new(ReceiverSetup {
            settings: Arc::new(CurrentSettings::new(settings)),
            responses: ResponsePolicy::default(),
            captures: None,
            consumers: Consumers::default(),
            pending: None,
            on_error: Box::new(|_| {}),
            on_secret: Box::new(|_, _| {}),
            now: None,
            cancel: CancellationToken::new(),
        })
    }

    fn plain(bytes: usize) -> Request {
        let body = vec![b'x'; bytes].into();
        Request { method: Method::POST, target: "/".into(), headers: Headers::default(), body }
    }

    fn compressed(bytes: usize) -> Request {
        let mut encoder = GzEncoder::new(Vec::new(), Compression::default());
        encoder.write_all(&vec![b'x'; bytes]).unwrap();
        let headers = [(HeaderName::from_static("content-encoding"), HeaderValue::from_static("gzip"))];
        Request { headers: headers.into_iter().collect(), body: encoder.finish().unwrap().into(), ..plain(0) }
    }

    #[tokio::test]
    async fn bodies_that_expand_hold_up_no_others() {
        let receiver = receiver();
        let settings = receiver.settings();
        let assess = |request: Request| {
            let (receiver, settings) = (&receiver, &settings);
            async move { receiver.assess(settings, &request, now()).await.0.verdict }
        };
        let _held =
            receiver.compressed_bodies.acquire_many(u32::try_from(MAX_COMPRESSED_BODIES).unwrap()).await.unwrap();
        assert_eq!(assess(compressed(INLINE_BODY_LIMIT + 1)).now_or_never(), None);
        for others in [compressed(INLINE_BODY_LIMIT), plain(INLINE_BODY_LIMIT + 1), plain(INLINE_BODY_LIMIT)] {
            assert_eq!(assess(others).await, Verdict::Unrecognised);
        }
    }
}
