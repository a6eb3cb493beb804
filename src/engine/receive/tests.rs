//! A receiver in this process: requests over a real socket, deliveries from its consumers.

use std::{collections::HashSet, net::SocketAddr, sync::Arc, time::Duration};

use http::Method;
use parking_lot::Mutex;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpListener, TcpStream},
    task::JoinHandle,
};
use tokio_util::sync::CancellationToken;

use super::*;
use crate::{
    net::receiver::{ReceiveError, ReceiverLimits, serve},
    store::captures::CaptureStore,
    webhook::{
        assessment::Assessment,
        keyring::{Keyring, SecretSource},
        provider::catalog::Catalog,
        record::{Delivery, ForwardFailure, ForwardFailureKind},
        request::{Headers, Request},
        signature::{Receipt, SigningSecret},
        time::Timestamp,
    },
};

/// Cyanite's `v2.finished` from its documentation.
const BODY: &str = r#"{"version":"2","resource":{"type":"LibraryTrack","id":"999"},"event":{"type":"AudioAnalysisV6","status":"finished"}}"#;

/// The signature of [`BODY`] under the development secret, computed with Python's `hmac`.
const SIGNATURE: &str = "13a7442bbf01174251ab1d2f5e8d2cc1a19c0063f4886076e48e169059b228671f052a708ba81b848b82380ee97f7a90333e0ac285c6174179d268578caaa276";

/// A delivery of an unrecognised request.
pub(in crate::engine) fn delivery(seq: u64) -> Delivery {
    delivery_of(seq, "hello")
}

/// A delivery of an unrecognised request with this body.
pub(in crate::engine) fn delivery_of(seq: u64, body: impl Into<bytes::Bytes>) -> Delivery {
    let catalog = Arc::new(Catalog::builtin());
    let settings = ReceiverSettings {
        catalog,
        keyring: Keyring::default(),
        provider: None,
        public_url: None,
        accepts_development: true,
        forwards: Vec::new(),
    };
    let request = Request { method: Method::POST, target: "/".to_owned(), headers: Headers::new(), body: body.into() };
    let assessment = settings.judge().assess(&request, Receipt::default());
    Delivery {
        seq,
        received_at: Timestamp::from_unix_seconds(0),
        repeat: None,
        request,
        assessment,
        status: 200,
        elapsed: Duration::ZERO,
        forwards: Vec::new(),
        not_forwarded: None,
        capture: None,
        capture_error: None,
        sender_closed: false,
    }
}

/// A receiver that runs until it is dropped or stopped.
struct RunningReceiver {
    address: SocketAddr,
    deliveries: Deliveries,
    errors: Arc<Mutex<Vec<ReceiveError>>>,
    cancel: CancellationToken,
    stop: CancellationToken,
    serving: JoinHandle<()>,
    /// The rejected deliveries that were published without an explanation, which may still follow.
    unexplained: HashSet<u64>,
}

impl RunningReceiver {
    /// Starts a receiver with the development secrets and one consumer; `adjust` changes its setup.
    async fn start(adjust: impl FnOnce(&mut ReceiverSetup)) -> Self {
        Self::start_with(Vec::new(), adjust).await
    }

    async fn start_with(forwards: Vec<Forward>, adjust: impl FnOnce(&mut ReceiverSetup)) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let catalog = Arc::new(Catalog::builtin());
        let mut keyring = Keyring::default();
        for provider in catalog.providers() {
            if let Some(rule) = &provider.secret {
                let secret = SigningSecret::parse(&rule.development, &rule.format).unwrap();
                keyring.add(&provider.name, secret, SecretSource::Development);
            }
        }
        let settings = ReceiverSettings {
            catalog,
            keyring,
            provider: None,
            public_url: None,
            accepts_development: true,
            forwards,
        };
        let mut consumers = Consumers::default();
        let deliveries = consumers.add(16, WhenFull::Skip);
        let errors = Arc::new(Mutex::new(Vec::new()));
        let (cancel, stop) = (CancellationToken::new(), CancellationToken::new());
        let mut setup = ReceiverSetup {
            settings: Arc::new(CurrentSettings::new(settings)),
            responses: ResponsePolicy { forward_timeout: Duration::from_secs(60), ..ResponsePolicy::default() },
            captures: None,
            consumers,
            pending: None,
            on_error: {
                let errors = Arc::clone(&errors);
                Box::new(move |error| errors.lock().push(error))
            },
            on_secret: Box::new(|_, _| {}),
            now: None,
            cancel: cancel.clone(),
        };
        adjust(&mut setup);
        let limits = ReceiverLimits { body: 1 << 10, ..ReceiverLimits::default() };
        let receiver = Arc::new(Receiver::new(setup));
        let serving = tokio::spawn(serve(listener, limits, receiver, stop.clone().cancelled_owned()));
        Self { address, deliveries, errors, cancel, stop, serving, unexplained: HashSet::new() }
    }

    /// Posts a body to `/cyanite` with [`SIGNATURE`]; the status and body of the response.
    async fn post(&self, body: &str) -> (u16, String) {
        post(self.address, body).await
    }

    /// The next delivery. The explanation of one that was published without it may come before.
    async fn next(&mut self) -> Delivery {
        loop {
            match self.deliveries.next().await {
                Some(Update::Delivery(published)) => {
                    let delivery = published.delivery().clone();
                    let Assessment { verdict, findings, .. } = &delivery.assessment;
                    if verdict.rejection().is_some() && findings.is_empty() {
                        self.unexplained.insert(delivery.seq);
                    }
                    return delivery;
                }
                Some(update) => self.explains(&update),
                None => panic!("the receiver publishes no more deliveries"),
            }
        }
    }

    /// The codes of the findings about a delivery, which may follow it.
    async fn codes(&mut self, delivery: Delivery) -> Vec<&'static str> {
        let findings = if self.unexplained.remove(&delivery.seq) {
            match self.deliveries.next().await {
                Some(Update::Findings { seq, findings, .. }) if seq == delivery.seq => findings,
                other => panic!("findings, not {other:?}"),
            }
        } else {
            delivery.assessment.findings
        };
        findings.iter().map(|finding| finding.code.as_str()).collect()
    }

    /// Checks that an update is the one explanation of a delivery that was published without it.
    fn explains(&mut self, update: &Update) {
        let is_awaited = matches!(update, Update::Findings { seq, .. } if self.unexplained.remove(seq));
        assert!(is_awaited, "{update:?}");
    }

    /// Stops the receiver, and checks that it published nothing more but such explanations.
    async fn stop(mut self) {
        self.stop.cancel();
        (&mut self.serving).await.unwrap();
        while let Some(update) = self.deliveries.next().await {
            self.explains(&update);
        }
    }
}

async fn post(address: SocketAddr, body: &str) -> (u16, String) {
    let mut stream = TcpStream::connect(address).await.unwrap();
    let length = body.len();
    let request = format!(
        "POST /cyanite HTTP/1.1\r\nhost: x\r\nsignature: {SIGNATURE}\r\nconnection: close\r\n\
         content-length: {length}\r\n\r\n{body}"
    );
    stream.write_all(request.as_bytes()).await.unwrap();
    let mut response = String::new();
    stream.read_to_string(&mut response).await.unwrap();
    let (head, body) = response.split_once("\r\n\r\n").unwrap();
    (head.split(' ').nth(1).unwrap().parse().unwrap(), body.to_owned())
}

#[tokio::test]
async fn a_request_is_verified_gets_a_response_and_is_published() {
    let mut receiver = RunningReceiver::start(|_| {}).await;
    assert_eq!(receiver.post(BODY).await, (200, String::new()));
    let delivery = receiver.next().await;
    assert_eq!((delivery.seq, delivery.status), (1, 200));
    assert_eq!(delivery.assessment.verdict.name(), "verified");
    assert_eq!(delivery.assessment.event.as_deref(), Some("cyanite.v2.finished"));
    assert_eq!((delivery.request.target.as_str(), &delivery.request.body[..]), ("/cyanite", BODY.as_bytes()));
    receiver.stop().await;
}

#[tokio::test]
async fn a_rejected_request_is_published_with_its_findings() {
    let mut receiver = RunningReceiver::start(|_| {}).await;
    assert_eq!(receiver.post(&BODY.replace(':', ": ")).await, (401, "rejected\n".to_owned()));
    let delivery = receiver.next().await;
    assert_eq!(delivery.assessment.verdict.name(), "rejected");
    assert_eq!(receiver.codes(delivery).await, ["body-reserialised"]);
    receiver.stop().await;
}

#[tokio::test]
async fn fixed_statuses_are_used_in_rotation() {
    let mut receiver = RunningReceiver::start(|setup| setup.responses.statuses = vec![503, 200]).await;
    for status in [503, 200, 503] {
        assert_eq!(receiver.post(BODY).await.0, status);
        assert_eq!(receiver.next().await.status, status);
    }
    receiver.stop().await;
}

#[tokio::test]
async fn a_sender_that_closes_the_connection_before_the_response_gets_a_warning() {
    let mut receiver = RunningReceiver::start(|setup| setup.responses.delay = Some(Duration::MAX)).await;
    let mut stream = TcpStream::connect(receiver.address).await.unwrap();
    let length = BODY.len();
    let request = format!(
        "POST /cyanite HTTP/1.1\r\nhost: x\r\nsignature: {SIGNATURE}\r\ncontent-length: {length}\r\n\r\n{BODY}"
    );
    stream.write_all(request.as_bytes()).await.unwrap();
    drop(stream);
    let delivery = receiver.next().await;
    let warnings: Vec<_> = delivery.warnings().into_iter().map(|warning| warning.message).collect();
    let expected =
        "the sender closed its side of the connection before the response, so it may count the delivery as failed";
    assert_eq!(warnings, [expected]);
    assert!(!delivery.is_delivered());
    receiver.stop().await;
}

#[tokio::test]
async fn a_forward_provides_the_response() {
    let mut handler = RunningReceiver::start(|setup| setup.responses.statuses = vec![418]).await;
    let forward = |events: &str| Forward {
        events: events.parse().unwrap(),
        url: format!("http://{}/cyanite", handler.address).parse().unwrap(),
    };
    let mut receiver = RunningReceiver::start_with(vec![forward("other.*"), forward("cyanite.*")], |_| {}).await;
    assert_eq!(receiver.post(BODY).await.0, 418);
    assert_eq!(handler.next().await.assessment.verdict.name(), "verified");
    let delivery = receiver.next().await;
    assert_eq!((delivery.status, delivery.forwards.len()), (418, 1));
    assert_eq!(delivery.forwards[0].outcome.as_ref().map(|response| response.status), Ok(418));
    receiver.stop().await;
    handler.stop().await;
}

#[tokio::test]
async fn cancelling_ends_the_wait_for_a_handler() {
    // It accepts connections and never responds.
    let handler = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}/", handler.local_addr().unwrap()).parse().unwrap();
    let forward = Forward { events: "*".parse().unwrap(), url };
    let mut receiver = RunningReceiver::start_with(vec![forward], |_| {}).await;
    let response = tokio::spawn(post(receiver.address, BODY));
    let _connection = handler.accept().await.unwrap();
    receiver.cancel.cancel();
    assert_eq!(response.await.unwrap(), (502, "hookdev got no response from the handler\n".to_owned()));
    let error = "hookdev was stopped before the handler responded";
    assert_eq!(
        receiver.next().await.forwards[0].outcome,
        Err(ForwardFailure::new(ForwardFailureKind::Abandoned, error))
    );
    receiver.stop().await;
}

#[tokio::test]
async fn cancelling_ends_a_long_response_that_nobody_waits_for() {
    let mut handler = RunningReceiver::start(|_| {}).await;
    let endless = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let forward = |address: SocketAddr| Forward {
        events: "*".parse().unwrap(),
        url: format!("http://{address}/cyanite").parse().unwrap(),
    };
    let forwards = vec![forward(handler.address), forward(endless.local_addr().unwrap())];
    let mut receiver = RunningReceiver::start_with(forwards, |_| {}).await;
    assert_eq!(receiver.post(BODY).await.0, 200);
    let (mut stream, _) = endless.accept().await.unwrap();
    stream.write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 1000000000\r\n\r\n").await.unwrap();
    // More than the buffers on the way hold.
    stream.write_all(&vec![0; 16 << 20]).await.unwrap();
    assert_eq!((handler.next().await.seq, receiver.next().await.seq), (1, 1));
    receiver.cancel.cancel();
    let Some(Update::Forwards { results, .. }) = receiver.deliveries.next().await else { panic!("no result") };
    let error = "your handler responded 200, but its body was cut off";
    assert_eq!(results.forwards[0].outcome, Err(ForwardFailure::new(ForwardFailureKind::Incomplete(200), error)));
    receiver.stop().await;
    handler.stop().await;
}

#[tokio::test]
async fn a_delivery_is_saved_before_its_response() {
    let dir = tempfile::tempdir().unwrap();
    let store = Arc::new(CaptureStore::open(dir.path()).unwrap());
    let mut receiver = RunningReceiver::start(|setup| {
        setup.captures = Some(CaptureWriter::start(store, false, |_| String::new(), |_| ()));
    })
    .await;
    assert_eq!(receiver.post(BODY).await.0, 200);
    let saved: Vec<_> = std::fs::read_dir(dir.path()).unwrap().map(|entry| entry.unwrap().path()).collect();
    let path = receiver.next().await.capture.unwrap();
    assert_eq!(saved, [std::path::PathBuf::from(&path)]);
    let capture: serde_json::Value = serde_json::from_slice(&std::fs::read(path).unwrap()).unwrap();
    assert_eq!((&capture["verdict"], &capture["request"]["body"]), (&"verified".into(), &BODY.into()));
    receiver.stop().await;
}

#[tokio::test]
async fn a_problem_outside_a_delivery_is_reported_and_not_published() {
    let receiver = RunningReceiver::start(|_| {}).await;
    assert_eq!(receiver.post(&"x".repeat(1025)).await, (413, "the body is too large\n".to_owned()));
    let error = receiver.errors.lock().pop().unwrap();
    assert_eq!(error.to_string(), "POST /cyanite: the body is larger than 1024 bytes; responded 413");
    receiver.stop().await;
}

#[tokio::test]
async fn expectations_count_verified_deliveries_until_they_are_met() {
    let expectation = |events: Option<&str>, wanted| DeliveryExpectation {
        events: events.map(|events| events.parse().unwrap()),
        wanted,
    };
    let expectations = [expectation(Some("cyanite.*"), 2), expectation(None, 3)];
    let mut counters = Vec::new();
    let mut receiver = RunningReceiver::start(|setup| {
        counters
            .push(expectations.iter().take(1).cloned().collect::<DeliveryExpectations>().count(&mut setup.consumers));
        counters.push(expectations.iter().cloned().collect::<DeliveryExpectations>().count(&mut setup.consumers));
        counters.push(DeliveryExpectations::default().count(&mut setup.consumers));
    })
    .await;
    for body in [BODY, "{}", BODY] {
        receiver.post(body).await;
        receiver.next().await;
    }
    counters[0].met().await;
    receiver.stop().await;
    let deliveries = |event: &str, verdict, count| ReceivedDeliveries { event: event.to_owned(), verdict, count };
    let shortfall = Shortfall {
        missing: vec!["3 deliveries (2 received)".to_owned()],
        received: vec![
            deliveries("cyanite", "rejected", 1),
            deliveries("cyanite.v2.finished", "verified (development)", 2),
        ],
    };
    let shortfalls: Vec<_> = counters.iter().map(ExpectationCounter::shortfall).collect();
    assert_eq!(shortfalls, [None, Some(shortfall), None]);
}

#[tokio::test]
async fn settings_are_replaced_for_later_requests() {
    let mut current = None;
    let mut receiver = RunningReceiver::start(|setup| current = Some(Arc::clone(&setup.settings))).await;
    assert_eq!(receiver.post(BODY).await.0, 200);
    let catalog = Arc::new(Catalog::builtin());
    let keyring = Keyring::default();
    current.unwrap().replace(ReceiverSettings {
        catalog,
        keyring,
        provider: None,
        public_url: None,
        accepts_development: true,
        forwards: Vec::new(),
    });
    assert_eq!(receiver.post(BODY).await.0, 401);
    let verdicts = [receiver.next().await, receiver.next().await].map(|delivery| delivery.assessment.verdict.name());
    assert_eq!(verdicts, ["verified", "rejected"]);
    receiver.stop().await;
}
