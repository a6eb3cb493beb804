//! Explains rejected deliveries without delaying their responses: on blocking threads, few at a time, and not at all
//! while too many wait.

use std::sync::Arc;

use futures_util::{FutureExt, future::Shared};
use tokio::{
    sync::{Semaphore, oneshot},
    task::spawn_blocking,
};

use super::settings::Settings;
use crate::webhook::{assessment::Assessment, diagnose::Clock, record::Delivery, signature::Receipt};

/// How many explanations run at a time.
const MAX_RUNNING: usize = 2;

/// How many explanations run or wait. Rejected deliveries beyond that are published without findings: a flood of them
/// must not hold up valid ones.
const MAX_PENDING: usize = 64;

/// Resolves to the assessment with its findings.
pub type Explanation = Shared<oneshot::Receiver<Assessment>>;

/// Runs explanations, a limited number at a time.
#[derive(Debug)]
pub struct Explainer {
    pending: Arc<Semaphore>,
    running: Arc<Semaphore>,
}

impl Default for Explainer {
    fn default() -> Self {
        Self { pending: Arc::new(Semaphore::new(MAX_PENDING)), running: Arc::new(Semaphore::new(MAX_RUNNING)) }
    }
}

impl Explainer {
    /// Starts to explain a delivery. `None` if it was not rejected, or too many others wait.
    pub fn explain(&self, settings: Arc<Settings>, delivery: &Delivery) -> Option<Explanation> {
        delivery.assessment.verdict.rejection()?;
        let pending = Arc::clone(&self.pending).try_acquire_owned().ok()?;
        let running = Arc::clone(&self.running);
        let (request, mut assessment) = (delivery.request.clone(), delivery.assessment.clone());
        let receipt = Receipt::from(Some(delivery.received_at));
        let (sender, explanation) = oneshot::channel();
        tokio::spawn(async move {
            let _pending = pending;
            let Ok(_running) = running.acquire_owned().await else { return };
            let explained = spawn_blocking(move || {
                settings.judge().explain(&request, receipt, Clock::Live, &mut assessment);
                assessment
            });
            // After a panic the delivery is published without findings.
            if let Ok(explained) = explained.await {
                let _ = sender.send(explained);
            }
        });
        Some(explanation.shared())
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use http::Method;

    use super::*;
    use crate::webhook::{
        keyring::Keyring,
        provider::catalog::Catalog,
        request::{Headers, Request},
        time::Timestamp,
    };

    fn rejected() -> (Arc<Settings>, Delivery) {
        let catalog = Arc::new(Catalog::builtin());
        let settings = Settings {
            catalog,
            keyring: Keyring::default(),
            provider: None,
            accepts_development: true,
            forwards: Vec::new(),
        };
        let headers: Headers = [("signature".parse().unwrap(), "00".repeat(64).parse().unwrap())].into_iter().collect();
        let request = Request { method: Method::POST, target: "/cyanite".to_owned(), headers, body: "{}".into() };
        let assessment = settings.judge().assess(&request, Receipt::default());
        let delivery = Delivery {
            seq: 1,
            received_at: Timestamp::from_unix_seconds(0),
            request,
            assessment,
            status: 401,
            elapsed: Duration::ZERO,
            forwards: Vec::new(),
            capture: None,
            capture_error: None,
        };
        (Arc::new(settings), delivery)
    }

    #[tokio::test]
    async fn a_flood_of_rejected_deliveries_is_published_without_findings() {
        let (settings, delivery) = rejected();
        let explainer = Explainer::default();
        let explain = || explainer.explain(Arc::clone(&settings), &delivery);
        let mut pending: Vec<Explanation> = std::iter::from_fn(explain).collect();
        assert_eq!(pending.len(), MAX_PENDING);
        let first = pending.pop().unwrap().await.unwrap();
        assert_eq!(first.findings.len(), 1);
        for other in pending {
            other.await.unwrap();
        }
    }
}
