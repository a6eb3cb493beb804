//! Runs against handlers in memory: what is sent, what is reported and in which order, and how a run ends.

use parking_lot::Mutex;
use standardwebhooks::Webhook;

use super::*;
use crate::{
    net::client::SendResult,
    webhook::{
        contract::{CaseOutcome, deviations::MAX_DEVIATIONS},
        keyring::SecretSource,
        provider::catalog::Catalog,
        record::Response,
        remedy::Remedy,
        request::Request,
        response::Excerpt,
        signature::SigningSecret,
    },
};

/// Aspect's public development secret.
const SECRET: &str = "whsec_aG9va2Rldi1kZXZlbG9wbWVudC1zZWNyZXQtYXNwY3Q=";

const REFUSED: &str = "nothing listens on 127.0.0.1:3000 (connection refused)";

/// A handler in memory: a function of the request and of the number of requests before it.
struct FakeHandler<F> {
    respond: F,
    received: Mutex<Vec<Request>>,
}

impl<F: Fn(&Request, usize) -> Result<u16, SendError>> FakeHandler<F> {
    fn new(respond: F) -> Self {
        Self { respond, received: Mutex::default() }
    }

    fn received(&self) -> usize {
        self.received.lock().len()
    }
}

impl<F: Fn(&Request, usize) -> Result<u16, SendError> + Sync> Transport for FakeHandler<F> {
    async fn send(&self, _: &Url, request: &Request, _: Duration) -> SendResult {
        let mut received = self.received.lock();
        let status = (self.respond)(request, received.len());
        received.push(request.clone());
        SendResult {
            response: status.map(|status| Response { status, headers: Headers::new(), body: "details".into() }),
            elapsed: Duration::from_millis(2),
        }
    }
}

/// Whether Svix's own library accepts a request.
fn is_valid(request: &Request) -> bool {
    is_signed(request, &Webhook::new(SECRET).unwrap())
}

/// The same with another secret.
fn is_signed(request: &Request, webhook: &Webhook) -> bool {
    let headers: http::HeaderMap = request
        .headers
        .iter()
        .filter_map(|(name, value)| Some((name.as_str().strip_prefix("svix-")?, value)))
        .map(|(name, value)| (http::HeaderName::try_from(format!("webhook-{name}")).unwrap(), value.clone()))
        .collect();
    webhook.verify(&request.body, &headers).is_ok()
}

/// The status of a correct handler.
fn correct(request: &Request) -> u16 {
    if is_valid(request) { 200 } else { 401 }
}

#[derive(Default)]
struct Recorder {
    targets: Vec<(String, usize)>,
    cases: Vec<CaseRecord>,
    /// Whether the report can't be written.
    fails: bool,
}

impl Recorder {
    fn names(&self, outcome: &str) -> Vec<&str> {
        let cases = self.cases.iter().filter(|case| case.outcome.name() == outcome);
        cases.map(|case| case.name.as_str()).collect()
    }

    /// The message and the remedy of a case that did not pass.
    fn explanation(&self, name: CaseName) -> (&str, Option<&Remedy>) {
        let case = self.cases.iter().find(|case| case.name == name).unwrap();
        match &case.outcome {
            CaseOutcome::Failed(problem) | CaseOutcome::Warned(problem) => (&problem.message, problem.remedy.as_ref()),
            CaseOutcome::Skipped(reason) => (reason, None),
            CaseOutcome::Passed => panic!("{name:?} passed"),
        }
    }
}

impl CheckObserver for Recorder {
    fn target(&mut self, target: &CheckTarget, planned: &[CaseRecord]) -> io::Result<()> {
        self.targets.push((target.provider.name.clone(), planned.len()));
        Ok(())
    }

    fn case(&mut self, record: &CaseRecord) -> io::Result<()> {
        self.cases.push(record.clone());
        if self.fails { Err(io::ErrorKind::StorageFull.into()) } else { Ok(()) }
    }
}

struct CheckSetup {
    targets: Vec<CheckTarget>,
    keyring: Keyring,
    own_headers: Headers,
}

impl CheckSetup {
    fn new() -> Self {
        let catalog = Catalog::builtin();
        let provider = Arc::clone(catalog.get("aspect").unwrap());
        let format = &provider.secret.as_ref().unwrap().format;
        let mut keyring = Keyring::default();
        keyring.add("aspect", SigningSecret::parse(SECRET, format).unwrap(), SecretSource::Development);
        let url = Url::parse("http://127.0.0.1:3000/hooks").unwrap();
        Self { targets: vec![CheckTarget { provider, url }], keyring, own_headers: Headers::new() }
    }

    fn settings<'a, T>(&'a self, transport: &'a T) -> CheckSettings<'a, T> {
        CheckSettings { transport, timeout: None, keyring: &self.keyring, own_headers: &self.own_headers }
    }

    async fn run<T: Transport>(&self, handler: &T, globs: &[&str]) -> (Recorder, CheckSummary) {
        let selection = selection(globs).unwrap();
        let mut runner = Runner::new(self.settings(handler), &selection, Recorder::default());
        runner.run(&self.targets).await.unwrap();
        runner.finish().unwrap()
    }
}

fn selection(globs: &[&str]) -> Result<Selection, NoSuchCase> {
    Selection::new(globs.iter().map(|glob| Pattern::new(glob).unwrap()).collect(), Vec::new())
}

const fn summary(passed: usize, failed: usize, skipped: usize) -> CheckSummary {
    CheckSummary { tally: CaseTally { passed, failed, warned: 0, skipped }, unreachable: false }
}

const FORGERIES: [&str; 11] = [
    "body-tampered",
    "secret-wrong",
    "signature-missing",
    "signature-truncated",
    "signature-empty",
    "signature-garbage",
    "header-missing",
    "timestamp-garbage",
    "timestamp-stale",
    "timestamp-future",
    "body-malformed",
];

#[tokio::test]
async fn a_correct_handler_passes_every_case_in_order() {
    let (setup, handler) = (CheckSetup::new(), FakeHandler::new(|request, _| Ok(correct(request))));
    let (recorder, total) = setup.run(&handler, &[]).await;
    assert_eq!(total, summary(25, 0, 0));
    assert_eq!(recorder.targets, [("aspect".to_owned(), 25)]);
    let bodies = ["body-reserialised", "body-unicode", "body-large", "body-empty-values"];
    let last = ["signature-rotated", "version-unknown", "delivery-duplicated", "event-unknown", "burst"];
    let proxies = ["body-chunked", "header-case"];
    let all = [&["event-accepted"; 3][..], &bodies, &FORGERIES, &last, &proxies].concat();
    assert_eq!(recorder.names("passed"), all);
}

#[tokio::test]
async fn the_plan_counts_the_deliveries_that_are_sent() {
    let setup = CheckSetup::new();
    for (globs, expected) in [
        (&[][..], None),
        (&["burst"], Some(Plan { deliveries: 21, valid: 21, probes: 1 })),
        (&["secret-wrong"], Some(Plan { deliveries: 2, valid: 1, probes: 1 })),
    ] {
        let handler = FakeHandler::new(|request, _| Ok(correct(request)));
        let plan = plan(setup.settings(&handler), &setup.targets, &selection(globs).unwrap()).unwrap();
        setup.run(&handler, globs).await;
        let valid = handler.received.lock().iter().filter(|request| is_valid(request)).count();
        assert_eq!((plan.deliveries, plan.valid), (handler.received(), valid), "{globs:?}");
        assert!(expected.is_none_or(|expected| expected == plan), "{plan:?}");
    }
}

#[tokio::test]
async fn a_handler_that_never_verifies_fails_every_forgery() {
    let (setup, handler) = (CheckSetup::new(), FakeHandler::new(|_: &Request, _| Ok(204)));
    let (recorder, total) = setup.run(&handler, &[]).await;
    assert_eq!((recorder.names("failed"), total), (FORGERIES.to_vec(), summary(14, 11, 0)));
    // Reported before secret-wrong ran, and yet explained by it.
    let (message, remedy) = recorder.explanation(CaseName::BodyTampered);
    assert_eq!(message, "accepted (204) although the body was changed after signing");
    let Some(Remedy::Advice(advice)) = remedy else { panic!("{remedy:?}") };
    assert!(advice.starts_with("the handler never verifies the signature: "), "{advice}");
}

#[tokio::test]
async fn a_handler_that_accepts_nothing_is_not_tried_further() {
    let (setup, handler) = (CheckSetup::new(), FakeHandler::new(|_: &Request, _| Ok(401)));
    let (recorder, total) = setup.run(&handler, &[]).await;
    assert_eq!(total, summary(0, 1, 24));
    // Two events, and the first one in some of the ways in which a handler might verify it.
    assert!((30..=2 + MAX_DEVIATIONS).contains(&handler.received()), "{}", handler.received());
    let (message, remedy) = recorder.explanation(CaseName::EventAccepted);
    assert_eq!(message, "Aspect counts 401 as failed; it expects any 2xx");
    let Some(Remedy::CompareHandlerSecret { provider, source, .. }) = remedy else { panic!("{remedy:?}") };
    assert_eq!((provider.as_str(), source), ("aspect", &SecretSource::Development));
    assert_eq!(recorder.explanation(CaseName::Burst).0, "not tried: the handler accepts no valid delivery");
    assert_eq!(recorder.cases[0].outcome.problem().unwrap().response, Some(Excerpt::Text(vec!["details".to_owned()])));
}

#[tokio::test]
async fn an_unreachable_handler_is_tried_once() {
    let unreachable = |_: &Request, _| Err(SendError::Unreachable(REFUSED.to_owned()));
    let (setup, handler) = (CheckSetup::new(), FakeHandler::new(unreachable));
    let (recorder, total) = setup.run(&handler, &[]).await;
    assert_eq!(total, CheckSummary { unreachable: true, ..summary(0, 1, 24) });
    assert_eq!(handler.received(), 1);
    assert_eq!(recorder.explanation(CaseName::EventAccepted), (REFUSED, Some(&Remedy::StartHandler)));
    assert_eq!(recorder.explanation(CaseName::Burst).0, "not tried: the handler can't be reached");
}

#[tokio::test]
async fn a_handler_that_stops_is_not_tried_further() {
    // Three events and the first serialisation.
    let respond = |request: &Request, before: usize| match before {
        ..=3 => Ok(correct(request)),
        _ => Err(SendError::Unreachable(REFUSED.to_owned())),
    };
    let (setup, handler) = (CheckSetup::new(), FakeHandler::new(respond));
    let (recorder, total) = setup.run(&handler, &[]).await;
    assert_eq!((recorder.names("failed"), total), (vec!["body-reserialised"], summary(3, 1, 21)));
    assert_eq!(
        recorder.explanation(CaseName::BodyReserialised).0,
        format!("{REFUSED}: the handler stopped after `body-reserialised`")
    );
    assert_eq!(recorder.explanation(CaseName::Burst).0, "not tried: the handler stopped after `body-reserialised`");
}

#[tokio::test]
async fn a_timeout_names_the_limit() {
    let setup = CheckSetup::new();
    let handler = FakeHandler::new(|_: &Request, _| Err(SendError::TimedOut(Duration::from_secs(1))));
    let settings = CheckSettings { timeout: Some(Duration::from_secs(1)), ..setup.settings(&handler) };
    let everything = Selection::default();
    let mut runner = Runner::new(settings, &everything, Recorder::default());
    runner.run(&setup.targets).await.unwrap();
    let (recorder, total) = runner.finish().unwrap();
    assert_eq!(total, summary(0, 1, 24));
    assert_eq!(recorder.explanation(CaseName::EventAccepted).0, "no response within 1 s");
}

#[tokio::test]
async fn a_handler_that_takes_too_long_for_one_delivery_alone_verifies_that_one() {
    // Its key is the text of the secret, and it does slow work before it responds.
    let respond = |request: &Request, _| {
        if is_signed(request, &Webhook::from_bytes(SECRET.as_bytes().to_vec()).unwrap()) {
            Err(SendError::TimedOut(Duration::from_secs(15)))
        } else {
            Ok(401)
        }
    };
    let (setup, handler) = (CheckSetup::new(), FakeHandler::new(respond));
    let (recorder, _) = setup.run(&handler, &[]).await;
    let (_, remedy) = recorder.explanation(CaseName::EventAccepted);
    let Some(Remedy::Advice(advice)) = remedy else { panic!("{remedy:?}") };
    assert!(advice.starts_with("the handler uses the text of the secret as the key"), "{advice}");
}

#[tokio::test]
async fn a_timeout_in_a_crowd_proves_nothing() {
    // It works on one request at a time and refuses them all, but the fifth waits too long for the others.
    let respond = |_: &Request, before: usize| match before % 5 {
        4 => Err(SendError::TimedOut(Duration::from_secs(15))),
        _ => Ok(401),
    };
    let (setup, handler) = (CheckSetup::new(), FakeHandler::new(respond));
    let (recorder, _) = setup.run(&handler, &[]).await;
    let (_, remedy) = recorder.explanation(CaseName::EventAccepted);
    assert!(matches!(remedy, Some(Remedy::CompareHandlerSecret { .. })), "{remedy:?}");
}

/// A handler that verifies, and then responds 400 to every event, as it does to forgeries, and `to_short` to a body
/// without any member.
fn refuses_events(to_short: u16) -> impl Fn(&Request, usize) -> Result<u16, SendError> {
    move |request, _| Ok(if is_valid(request) && request.body.len() == 2 { to_short } else { 400 })
}

#[tokio::test]
async fn a_handler_that_verifies_only_the_shortest_bodies_may_refuse_events_or_alter_them() {
    let (setup, handler) = (CheckSetup::new(), FakeHandler::new(refuses_events(500)));
    let (recorder, _) = setup.run(&handler, &[]).await;
    let (_, remedy) = recorder.explanation(CaseName::EventAccepted);
    let Some(Remedy::Advice(advice)) = remedy else { panic!("{remedy:?}") };
    for said in [
        "it verifies the event too, and then responds 400, as it does to forgeries: respond 200 to events that you do not handle",
        "it re-serialises the JSON, or it reads only a part of the body",
    ] {
        assert!(advice.contains(said), "{advice}");
    }
}

#[tokio::test]
async fn a_status_of_a_proxy_proves_no_verification() {
    for status in [429, 502, 503, 504] {
        let (setup, handler) = (CheckSetup::new(), FakeHandler::new(refuses_events(status)));
        let (recorder, _) = setup.run(&handler, &[]).await;
        let (_, remedy) = recorder.explanation(CaseName::EventAccepted);
        assert!(matches!(remedy, Some(Remedy::CompareHandlerSecret { .. })), "{status}: {remedy:?}");
    }
}

#[tokio::test]
async fn every_handler_is_checked() {
    let mut setup = CheckSetup::new();
    setup.targets.push(setup.targets[0].clone());
    let handler = FakeHandler::new(|request, _| Ok(correct(request)));
    let (recorder, total) = setup.run(&handler, &["signature-missing"]).await;
    assert_eq!(total, summary(2, 0, 0));
    assert_eq!(recorder.targets, [("aspect".to_owned(), 1), ("aspect".to_owned(), 1)]);
}

#[tokio::test]
async fn an_observer_that_fails_ends_the_run() {
    let (setup, handler) = (CheckSetup::new(), FakeHandler::new(|request, _| Ok(correct(request))));
    let everything = Selection::default();
    let recorder = Recorder { fails: true, ..Recorder::default() };
    let mut runner = Runner::new(setup.settings(&handler), &everything, recorder);
    let error = runner.run(&setup.targets).await.unwrap_err();
    assert!(matches!(&error, CheckError::Report(source) if source.kind() == io::ErrorKind::StorageFull), "{error:?}");
    assert_eq!(handler.received(), 1);
}

#[test]
fn a_glob_that_matches_no_case_is_an_error() {
    assert_eq!(
        selection(&["burst", "signature-mising"]).unwrap_err().to_string(),
        "no case matches `signature-mising`"
    );
}
