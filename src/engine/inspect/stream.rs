//! The stream of a tab: first the deliveries in the history, then whatever happens. A tab that reads slowly falls
//! behind in the history, and is sent the number of deliveries that it missed.

use std::{sync::Arc, time::Duration};

use bytes::Bytes;
use tokio::{
    sync::{
        OwnedSemaphorePermit,
        broadcast::error::{RecvError, TryRecvError},
    },
    time::{Instant, MissedTickBehavior, interval_at},
};
use tokio_util::sync::CancellationToken;

use super::CallContext;
use crate::{
    engine::receive::{Change, HistoryEntry},
    net::receiver::{Pieces, PiecesSender},
    render::json,
    webhook::{
        capture,
        record::{Forwarded, disagreement},
        redact,
    },
};

/// How often an idle stream sends a keep-alive line.
const ALIVE: Duration = Duration::from_secs(10);

/// How often to check for changes that come without a delivery.
const LOOK: Duration = Duration::from_secs(2);

/// How many bytes of lines are collected before they are sent.
const BATCH_BYTES: usize = 64 << 10;

/// Starts the stream of a tab that already has the deliveries up to this number. The permit is held until it ends.
pub fn start(shared: Arc<CallContext>, after: u64, permit: OwnedSemaphorePermit, stop: CancellationToken) -> Pieces {
    let (sender, pieces) = Pieces::new(None);
    tokio::spawn(async move {
        let _permit = permit;
        let ended = tokio::select! {
            () = Tab::new(&shared, &sender).run(after) => false,
            () = sender.closed() => false,
            () = stop.cancelled() => true,
        };
        if ended {
            sender.end().await;
        }
    });
    pieces
}

/// The lines of the deliveries that were added after this one.
pub fn snapshot(shared: &CallContext, after: u64) -> Bytes {
    let mut lines = shared.ready();
    let (kept, _) = shared.history.follow_from(after);
    for entry in kept.into_iter().filter_map(|seq| shared.history.entry(seq)) {
        shared.delivery(&entry, &mut lines);
    }
    lines.into()
}

impl CallContext {
    fn ready(&self) -> Vec<u8> {
        self.surroundings.line(&self.settings.get(), self.history.limit(), self.redact)
    }

    fn delivery(&self, HistoryEntry { delivery, resends, .. }: &HistoryEntry, lines: &mut Vec<u8>) {
        if self.redact {
            let resends: Vec<Forwarded> = resends.iter().map(|forwarded| redact::forwarded(forwarded)).collect();
            capture::write_without_bodies(&redact::delivery(delivery), resends.iter(), self.wording, lines);
        } else {
            capture::write_without_bodies(delivery, resends.iter().map(Arc::as_ref), self.wording, lines);
        }
    }

    fn forwards<'a>(
        &self,
        entry: &HistoryEntry,
        forwards: impl Iterator<Item = &'a Forwarded>,
        is_resent: bool,
        lines: &mut Vec<u8>,
    ) {
        let shown: Vec<Forwarded> = forwards
            .map(|forwarded| if self.redact { redact::forwarded(forwarded) } else { forwarded.clone() })
            .collect();
        let warning = disagreement(&entry.delivery.assessment.verdict, &shown);
        let (seq, wording) = (entry.delivery.seq, self.wording);
        json::forwards_without_bodies(seq, shown.iter(), &entry.delivery, warning.as_ref(), is_resent, wording, lines);
    }
}

/// The lines being sent to a tab.
struct Tab<'a> {
    shared: &'a CallContext,
    sender: &'a PiecesSender,
    lines: Vec<u8>,
    /// The number of deliveries that left the history before their lines were written.
    missed: u64,
}

impl<'a> Tab<'a> {
    fn new(shared: &'a CallContext, sender: &'a PiecesSender) -> Self {
        Self { shared, sender, lines: Vec::new(), missed: 0 }
    }

    /// Sends lines until the tab is closed or the receiver has ended.
    async fn run(mut self, after: u64) {
        let mut ready = self.shared.ready();
        self.lines.extend_from_slice(&ready);
        let (kept, mut changes) = self.shared.history.follow_from(after);
        for seq in kept {
            self.add(Change::Added(seq));
            if self.lines.len() >= BATCH_BYTES && !self.flush().await {
                return;
            }
        }
        let mut look = interval_at(Instant::now() + LOOK, LOOK);
        look.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let mut last_line = Instant::now();
        loop {
            if !self.lines.is_empty() || self.missed > 0 {
                if !self.flush().await {
                    return;
                }
                last_line = Instant::now();
            }
            tokio::select! {
                change = changes.recv() => match change {
                    Ok(change) => self.add(change),
                    Err(RecvError::Lagged(count)) => self.missed += count,
                    Err(RecvError::Closed) => return,
                },
                _ = look.tick() => {
                    let present = self.shared.ready();
                    if present != ready {
                        self.lines.extend_from_slice(&present);
                        ready = present;
                    } else if last_line.elapsed() + LOOK > ALIVE {
                        json::alive(&mut self.lines);
                    }
                }
            }
            while self.lines.len() < BATCH_BYTES {
                match changes.try_recv() {
                    Ok(change) => self.add(change),
                    Err(TryRecvError::Lagged(count)) => self.missed += count,
                    Err(_) => break,
                }
            }
        }
    }

    /// Appends the line of a change.
    fn add(&mut self, change: Change) {
        let entry = match change {
            Change::Missed(count) => {
                self.missed += count;
                return;
            }
            Change::Added(seq) | Change::Explained(seq) | Change::Forwarded(seq) | Change::Resent { seq, .. } => {
                self.shared.history.entry(seq)
            }
        };
        let Some(entry) = entry else {
            self.missed += u64::from(matches!(change, Change::Added(_)));
            return;
        };
        self.add_missed();
        let Self { shared, lines, .. } = self;
        match change {
            Change::Added(_) => shared.delivery(&entry, lines),
            Change::Explained(seq) => {
                json::findings(seq, &entry.delivery.assessment.findings, shared.wording, lines);
            }
            Change::Forwarded(_) => shared.forwards(&entry, entry.delivery.forwards.iter(), false, lines),
            Change::Resent { results, .. } => {
                let known = entry.resends.len().saturating_sub(results);
                shared.forwards(&entry, entry.resends.iter().skip(known).map(Arc::as_ref), true, lines);
            }
            Change::Missed(_) => {}
        }
    }

    /// Appends the line with the number of deliveries missed before this point.
    fn add_missed(&mut self) {
        let missed = std::mem::take(&mut self.missed);
        if missed > 0 {
            json::missed(missed, &mut self.lines);
        }
    }

    /// Sends the lines. Returns false if the tab is closed.
    async fn flush(&mut self) -> bool {
        self.add_missed();
        let lines = std::mem::take(&mut self.lines);
        lines.is_empty() || self.sender.send(lines.into()).await
    }
}
