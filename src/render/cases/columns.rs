//! The columns of the table of cases: their texts and widths.

use crate::{
    render::text,
    webhook::contract::{CaseName, CaseRecord},
};

/// The widths of the columns, and how their texts are abbreviated.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct ColumnWidths {
    pub(super) case: usize,
    pub(super) sent: usize,
    pub(super) expected: usize,
    /// Whether the event and the time limit are omitted.
    pub(super) brief: (bool, bool),
}

/// The width of the mark, the status, the time and the gaps, in columns.
const FIXED: usize = 2 + 2 + 2 + 2 + 4 + 2 + 7;

impl ColumnWidths {
    /// The most detailed columns that fit the screen.
    pub(super) fn fit(cases: &[CaseRecord], width: Option<usize>) -> Self {
        let most = |cell: &dyn Fn(&CaseRecord) -> usize, least| cases.iter().map(cell).max().unwrap_or(0).max(least);
        let case = most(&|record| text::width(record.name.as_str()), 4);
        let filled = |brief: (bool, bool)| Self {
            case,
            sent: most(&|record| text::width(&sent_label(record, brief.0)), 4),
            expected: most(&|record| text::width(expected_label(record, brief.1)), 8),
            brief,
        };
        let Some(width) = width else { return filled((false, false)) };
        let fits = |columns: &Self| columns.case + columns.sent + columns.expected + FIXED <= width;
        let fitting = [(false, false), (true, false), (true, true)].into_iter().map(filled).find(fits);
        fitting.unwrap_or_else(|| {
            let columns = filled((true, true));
            let room = width.saturating_sub(case + columns.expected + FIXED).max(8);
            Self { sent: columns.sent.min(room), ..columns }
        })
    }

    /// The text of the column `sent`.
    pub(super) fn sent_label(&self, record: &CaseRecord) -> String {
        sent_label(record, self.brief.0)
    }
}

/// What is sent: the event, and what is special about this delivery.
pub(super) fn sent_label(record: &CaseRecord, brief: bool) -> String {
    let event = event_label(record);
    let words = match (record.sends.as_str(), brief) {
        ("", _) => event.to_owned(),
        (sends, true) if record.name == CaseName::EventAccepted => {
            let values = sends.split(", ").filter_map(|change| change.split_once('=')).map(|(_, value)| value);
            format!("{event} {}", values.collect::<Vec<_>>().join(" "))
        }
        (sends, true) => sends.to_owned(),
        (sends, false) => format!("{event}, {sends}"),
    };
    text::printable(&words).into_owned()
}

pub(super) fn expected_label(record: &CaseRecord, brief: bool) -> &str {
    if brief { &record.expected_status } else { &record.expected }
}

/// The event's name without the provider's.
pub(super) fn event_label(record: &CaseRecord) -> &str {
    let event = record.event.strip_prefix(&record.provider).and_then(|event| event.strip_prefix('.'));
    event.unwrap_or(&record.event)
}
