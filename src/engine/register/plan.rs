//! The calls as text, for a dry run and for a person who removes by hand what hookdev could not.

use super::{Account, registration, url_of, values};
use crate::{render::api_call::CallWriter, store::journal::JournalEntry, webhook::provider::registration::How};

/// The call that removes an entry, as text; empty if none is known.
#[must_use]
pub fn removal(account: &Account, entry: &JournalEntry, write: CallWriter) -> String {
    let Ok(registration) = registration(account) else { return String::new() };
    let call = match (&registration.how, &entry.id) {
        (How::Endpoint(calls), Some(_)) => &calls.delete,
        (How::Endpoint(calls), None) => &calls.list.call,
        (How::Value(calls), _) => &calls.restore,
        (How::Manual(_), _) => return String::new(),
    };
    write(call, &account.api, registration.key.as_deref(), &values(entry, account, ""))
}

/// The calls that `register` and `unregister` would make, as text.
#[must_use]
pub fn plan(account: &Account, public_url: &str, write: CallWriter) -> Vec<String> {
    let Ok(registration) = registration(account) else { return Vec::new() };
    let entry = JournalEntry {
        mark: "MARK".to_owned(),
        provider: account.provider.name.clone(),
        resource: account.resource.clone(),
        api: account.api.clone(),
        url: url_of(public_url, account),
        other_urls: Vec::new(),
        id: Some("ID".to_owned()),
        previous: Some("PREVIOUS".to_owned()),
    };
    let calls = match &registration.how {
        How::Endpoint(calls) => vec![&calls.create, &calls.delete],
        How::Value(calls) => vec![&calls.read, &calls.set, &calls.restore],
        How::Manual(_) => Vec::new(),
    };
    let values = values(&entry, account, "");
    calls.iter().map(|call| write(call, &account.api, registration.key.as_deref(), &values)).collect()
}
