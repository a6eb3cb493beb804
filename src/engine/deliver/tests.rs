//! Runs against endpoints in memory, with the clock paused: what is sent when, and what is reported.

use std::collections::VecDeque;

use http::{HeaderName, HeaderValue};
use parking_lot::Mutex;
use tokio::time::Instant;

use super::*;
use crate::{
    net::url::parse_url,
    webhook::{
        assessment::Judge,
        contract::Tamper,
        keyring::{Keyring, SecretSource},
        overrides::Override,
        payload::MAX_DECODED_BYTES,
        provider::{catalog::Catalog, compose::BodySource},
        record::{CaptureSource, Outcome, Response},
        remedy::Remedy,
        request::{Headers, Method},
        signature::SigningSecret,
    },
};

/// 14 November 2023, 22:13:20 UTC.
const START: i64 = 1_700_000_000;

/// An endpoint in memory.
struct ScriptedEndpoint {
    /// A response for each request, or `None` if the endpoint can't be reached.
    responses: Mutex<VecDeque<Option<Response>>>,
    started: Instant,
    /// Each request, with the seconds since the start.
    requests: Mutex<Vec<(u64, Request)>>,
}

impl Transport for &ScriptedEndpoint {
    async fn send(&self, _: &Url, request: &Request, _: Duration) -> SendResult {
        self.requests.lock().push((self.started.elapsed().as_secs(), request.clone()));
        let next = self.responses.lock().pop_front().expect("a response for each request");
        let response = next.ok_or_else(|| SendError::Unreachable("nothing listens".into()));
        SendResult { response, elapsed: Duration::ZERO }
    }
}

impl ScriptedEndpoint {
    fn new(responses: impl IntoIterator<Item = Option<Response>>) -> Self {
        let responses = Mutex::new(responses.into_iter().collect());
        Self { responses, started: Instant::now(), requests: Mutex::default() }
    }

    /// The seconds at which the requests arrived.
    fn times(&self) -> Vec<u64> {
        self.requests.lock().iter().map(|(at, _)| *at).collect()
    }

    /// The value of a header in each request.
    fn header(&self, name: &str) -> Vec<String> {
        let requests = self.requests.lock();
        requests.iter().map(|(_, request)| request.headers.text(name).unwrap().into_owned()).collect()
    }
}

/// Records what is reported.
#[derive(Default)]
struct Recorder {
    attempts: Vec<Attempt>,
    waits: Vec<u64>,
    skipped: Option<usize>,
}

impl Recorder {
    /// The event and number of each attempt.
    fn order(&self) -> Vec<(&str, u32)> {
        self.attempts.iter().map(|attempt| (attempt.event.as_deref().unwrap_or_default(), attempt.number)).collect()
    }
}

impl DeliveryObserver for Recorder {
    fn attempt(&mut self, attempt: &Attempt, _: bool) -> io::Result<()> {
        self.attempts.push(attempt.clone());
        Ok(())
    }

    fn waiting(&mut self, wait: &Wait<'_>) {
        self.waits.push(wait.at_provider.as_secs());
    }

    fn resumed(&mut self) {}

    fn gave_up(&mut self, _: &Job, skipped: usize) {
        self.skipped = Some(skipped);
    }
}

const UNREACHABLE: Option<Response> = None;

fn responses(statuses: &[u16]) -> Vec<Option<Response>> {
    let response = |&status| Some(Response { status, headers: Headers::new(), body: "".into() });
    statuses.iter().map(response).collect()
}

fn with_retry_after(wait: &'static str, mut responses: Vec<Option<Response>>) -> Vec<Option<Response>> {
    if let Some(Some(first)) = responses.first_mut() {
        first.headers.push(HeaderName::from_static("retry-after"), HeaderValue::from_static(wait));
    }
    responses
}

fn url() -> Url {
    parse_url("http://127.0.0.1:1/").unwrap()
}

/// The development secrets of the built-in providers.
pub(in crate::engine) fn keyring(catalog: &Catalog) -> Keyring {
    let mut keyring = Keyring::default();
    for provider in catalog.providers() {
        let Some(rule) = &provider.secret else { continue };
        let secret = SigningSecret::parse(&rule.development, &rule.format).unwrap();
        keyring.add(&provider.name, secret, SecretSource::Development);
    }
    keyring
}

fn batch(events: &[&str]) -> Batch {
    let catalog = Catalog::builtin();
    let job = |name: &&str| {
        let (provider, event) = catalog.event(name).unwrap();
        Job::event(provider, event, BodySource::Fixture(None, &[]), url()).unwrap()
    };
    Batch { jobs: events.iter().map(job).collect(), keyring: keyring(&catalog) }
}

/// A dispatcher whose clock starts at [`START`] and advances with the runtime's.
fn dispatcher(script: &ScriptedEndpoint) -> Dispatcher<&ScriptedEndpoint> {
    let started = script.started;
    let settings = DeliverySettings {
        transport: script,
        timeout: None,
        now: None,
        id: Some("msg_1".to_owned()),
        captures: None,
        redact: false,
    };
    let clock = move || {
        let elapsed = i64::try_from(started.elapsed().as_millis()).unwrap();
        Timestamp::from_unix_millis(START * 1000 + elapsed)
    };
    Dispatcher { clock: Box::new(clock), ..Dispatcher::new(settings) }
}

async fn deliver(batch: &Batch, script: &ScriptedEndpoint, retries: Retries) -> (RunOutcome, Recorder) {
    let mut recorder = Recorder::default();
    let outcome = run(batch, &dispatcher(script), retries, &mut recorder).await.unwrap();
    (outcome, recorder)
}

const AS_PUBLISHED: Retries = Retries::AtSpeed(1.0);

#[tokio::test(start_paused = true)]
async fn aspect_retries_on_svixs_schedule_with_a_new_signature_and_the_same_id() {
    let script = ScriptedEndpoint::new(responses(&[500; 8]));
    let (outcome, recorder) = deliver(&batch(&["aspect.task.failed"]), &script, AS_PUBLISHED).await;
    let times = [0, 5, 305, 2105, 9305, 27_305, 63_305, 99_305];
    assert_eq!((outcome, script.times()), (RunOutcome::Failed, times.to_vec()));
    let numbers: Vec<(u32, u32)> = recorder.attempts.iter().map(|attempt| (attempt.number, attempt.of)).collect();
    assert_eq!(numbers, (1..=8).map(|number| (number, 8)).collect::<Vec<_>>());
    assert_eq!(recorder.waits, [5, 300, 1800, 7200, 18_000, 36_000, 36_000]);
    assert_eq!(script.header("svix-id"), ["msg_1"; 8]);
    let dated: Vec<String> = times.iter().map(|at| (1_700_000_000 + at).to_string()).collect();
    assert_eq!(script.header("svix-timestamp"), dated);
    let mut signatures = script.header("svix-signature");
    signatures.dedup();
    assert_eq!(signatures.len(), 8);
    let bodies: Vec<_> = script.requests.lock().iter().map(|(_, request)| request.body.clone()).collect();
    assert!(bodies.iter().all(|body| body == &bodies[0]));
}

#[tokio::test(start_paused = true)]
async fn jewelmusic_retries_on_its_own_schedule_with_the_same_signature() {
    let script = ScriptedEndpoint::new(responses(&[500; 5]));
    let (outcome, _) = deliver(&batch(&["jewelmusic.release.live"]), &script, AS_PUBLISHED).await;
    assert_eq!((outcome, script.times()), (RunOutcome::Failed, vec![0, 60, 360, 2160, 9360]));
    assert_eq!(script.header("x-jewelmusic-timestamp"), ["1700000000"; 5]);
    let mut signatures = script.header("x-jewelmusic-signature");
    signatures.dedup();
    assert_eq!(signatures.len(), 1);
}

#[tokio::test(start_paused = true)]
async fn an_accepted_attempt_is_the_last() {
    let script = ScriptedEndpoint::new([UNREACHABLE, responses(&[200]).remove(0)]);
    let (outcome, recorder) = deliver(&batch(&["cyanite.v2.finished"]), &script, AS_PUBLISHED).await;
    assert_eq!((outcome, script.times(), recorder.skipped), (RunOutcome::Good, vec![0, 60], None));
}

#[tokio::test(start_paused = true)]
async fn waits_are_compressed_and_overlap() {
    let script = ScriptedEndpoint::new(responses(&[500, 500, 500, 200, 200]));
    let events = ["aspect.task.failed", "jewelmusic.release.live"];
    let (outcome, recorder) = deliver(&batch(&events), &script, Retries::AtSpeed(0.5)).await;
    assert_eq!((outcome, script.times()), (RunOutcome::Good, vec![0, 0, 10, 120, 610]));
    let [aspect, jewelmusic] = events;
    assert_eq!(recorder.order(), [(aspect, 1), (jewelmusic, 1), (aspect, 2), (jewelmusic, 2), (aspect, 3)]);
}

#[tokio::test(start_paused = true)]
async fn retry_after_and_410_count_only_where_the_specification_says_so() {
    let script = ScriptedEndpoint::new(
        [with_retry_after("60", responses(&[429])), with_retry_after("1", responses(&[503, 410]))].concat(),
    );
    let (outcome, _) = deliver(&batch(&["aspect.task.failed"]), &script, AS_PUBLISHED).await;
    assert_eq!((outcome, script.times()), (RunOutcome::Failed, vec![0, 60, 360]));
    // JewelMusic documents neither.
    let script = ScriptedEndpoint::new(with_retry_after("7200", responses(&[410, 200])));
    let (outcome, _) = deliver(&batch(&["jewelmusic.release.live"]), &script, AS_PUBLISHED).await;
    assert_eq!((outcome, script.times()), (RunOutcome::Good, vec![0, 60]));
}

#[tokio::test(start_paused = true)]
async fn the_next_encoding_follows_at_once() {
    let script = ScriptedEndpoint::new(responses(&[500, 500, 200]));
    let (outcome, recorder) = deliver(&batch(&["auphonic.done", "auphonic.error"]), &script, AS_PUBLISHED).await;
    assert_eq!((outcome, script.times(), recorder.waits.len()), (RunOutcome::Failed, vec![0, 0, 0], 0));
    assert_eq!(recorder.order(), [("auphonic.done", 1), ("auphonic.done", 2), ("auphonic.error", 1)]);
}

#[tokio::test(start_paused = true)]
async fn without_retries_an_unreachable_endpoint_skips_the_rest() {
    let script = ScriptedEndpoint::new([responses(&[500]).remove(0), UNREACHABLE]);
    let events = ["cyanite.v2.finished", "cyanite.v2.failed", "cyanite.v1.test"];
    let (outcome, recorder) = deliver(&batch(&events), &script, Retries::None).await;
    assert_eq!((outcome, recorder.skipped, script.times()), (RunOutcome::Unreachable, Some(1), vec![0, 0]));
}

#[tokio::test(start_paused = true)]
async fn the_reason_says_what_the_provider_expects_and_the_remedy_what_to_do() {
    let batch = batch(&["cyanite.v2.finished"]);
    let (_, recorder) = deliver(&batch, &ScriptedEndpoint::new(responses(&[204])), Retries::None).await;
    let Attempt { outcome, good, reason, remedy, .. } = &recorder.attempts[0];
    assert_eq!((*outcome, *good, remedy), (Outcome::Refused, false, &None));
    assert_eq!(reason, "Cyanite counts 204 as failed; it expects exactly 200");
    let (_, recorder) = deliver(&batch, &ScriptedEndpoint::new(responses(&[200])), Retries::None).await;
    assert_eq!(recorder.attempts[0].reason, "Cyanite expects exactly 200");
}

#[tokio::test(start_paused = true)]
async fn a_forgery_is_good_if_it_is_refused() {
    let mut batch = batch(&["aspect.task.failed"]);
    batch.jobs[0].tamper = Some(Tamper::Missing);
    let (outcome, recorder) = deliver(&batch, &ScriptedEndpoint::new(responses(&[401])), AS_PUBLISHED).await;
    assert_eq!((outcome, recorder.attempts.len(), recorder.attempts[0].good), (RunOutcome::Good, 1, true));
    let (outcome, recorder) = deliver(&batch, &ScriptedEndpoint::new(responses(&[200])), AS_PUBLISHED).await;
    assert_eq!((outcome, recorder.attempts.len(), recorder.attempts[0].good), (RunOutcome::Failed, 1, false));
}

/// A batch that sends the request of a batch's first job again, as if it had been captured.
fn resend(batch: &Batch, script: &ScriptedEndpoint, changes: Changes<'_>) -> Batch {
    let (job, dispatcher) = (&batch.jobs[0], dispatcher(script));
    let state = dispatcher.begin(job).unwrap();
    let mut request = state.request(job, &job.attempts(false), dispatcher.now(), batch.secrets_of(job)).unwrap();
    request.headers.push(HeaderName::from_static("host"), HeaderValue::from_static("example.com"));
    let catalog = Catalog::builtin();
    let keyring = keyring(&catalog);
    let judge = Judge {
        catalog: &catalog,
        keyring: &keyring,
        provider: None,
        accepts_development: true,
        decoded_limit: MAX_DECODED_BYTES,
    };
    let assessment = judge.assess(&request, None.into());
    let now = Timestamp::from_unix_seconds(START + 600);
    let send = SendContext { now, id: None, entropy: [0; 32] };
    let secret = batch.secrets_of(job).first();
    let resend = Resend::new(request, &assessment, changes, secret, &send).unwrap();
    let (provider, event) = (assessment.provider, assessment.event);
    let content = JobContent::Capture(Box::new(resend));
    let source = CaptureSource { file: "a.ndjson".to_owned(), location: "a.ndjson:2".to_owned() };
    let (source, headers, tamper) = (Some(source), Headers::new(), None);
    Batch { jobs: vec![Job { provider, event, source, was: None, url: url(), content, headers, tamper }], keyring }
}

#[tokio::test(start_paused = true)]
async fn an_old_capture_is_sent_unchanged_and_its_rejection_is_explained() {
    let script = ScriptedEndpoint::new(responses(&[401, 401]));
    let events = batch(&["aspect.task.failed"]);
    let captures = resend(&events, &script, Changes::default());
    deliver(&events, &script, Retries::None).await;
    tokio::time::advance(Duration::from_secs(600)).await;
    let (outcome, recorder) = deliver(&captures, &script, Retries::None).await;
    let Attempt { reason, remedy, .. } = &recorder.attempts[0];
    assert_eq!((outcome, remedy), (RunOutcome::Failed, &Some(Remedy::SignAgain)));
    assert_eq!(reason, "Aspect counts 401 as failed; it expects any 2xx; the capture was signed 10 min ago");
    let requests = script.requests.lock();
    let mut resent = requests[1].1.clone();
    assert_eq!(resent.headers.text("host").as_deref(), Some("127.0.0.1:1"));
    resent.headers.remove("host");
    assert_eq!(requests[0].1, resent);
}

#[tokio::test(start_paused = true)]
async fn a_capture_that_is_signed_again_keeps_its_id() {
    let script = ScriptedEndpoint::new(responses(&[200]));
    let captures = resend(&batch(&["aspect.task.failed"]), &script, Changes { resign: true, ..Changes::default() });
    tokio::time::advance(Duration::from_secs(600)).await;
    let (outcome, recorder) = deliver(&captures, &script, Retries::None).await;
    assert_eq!(outcome, RunOutcome::Good);
    assert_eq!(recorder.attempts[0].reason, "Aspect expects any 2xx; renewed: svix-timestamp, svix-signature");
    assert_eq!(
        (script.header("svix-id"), script.header("svix-timestamp")),
        (vec!["msg_1".to_owned()], vec![(START + 600).to_string()])
    );
}

#[test]
fn a_capture_of_an_unknown_provider_cannot_be_changed() {
    let catalog = Catalog::builtin();
    let judge = Judge {
        catalog: &catalog,
        keyring: &Keyring::default(),
        provider: None,
        accepts_development: true,
        decoded_limit: 0,
    };
    let request = Request { method: Method::POST, target: "/".into(), headers: Headers::new(), body: "{}".into() };
    let assessment = judge.assess(&request, None.into());
    let overrides = [Override::set("a=1").unwrap()];
    let context = SendContext { now: Timestamp::from_unix_seconds(START), id: None, entropy: [0; 32] };
    let [set, resign] =
        [Changes { overrides: &overrides, ..Changes::default() }, Changes { resign: true, ..Changes::default() }];
    for changes in [set, resign] {
        let error = Resend::new(request.clone(), &assessment, changes, None, &context).unwrap_err();
        assert_eq!(error.to_string(), "can't sign the captured request: it matches no known provider");
    }
}
