//! Runs against endpoints in memory: what is sent, counted and reported, and how a run ends.

use std::{
    collections::HashSet,
    future::pending,
    sync::atomic::{AtomicU64, Ordering},
};

use parking_lot::Mutex;
use reqwest::Url;

use super::*;
use crate::{
    engine::deliver::{self, Job, tests::keyring},
    net::{
        client::{SendError, SendResult},
        url::parse_url,
    },
    webhook::{
        load::Violations,
        provider::{catalog::Catalog, compose::BodySource},
        record::{Outcome, Response},
        request::{Headers, Request},
    },
};

/// An endpoint in memory: a function of the number of requests before this one.
#[derive(Clone)]
struct FakeEndpoint {
    respond: fn(u64) -> Result<u16, SendError>,
    requests: Arc<Mutex<Vec<Request>>>,
    in_flight: Arc<AtomicU64>,
    max_in_flight: Arc<AtomicU64>,
}

impl FakeEndpoint {
    fn new(respond: fn(u64) -> Result<u16, SendError>) -> Self {
        let (requests, in_flight, max_in_flight) = Default::default();
        Self { respond, requests, in_flight, max_in_flight }
    }
}

impl Transport for FakeEndpoint {
    async fn send(&self, _: &Url, request: &Request, _: Duration) -> SendResult {
        let in_flight = self.in_flight.fetch_add(1, Ordering::SeqCst) + 1;
        self.max_in_flight.fetch_max(in_flight, Ordering::SeqCst);
        tokio::time::sleep(Duration::from_millis(10)).await;
        self.in_flight.fetch_sub(1, Ordering::SeqCst);
        let mut requests = self.requests.lock();
        let response = (self.respond)(requests.len() as u64);
        requests.push(request.clone());
        let response = response.map(|status| Response { status, headers: Headers::new(), body: "".into() });
        SendResult { response, elapsed: Duration::from_millis(10) }
    }
}

fn load(
    endpoint: &FakeEndpoint,
    pace: Pace,
    concurrency: u16,
    attempts: Option<mpsc::Sender<Attempt>>,
) -> LoadRun<FakeEndpoint> {
    let catalog = Catalog::builtin();
    let job = |name| {
        let (provider, event) = catalog.event(name).unwrap();
        let url = parse_url("http://127.0.0.1:1/").unwrap();
        Job::event(provider, event, BodySource::Fixture(None, &[]), url).unwrap()
    };
    let batch =
        Batch { jobs: ["aspect.task.failed", "cyanite.v2.finished"].map(job).into(), keyring: keyring(&catalog) };
    let dispatcher = Dispatcher::new(deliver::DeliverySettings {
        transport: endpoint.clone(),
        timeout: None,
        now: None,
        id: None,
        captures: None,
        redact: false,
    });
    LoadRun::new(batch, dispatcher, LoadSettings { pace, concurrency, attempts, failures_only: false }).unwrap()
}

fn total(total: u64) -> Pace {
    Pace { total: Some(total), ..Pace::default() }
}

#[tokio::test]
async fn every_request_is_a_delivery_of_its_own_and_events_rotate() {
    let endpoint = FakeEndpoint::new(|_| Ok(200));
    let load = load(&endpoint, total(20), 4, None);
    let progress = load.progress();
    let report = load.run(pending()).await.unwrap();
    assert_eq!((report.summary.requests, report.summary.count(Outcome::Accepted)), (20, 20));
    assert!(report.summary.is_good() && !report.is_cancelled && report.unreachable.is_none());
    assert_eq!(endpoint.max_in_flight.load(Ordering::SeqCst), 4);
    let requests = endpoint.requests.lock();
    let ids: HashSet<String> =
        requests.iter().filter_map(|request| Some(request.headers.text("svix-id")?.into_owned())).collect();
    assert_eq!(ids.len(), 10);
    // The tallies were moved into the summary.
    assert_eq!(progress.requests(), 0);
}

#[tokio::test]
async fn responses_are_counted_as_the_provider_would() {
    let endpoint = FakeEndpoint::new(|number| match number {
        0 => Ok(500),
        1 => Ok(302),
        2 => Err(SendError::TimedOut(Duration::from_secs(1))),
        3 => Err(SendError::Broken("closed".to_owned())),
        _ => Ok(200),
    });
    let report = load(&endpoint, total(10), 1, None).run(pending()).await.unwrap();
    let summary = &report.summary;
    assert_eq!(summary.outcomes, [6, 3, 1, 0]);
    assert_eq!(summary.statuses, [(200, 6), (302, 1), (500, 1)]);
    assert_eq!(summary.violations, Violations { status: 1, redirect: 1, time: 0 });
    assert!(!summary.is_good());
}

#[tokio::test]
async fn an_endpoint_that_is_never_reached_ends_the_run() {
    let endpoint = FakeEndpoint::new(|_| Err(SendError::Untrusted("no trust".to_owned())));
    let (sender, mut attempts) = mpsc::channel(100);
    let report = load(&endpoint, total(1000), 8, Some(sender)).run(pending()).await.unwrap();
    assert_eq!(report.unreachable.unwrap().remedy, Some(Remedy::AcceptAnyCertificate));
    assert_eq!((report.summary.requests, &report.summary.reasons[..]), (1, &[("no trust".to_owned(), 1)][..]));
    assert_eq!(attempts.recv().await.unwrap().outcome, Outcome::Unreachable);
    assert!(attempts.recv().await.is_none());
}

#[tokio::test]
async fn an_endpoint_that_stops_is_tried_until_the_end() {
    let endpoint = FakeEndpoint::new(|number| match number {
        0 => Ok(200),
        _ => Err(SendError::Unreachable("nothing listens".to_owned())),
    });
    let report = load(&endpoint, total(4), 1, None).run(pending()).await.unwrap();
    assert_eq!((report.summary.outcomes, report.unreachable.is_none()), ([1, 0, 0, 3], true));
}

#[tokio::test]
async fn a_cancelled_run_counts_what_finished() {
    let endpoint = FakeEndpoint::new(|_| Ok(200));
    let requests = Arc::clone(&endpoint.requests);
    let cancelled = async move {
        while requests.lock().len() < 5 {
            tokio::task::yield_now().await;
        }
    };
    let report = load(&endpoint, Pace::default(), 1, None).run(cancelled).await.unwrap();
    assert!(report.is_cancelled && (4..=5).contains(&report.summary.requests), "{report:?}");
}

#[tokio::test]
async fn a_receiver_that_is_gone_ends_the_run() {
    let endpoint = FakeEndpoint::new(|_| Ok(200));
    let (sender, attempts) = mpsc::channel(1);
    drop(attempts);
    let report = load(&endpoint, Pace::default(), 1, Some(sender)).run(pending()).await.unwrap();
    assert_eq!((report.summary.requests, report.is_cancelled), (1, false));
}
