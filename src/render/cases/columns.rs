//! The columns of the table of cases: what stands in them, and how wide they are.

use crate::{
    render::text,
    webhook::contract::{CaseName, CaseRecord},
};

/// How the columns are filled.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Columns {
    pub(super) case: usize,
    pub(super) sent: usize,
    pub(super) wanted: usize,
    /// Whether the event and the time limit are left out.
    pub(super) brief: (bool, bool),
}

/// The columns of the mark, the status, the time and the gaps between them.
const FIXED: usize = 2 + 2 + 2 + 2 + 4 + 2 + 7;

impl Columns {
    /// The fullest columns that the screen has room for.
    pub(super) fn of(cases: &[CaseRecord], width: Option<usize>) -> Self {
        let most = |cell: &dyn Fn(&CaseRecord) -> usize, least| cases.iter().map(cell).max().unwrap_or(0).max(least);
        let case = most(&|record| text::width(record.name.as_str()), 4);
        let filled = |brief: (bool, bool)| Self {
            case,
            sent: most(&|record| text::width(&sent_words(record, brief.0)), 4),
            wanted: most(&|record| text::width(wanted_words(record, brief.1)), 6),
            brief,
        };
        let Some(width) = width else { return filled((false, false)) };
        let fits = |columns: &Self| columns.case + columns.sent + columns.wanted + FIXED <= width;
        let fitting = [(false, false), (true, false), (true, true)].into_iter().map(filled).find(fits);
        fitting.unwrap_or_else(|| {
            let columns = filled((true, true));
            let room = width.saturating_sub(case + columns.wanted + FIXED).max(8);
            Self { sent: columns.sent.min(room), ..columns }
        })
    }

    /// What is sent, as it stands in its column.
    pub(super) fn sent_words(&self, record: &CaseRecord) -> String {
        sent_words(record, self.brief.0)
    }
}

/// What is sent: the event, and what is special about it.
pub(super) fn sent_words(record: &CaseRecord, brief: bool) -> String {
    let event = event_words(record);
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

pub(super) fn wanted_words(record: &CaseRecord, brief: bool) -> &str {
    if brief { &record.expected_status } else { &record.expected }
}

/// The event's name without the provider's.
pub(super) fn event_words(record: &CaseRecord) -> &str {
    let event = record.event.strip_prefix(&record.provider).and_then(|event| event.strip_prefix('.'));
    event.unwrap_or(&record.event)
}
