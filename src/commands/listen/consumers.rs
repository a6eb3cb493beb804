//! The consumers of `listen`'s deliveries within the process: output, expectations, counts and history.

use crate::{
    commands::reporters::pause::Pause,
    engine::receive::{
        Consumers, Deliveries, DeliveryExpectations, ExpectationCounter, History, VerdictCounter, WhenFull,
    },
};

/// The consumers of one receiver.
pub struct ListenConsumers {
    /// The deliveries to print.
    pub deliveries: Deliveries,
    /// Whether the output is the only capture, so that it must miss no delivery.
    pub output_is_capture: bool,
    pub counter: ExpectationCounter,
    pub verdicts: VerdictCounter,
    pub pause: Pause,
    /// What the keys and the inspector can show and resend.
    pub history: Option<History>,
}

impl ListenConsumers {
    /// Adds `listen`'s own consumers. With keys, the output can be paused; with keys or an inspector, deliveries are
    /// kept.
    pub fn add(
        consumers: &mut Consumers,
        expectations: DeliveryExpectations,
        (capacity, when_full): (usize, WhenFull),
        has_keys: bool,
        history: Option<usize>,
    ) -> Self {
        let deliveries = consumers.add(capacity, when_full);
        let counter = expectations.count(consumers);
        let pause = Pause::default();
        if has_keys {
            let counting = pause.clone();
            consumers.observe(move |_| counting.count());
        }
        let history = history.map(|length| History::start(consumers, length));
        let verdicts = VerdictCounter::observe(consumers);
        let output_is_capture = when_full != WhenFull::Skip;
        Self { deliveries, output_is_capture, counter, verdicts, pause, history }
    }
}
