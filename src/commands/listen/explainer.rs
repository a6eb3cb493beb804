//! Explains refused deliveries beside the path that answers them: on threads of their own, few at
//! a time, and not at all while too many wait.

use std::sync::Arc;

use tokio::{
    sync::{Semaphore, oneshot},
    task::spawn_blocking,
};

use super::settings::Settings;
use crate::webhook::{assessment::Assessment, diagnose::Clock, record::Delivery, signature::Receipt};

/// So many explanations are worked out at once.
const WORKING: usize = 2;

/// So many are worked out or waited for; a flood beyond that is told without them, since it would
/// hold up the deliveries that are genuine.
const WAITING: usize = 64;

/// An assessment with its findings, once they are worked out.
pub type Explanation = oneshot::Receiver<Assessment>;

/// Where refused deliveries are explained.
#[derive(Debug)]
pub struct Explainer {
    waiting: Arc<Semaphore>,
    working: Arc<Semaphore>,
}

impl Default for Explainer {
    fn default() -> Self {
        Self { waiting: Arc::new(Semaphore::new(WAITING)), working: Arc::new(Semaphore::new(WORKING)) }
    }
}

impl Explainer {
    /// Begins to work out a delivery's assessment with its findings. None for a delivery that was
    /// not refused, and while too many others wait.
    pub fn explain(&self, settings: Arc<Settings>, delivery: &Delivery) -> Option<Explanation> {
        delivery.assessment.verdict.rejection()?;
        let waiting = Arc::clone(&self.waiting).try_acquire_owned().ok()?;
        let working = Arc::clone(&self.working);
        let (request, mut assessment) = (delivery.request.clone(), delivery.assessment.clone());
        let receipt = Receipt::from(Some(delivery.received_at));
        let (sender, explanation) = oneshot::channel();
        tokio::spawn(async move {
            let _waiting = waiting;
            let Ok(_working) = working.acquire_owned().await else { return };
            let explained = spawn_blocking(move || {
                settings.judge().explain(&request, receipt, Clock::Live, &mut assessment);
                assessment
            });
            // Should it fail, or nobody listen any more, the delivery is told as it is.
            if let Ok(explained) = explained.await {
                let _ = sender.send(explained);
            }
        });
        Some(explanation)
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

    fn refused() -> (Arc<Settings>, Delivery) {
        let catalog = Arc::new(Catalog::builtin());
        let settings = Settings { catalog, keyring: Keyring::default(), provider: None, forwards: Vec::new() };
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
    async fn a_flood_is_told_without_explanations() {
        let (settings, delivery) = refused();
        let explainer = Explainer::default();
        let explain = || explainer.explain(Arc::clone(&settings), &delivery);
        let mut waiting: Vec<Explanation> = std::iter::from_fn(explain).collect();
        assert_eq!(waiting.len(), WAITING);
        let told = waiting.pop().unwrap().await.unwrap();
        assert_eq!(told.findings.len(), 1);
        for other in waiting {
            other.await.unwrap();
        }
    }
}
