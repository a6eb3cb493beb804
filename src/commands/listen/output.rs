//! The one writer of everything that `listen` tells: deliveries come over a bounded channel from
//! all connections, so that their order is one, and a slow terminal slows the senders instead of
//! filling the memory.

use std::{
    io::{self, Write},
    thread,
};

use glob::Pattern;
use tokio::sync::{mpsc, oneshot};

use super::{expectation::Expectations, explainer::Explanation};
use crate::{
    cli::Format,
    commands::context::Terminal,
    net::receiver::Share,
    render::{json, pretty::Page},
    webhook::{assessment::PayloadCheck, record::Delivery, redact},
};

/// Something to be told.
#[derive(Debug)]
pub enum Output {
    /// Where the receiver listens.
    Ready(String),
    /// A delivery that was answered, its explanation if one is being worked out, and what its body
    /// holds of the memory for all bodies.
    Delivery(Box<Delivery>, Option<Explanation>, Share),
}

/// How and what is told.
#[derive(Clone, Debug)]
pub struct View {
    pub format: Format,
    pub page: Page,
    pub quiet: bool,
    /// Whether programs get no credentials.
    pub redact: bool,
    pub filter: Option<Pattern>,
}

/// The thread that writes.
#[derive(Debug)]
pub struct Writer {
    met: Option<oneshot::Receiver<()>>,
    done: oneshot::Receiver<Expectations>,
}

/// As much is gathered before it is written, in bytes.
const BATCH: usize = 64 << 10;

impl Writer {
    /// Starts to write what comes over the channel.
    pub fn start(outputs: mpsc::Receiver<Output>, view: View, terminal: Terminal, expectations: Expectations) -> Self {
        let (met_sender, met) = oneshot::channel();
        let (done_sender, done) = oneshot::channel();
        let mut work = Work {
            outputs,
            view,
            terminal,
            expectations,
            met: Some(met_sender),
            buffer: Vec::new(),
            text: String::new(),
        };
        thread::spawn(move || {
            if let Err(error) = work.run()
                && error.kind() != io::ErrorKind::BrokenPipe
            {
                terminal.warn(&format!("the output could not be written: {error}"));
            }
            // Whoever waited for it may be gone.
            let _ = done_sender.send(work.expectations);
        });
        Self { met: Some(met), done }
    }

    /// Waits until all expectations are met, or nobody reads the output any more.
    pub fn ended(&mut self) -> impl Future<Output = ()> + use<> {
        let met = self.met.take();
        async {
            if let Some(met) = met {
                // An error says that the thread has ended.
                let _ = met.await;
            }
        }
    }

    /// Waits until everything is written, once nothing more can come.
    pub async fn finish(self) -> Expectations {
        self.done.await.unwrap_or_default()
    }
}

struct Work {
    outputs: mpsc::Receiver<Output>,
    view: View,
    terminal: Terminal,
    expectations: Expectations,
    met: Option<oneshot::Sender<()>>,
    buffer: Vec<u8>,
    text: String,
}

impl Work {
    fn run(&mut self) -> io::Result<()> {
        let mut stdout = self.terminal.stdout();
        while let Some(output) = self.outputs.blocking_recv() {
            self.take(output);
            while self.buffer.len() < BATCH
                && let Ok(output) = self.outputs.try_recv()
            {
                self.take(output);
            }
            stdout.write_all(&self.buffer)?;
            stdout.flush()?;
            self.buffer.clear();
            if self.expectations.met()
                && let Some(met) = self.met.take()
            {
                // The listener is ending already if it does not wait for this.
                let _ = met.send(());
            }
        }
        Ok(())
    }

    fn take(&mut self, output: Output) {
        match output {
            Output::Ready(url) if self.view.format == Format::Json => json::ready(&url, &mut self.buffer),
            Output::Ready(_) => {}
            Output::Delivery(mut delivery, explanation, _share) => {
                // The others wait behind it, so that their order is that in which they came.
                if let Some(Ok(explained)) = explanation.map(Explanation::blocking_recv) {
                    delivery.assessment = explained;
                }
                self.expectations.count(&delivery);
                if self.view.wants(&delivery) {
                    self.view.write(&delivery, &mut self.text, &mut self.buffer);
                }
            }
        }
    }
}

impl View {
    fn wants(&self, delivery: &Delivery) -> bool {
        let filtered = self.filter.as_ref().is_none_or(|filter| filter.matches(delivery.assessment.title()));
        filtered && !(self.quiet && is_well(delivery))
    }

    fn write(&self, delivery: &Delivery, text: &mut String, buffer: &mut Vec<u8>) {
        if self.format == Format::Json {
            return if self.redact {
                json::delivery(&redact::delivery(delivery), buffer);
            } else {
                json::delivery(delivery, buffer);
            };
        }
        text.clear();
        if self.redact {
            self.page.delivery(&redact::delivery(delivery), text);
        } else {
            self.page.delivery(delivery, text);
        }
        buffer.extend_from_slice(text.as_bytes());
    }
}

/// Whether there is nothing about a delivery that somebody who wants it quiet must see.
fn is_well(delivery: &Delivery) -> bool {
    delivery.assessment.verdict.is_genuine()
        && !matches!(delivery.assessment.payload, PayloadCheck::Invalid(_))
        && delivery.capture_error.is_none()
        && delivery.forwards.iter().all(|forward| forward.outcome.as_ref().is_ok_and(|answer| answer.status < 300))
}
