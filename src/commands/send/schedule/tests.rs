//! The waits as the providers publish them, over a clock that stands still.

use std::{cell::RefCell, collections::VecDeque};

use http::{HeaderName, HeaderValue};

use super::*;
use crate::{
    commands::send::fixture_job,
    net::sender::{SendError, Sent, parse_url},
    webhook::{
        provider::{catalog::Catalog, compose::BodySource},
        record::Response,
        request::{Headers, Request},
        signature::SigningSecret,
        time::Timestamp,
    },
};

/// An endpoint that answers by turns, and what it was sent when.
struct Script {
    /// An answer, or none where it can't be reached.
    turns: RefCell<VecDeque<Option<Response>>>,
    began: Instant,
    sent: RefCell<Vec<(u64, Request)>>,
}

impl Transport for &Script {
    async fn send(&self, _: &reqwest::Url, request: &Request, _: Duration) -> Sent {
        self.sent.borrow_mut().push((self.began.elapsed().as_secs(), request.clone()));
        let turn = self.turns.borrow_mut().pop_front().expect("a turn for each attempt");
        let answer = turn.ok_or_else(|| SendError::Unreachable("nothing listens".into()));
        Sent { answer, elapsed: Duration::ZERO }
    }
}

impl Script {
    fn new(turns: impl IntoIterator<Item = Option<Response>>) -> Self {
        Self { turns: RefCell::new(turns.into_iter().collect()), began: Instant::now(), sent: RefCell::new(Vec::new()) }
    }

    /// The seconds at which attempts came.
    fn times(&self) -> Vec<u64> {
        self.sent.borrow().iter().map(|(at, _)| *at).collect()
    }

    /// A header of each attempt.
    fn headers(&self, name: &str) -> Vec<String> {
        self.sent.borrow().iter().map(|(_, request)| request.headers.text(name).unwrap().into_owned()).collect()
    }
}

/// Keeps the attempts' numbers, and how many there can be.
#[derive(Default)]
struct Heard {
    attempts: Vec<(String, u32, u32)>,
    waits: Vec<u64>,
    gave_up: Option<usize>,
}

impl Told for Heard {
    fn attempt(&mut self, attempt: &Attempt, _: bool) -> Result<(), Failure> {
        self.attempts.push((attempt.event.clone().unwrap_or_default(), attempt.number, attempt.of));
        Ok(())
    }

    fn waits(&mut self, wait: &Wait<'_>) {
        self.waits.push(wait.at_provider.as_secs());
    }

    fn goes_on(&mut self) {}

    fn gives_up(&mut self, _: &Job, left: usize) {
        self.gave_up = Some(left);
    }
}

const UNREACHABLE: Option<Response> = None;

fn answers(statuses: &[u16]) -> Vec<Option<Response>> {
    let answer = |&status| Some(Response { status, headers: Headers::new(), body: "".into() });
    statuses.iter().map(answer).collect()
}

fn asks_for(wait: &'static str, mut answers: Vec<Option<Response>>) -> Vec<Option<Response>> {
    if let Some(Some(first)) = answers.first_mut() {
        first.headers.push(HeaderName::from_static("retry-after"), HeaderValue::from_static(wait));
    }
    answers
}

async fn deliver(events: &[&str], script: &Script, retries: Retries) -> (Exit, Heard) {
    let catalog = Catalog::builtin();
    let start = Timestamp::from_unix_seconds(1_700_000_000);
    let began = script.began;
    let courier = Courier::with(script, move || {
        Timestamp::from_unix_millis(start.unix_millis() + i64::try_from(began.elapsed().as_millis()).unwrap())
    });
    let jobs: Vec<Job> = events
        .iter()
        .map(|name| {
            let (provider, event) = catalog.event(name).unwrap();
            let url = parse_url("http://127.0.0.1:1/").unwrap();
            fixture_job(provider, event, BodySource::Fixture(None, &[]), url).unwrap()
        })
        .collect();
    let secrets: Vec<Option<SigningSecret>> = jobs
        .iter()
        .map(|job| {
            let rule = job.provider.as_ref()?.secret.as_ref()?;
            SigningSecret::parse(&rule.development, &rule.format).ok()
        })
        .collect();
    let deliveries =
        jobs.iter().zip(&secrets).map(|(job, secret)| Delivery::new(job, secret.as_ref(), retries.wanted()));
    let mut heard = Heard::default();
    let exit = run(deliveries, &courier, retries, &mut heard).await.unwrap();
    (exit, heard)
}

const AS_PUBLISHED: Retries = Retries::AtSpeed(1.0);

#[tokio::test(start_paused = true)]
async fn eight_attempts_come_when_svix_makes_them_each_signed_anew_under_one_id() {
    let script = Script::new(answers(&[500; 8]));
    let (exit, heard) = deliver(&["aspect.task.failed"], &script, AS_PUBLISHED).await;
    let times = [0, 5, 305, 2105, 9305, 27_305, 63_305, 99_305];
    assert_eq!((exit, script.times()), (Exit::Failed, times.to_vec()));
    let numbers: Vec<(u32, u32)> = heard.attempts.iter().map(|(_, number, of)| (*number, *of)).collect();
    assert_eq!(numbers, (1..=8).map(|number| (number, 8)).collect::<Vec<_>>());
    assert_eq!(heard.waits, [5, 300, 1800, 7200, 18_000, 36_000, 36_000]);
    assert_eq!(script.headers("svix-id"), ["msg_1"; 8]);
    let dated: Vec<String> = times.iter().map(|at| (1_700_000_000 + at).to_string()).collect();
    assert_eq!(script.headers("svix-timestamp"), dated);
    let mut signatures = script.headers("svix-signature");
    signatures.dedup();
    assert_eq!(signatures.len(), 8);
    let bodies: Vec<_> = script.sent.borrow().iter().map(|(_, request)| request.body.clone()).collect();
    assert!(bodies.iter().all(|body| body == &bodies[0]));
}

#[tokio::test(start_paused = true)]
async fn five_attempts_come_when_jewelmusic_makes_them_and_nothing_is_renewed() {
    let script = Script::new(answers(&[500; 5]));
    let (exit, _) = deliver(&["jewelmusic.release.live"], &script, AS_PUBLISHED).await;
    assert_eq!((exit, script.times()), (Exit::Failed, vec![0, 60, 360, 2160, 9360]));
    assert_eq!(script.headers("x-jewelmusic-timestamp"), ["1700000000"; 5]);
    let mut signatures = script.headers("x-jewelmusic-signature");
    signatures.dedup();
    assert_eq!(signatures.len(), 1);
}

#[tokio::test(start_paused = true)]
async fn an_attempt_that_is_accepted_is_the_last() {
    let script = Script::new([UNREACHABLE, answers(&[200]).remove(0)]);
    let (exit, heard) = deliver(&["cyanite.v2.finished"], &script, AS_PUBLISHED).await;
    assert_eq!((exit, script.times(), heard.gave_up), (Exit::Success, vec![0, 60], None));
}

#[tokio::test(start_paused = true)]
async fn waits_are_compressed_and_run_side_by_side() {
    let script = Script::new(answers(&[500, 500, 500, 200, 200]));
    let events = ["aspect.task.failed", "jewelmusic.release.live"];
    let (exit, heard) = deliver(&events, &script, Retries::AtSpeed(0.5)).await;
    assert_eq!((exit, script.times()), (Exit::Success, vec![0, 0, 10, 120, 610]));
    let order: Vec<(&str, u32)> = heard.attempts.iter().map(|(event, number, _)| (event.as_str(), *number)).collect();
    let [aspect, jewelmusic] = events;
    assert_eq!(order, [(aspect, 1), (jewelmusic, 1), (aspect, 2), (jewelmusic, 2), (aspect, 3)]);
}

#[tokio::test(start_paused = true)]
async fn a_retry_after_is_granted_and_410_ends_it_where_the_specification_says_so() {
    let script = Script::new([asks_for("60", answers(&[429])), asks_for("1", answers(&[503, 410]))].concat());
    let (exit, _) = deliver(&["aspect.task.failed"], &script, AS_PUBLISHED).await;
    assert_eq!((exit, script.times()), (Exit::Failed, vec![0, 60, 360]));
    // The other provider documents neither.
    let script = Script::new(asks_for("7200", answers(&[410, 200])));
    let (exit, _) = deliver(&["jewelmusic.release.live"], &script, AS_PUBLISHED).await;
    assert_eq!((exit, script.times()), (Exit::Success, vec![0, 60]));
}

#[tokio::test(start_paused = true)]
async fn the_forms_of_one_delivery_follow_each_other_at_once() {
    let script = Script::new(answers(&[500, 500, 200]));
    let (exit, heard) = deliver(&["auphonic.done", "auphonic.error"], &script, AS_PUBLISHED).await;
    assert_eq!((exit, script.times(), heard.waits), (Exit::Failed, vec![0, 0, 0], vec![]));
    let order: Vec<(&str, u32)> = heard.attempts.iter().map(|(event, number, _)| (event.as_str(), *number)).collect();
    assert_eq!(order, [("auphonic.done", 1), ("auphonic.done", 2), ("auphonic.error", 1)]);
}

#[tokio::test(start_paused = true)]
async fn without_retries_the_rest_is_not_tried_once_the_endpoint_cannot_be_reached() {
    let script = Script::new([answers(&[500]).remove(0), UNREACHABLE]);
    let events = ["cyanite.v2.finished", "cyanite.v2.failed", "cyanite.v1.test"];
    let (exit, heard) = deliver(&events, &script, Retries::None).await;
    assert_eq!((exit, heard.gave_up, script.times()), (Exit::Unreachable, Some(1), vec![0, 0]));
}
