//! Explains rejected deliveries without holding up others: on blocking threads, a few at a time, each within a time
//! budget, and not at all while too many wait.

use std::{
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use tokio::{
    sync::{Semaphore, oneshot},
    task::spawn_blocking,
};

use super::settings::ReceiverSettings;
use crate::{
    engine::clock::thread_time,
    net::receiver::BodyPermit,
    webhook::{
        assessment::Assessment,
        diagnose::{Clock, PER_SEARCH},
        record::Delivery,
        signature::Receipt,
    },
};

/// How many explanations run at a time.
const MAX_RUNNING: usize = 2;

/// How many explanations may run or wait. Further rejected deliveries are published without findings, so that a flood
/// of them doesn't hold up valid ones.
const MAX_PENDING: usize = 64;

/// How much memory their bodies may hold, in KiB. It is only a part of the budget, so that the bodies of valid
/// deliveries don't wait for explanations.
const PENDING_KIBIBYTES: u32 = 16 << 10;

/// The processor time for one explanation; `verify` takes as long as the search needs. Unoptimised builds search about
/// ten times as slowly.
const TIME: Duration = Duration::from_millis(if cfg!(debug_assertions) { 500 } else { 50 });

/// Resolves to the assessment with its findings, or to an error if the search panicked.
pub type PendingAssessment = oneshot::Receiver<Assessment>;

/// Runs explanations, a limited number at a time.
#[derive(Debug)]
pub struct Explainer {
    pending: Arc<Semaphore>,
    kibibytes: Arc<Semaphore>,
    running: Arc<Semaphore>,
    skipped: AtomicU64,
}

/// Too many explanations are pending. Holds how many deliveries have not been explained so far.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TooMany(pub u64);

impl Default for Explainer {
    fn default() -> Self {
        Self {
            pending: Arc::new(Semaphore::new(MAX_PENDING)),
            kibibytes: Arc::new(Semaphore::new(PENDING_KIBIBYTES as usize)),
            running: Arc::new(Semaphore::new(MAX_RUNNING)),
            skipped: AtomicU64::new(0),
        }
    }
}

impl Explainer {
    /// Starts to explain a delivery. `None` if it was not rejected. `permit` is that of its body.
    ///
    /// # Errors
    ///
    /// If too many others wait.
    pub fn explain(
        &self,
        settings: Arc<ReceiverSettings>,
        delivery: &Delivery,
        permit: &BodyPermit,
    ) -> Result<Option<PendingAssessment>, TooMany> {
        if delivery.assessment.verdict.rejection().is_none() {
            return Ok(None);
        }
        let pending = Arc::clone(&self.pending).try_acquire_owned();
        let kibibytes = u32::try_from(delivery.request.body.len() >> 10).unwrap_or(u32::MAX).min(PENDING_KIBIBYTES);
        let memory = Arc::clone(&self.kibibytes).try_acquire_many_owned(kibibytes);
        let (Ok(pending), Ok(memory)) = (pending, memory) else {
            return Err(TooMany(self.skipped.fetch_add(1, Ordering::Relaxed) + 1));
        };
        let running = Arc::clone(&self.running);
        let (request, mut assessment) = (delivery.request.clone(), delivery.assessment.clone());
        let received_at = delivery.received_at;
        let (sender, explanation) = oneshot::channel();
        let permit = permit.clone();
        tokio::spawn(async move {
            let _held = (pending, memory, permit);
            let Ok(_running) = running.acquire_owned().await else { return };
            let explained = spawn_blocking(move || {
                let deadline = thread_time() + TIME;
                let url = settings.called_url(&request);
                let receipt = Receipt { url: url.as_deref(), ..Some(received_at).into() };
                let judge = settings.judge();
                let is_late = || thread_time() > deadline;
                judge.explain(&request, receipt, Clock::Live, &mut { PER_SEARCH }, &is_late, &mut assessment);
                assessment
            });
            // After a panic the delivery is published without findings.
            if let Ok(explained) = explained.await {
                let _ = sender.send(explained);
            }
        });
        Ok(Some(explanation))
    }
}

#[cfg(test)]
mod tests {
    use http::Method;

    use super::*;
    use crate::webhook::{
        keyring::Keyring,
        provider::catalog::Catalog,
        request::{Headers, Request},
        time::Timestamp,
    };

    fn rejected() -> (Arc<ReceiverSettings>, Delivery) {
        let catalog = Arc::new(Catalog::builtin());
        let settings = ReceiverSettings {
            catalog,
            keyring: Keyring::default(),
            provider: None,
            public_url: None,
            accepts_development: true,
            forwards: Vec::new(),
        };
        let headers: Headers = [("signature".parse::<http::HeaderName>().unwrap(), "00".repeat(64).parse().unwrap())]
            .into_iter()
            .collect();
        let request = Request { method: Method::POST, target: "/cyanite".to_owned(), headers, body: "{}".into() };
        let assessment = settings.judge().assess(&request, Receipt::default());
        let delivery = Delivery {
            seq: 1,
            received_at: Timestamp::from_unix_seconds(0),
            repeat: None,
            request,
            assessment,
            status: 401,
            elapsed: Duration::ZERO,
            forwards: Vec::new(),
            not_forwarded: None,
            capture: None,
            capture_error: None,
            sender_closed: false,
        };
        (Arc::new(settings), delivery)
    }

    #[tokio::test]
    async fn explanations_hold_a_part_of_the_memory_for_bodies() {
        let (settings, mut delivery) = rejected();
        delivery.request.body = vec![b'x'; 10 << 20].into();
        let explainer = Explainer::default();
        let first = explainer.explain(Arc::clone(&settings), &delivery, &BodyPermit::default()).unwrap().unwrap();
        assert_eq!(explainer.explain(settings, &delivery, &BodyPermit::default()).unwrap_err(), TooMany(1));
        first.await.unwrap();
    }

    #[tokio::test]
    async fn a_flood_of_rejected_deliveries_is_published_without_findings_and_counted() {
        let (settings, delivery) = rejected();
        let explainer = Explainer::default();
        let explain = || explainer.explain(Arc::clone(&settings), &delivery, &BodyPermit::default());
        let mut pending: Vec<PendingAssessment> = (0..MAX_PENDING).map(|_| explain().unwrap().unwrap()).collect();
        assert_eq!((explain().unwrap_err(), explain().unwrap_err()), (TooMany(1), TooMany(2)));
        let first = pending.pop().unwrap().await.unwrap();
        assert_eq!(first.findings.len(), 1);
        for other in pending {
            other.await.unwrap();
        }
    }
}
