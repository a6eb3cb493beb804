//! What `listen` was still waiting for when it ended, and what it received.

use unicode_width::UnicodeWidthStr;

use crate::{
    commands::{
        exit::{Exit, Failure},
        terminal::Terminal,
    },
    engine::receive::{ReceivedDeliveries, Shortfall},
    render::diagnostic::inline,
};

/// Prints what is missing as an error that starts with these words, and a table of what was received.
pub fn report(terminal: Terminal, words: &str, Shortfall { missing, received }: &Shortfall) {
    terminal.fail(&Failure::new(Exit::Failed, format!("{words}: {}", missing.join(", "))));
    terminal.say(&table(received));
}

fn table(received: &[ReceivedDeliveries]) -> String {
    if received.is_empty() {
        return "  nothing was received\n".to_owned();
    }
    let names: Vec<_> = received.iter().map(|row| inline(&row.event)).collect();
    let width = names.iter().map(|name| name.width()).max().unwrap_or_default();
    let rows = received.iter().zip(&names).map(|(ReceivedDeliveries { count, verdict, .. }, name)| {
        let gap = " ".repeat(width - name.width());
        format!("  {count:>8}  {name}{gap}  {verdict}\n")
    });
    format!("  received  {:width$}  verdict\n{}", "event", rows.collect::<String>())
}
