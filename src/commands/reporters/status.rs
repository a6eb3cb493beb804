//! The status line of a terminal: which delivery waits for its handler, and for how long.

use std::{sync::Arc, time::Duration};

use tokio::time::Instant;

use crate::{
    commands::{streams, terminal::Terminal},
    engine::receive::{PendingForwards, WaitingForward},
    render::text,
    webhook::redact,
};

/// How long a delivery must wait before it is shown. Most handlers are faster.
const SHOWN_AFTER: Duration = Duration::from_secs(1);

/// How often the line is refreshed.
const PERIOD: Duration = Duration::from_millis(250);

/// The status line below the deliveries.
#[derive(Debug)]
pub struct StatusLine {
    terminal: Terminal,
    pending: Arc<PendingForwards>,
    next: Instant,
}

impl StatusLine {
    pub fn new(terminal: Terminal, pending: Arc<PendingForwards>) -> Self {
        Self { terminal, pending, next: Instant::now() + PERIOD }
    }

    /// When the line is out of date.
    pub const fn next_refresh(&self) -> Instant {
        self.next
    }

    /// Hides the line until it is refreshed.
    pub fn hide(&mut self) {
        self.next = Instant::now() + PERIOD;
        streams::set_status("");
    }

    /// Refreshes the line if it is out of date.
    pub fn refresh(&mut self) {
        if Instant::now() < self.next {
            return;
        }
        self.next = Instant::now() + PERIOD;
        let longest = self.pending.longest(SHOWN_AFTER);
        let line = longest.map(|pending| line(&pending, self.terminal.width())).unwrap_or_default();
        streams::set_status(&line);
    }
}

impl Drop for StatusLine {
    fn drop(&mut self) {
        self.hide();
    }
}

/// The line for a terminal of this width.
fn line(pending: &WaitingForward, width: Option<usize>) -> String {
    let WaitingForward { seq, title, url, elapsed, others } = pending;
    let start = format!("#{seq}  {title}  waiting for ");
    let more = if *others > 0 { format!("  (and {others} more)") } else { String::new() };
    let end = format!("  {} s{more}", elapsed.as_secs());
    let start = text::printable(&start);
    let url = redact::query(url.as_str());
    let url = text::printable(&url);
    // A terminal may wrap a line that fills it.
    let columns = width.map_or(usize::MAX, |width| width.saturating_sub(1));
    let columns_of_url = columns.saturating_sub(text::width(&start) + text::width(&end));
    let line = format!("{start}{}{end}", text::truncate(&url, columns_of_url));
    text::truncate(&line, columns).into_owned()
}

#[cfg(test)]
mod tests {
    use reqwest::Url;

    use super::*;

    #[test]
    fn a_pending_delivery_has_its_number_what_it_waits_for_and_its_time() {
        let mut pending = WaitingForward {
            seq: 12,
            title: "aspect.task.completed".to_owned(),
            url: Url::parse("http://localhost:3000/hooks?own=s3cr3t-0123456789abcdef").unwrap(),
            elapsed: Duration::from_millis(4230),
            others: 0,
        };
        let expected = "#12  aspect.task.completed  waiting for http://localhost:3000/hooks?own=[redacted]  4 s";
        assert_eq!(line(&pending, None), expected);
        pending.others = 3;
        assert_eq!(line(&pending, None), format!("{expected}  (and 3 more)"));
        pending.others = 0;
        assert_eq!(line(&pending, Some(70)), "#12  aspect.task.completed  waiting for http://localhost:3000/h…  4 s");
        assert_eq!(line(&pending, Some(20)), "#12  aspect.task.c…");
    }
}
