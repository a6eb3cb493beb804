//! A value of an existing resource: set, and restored at the end.
//!
//! The user may set another value at any time, so the previous one is restored only if the current one is hookdev's.

use std::iter;

use reqwest::Url;
use serde_json::Value;

use super::{Account, Found, RegisterError, Registrations, Removal, error::unexpected, values};
use crate::{
    net::client::Transport,
    store::journal::{Hold, JournalEntry},
    webhook::provider::registration::{CallValues, ValueCalls},
};

impl<T: Transport> Registrations<T> {
    /// Sets a value, after writing the previous one to its entry. The entry takes over what earlier processes left;
    /// their values that the user has replaced are in the list.
    pub(super) async fn set_value(
        &self,
        account: &Account,
        calls: &ValueCalls,
        entry: &mut JournalEntry,
        stale: Vec<(JournalEntry, Hold)>,
    ) -> Result<Vec<Removal>, RegisterError> {
        let read = self.read_value(account, calls, entry).await;
        if read.is_err() {
            // Its lock.
            self.journal.remove(&entry.mark).map_err(RegisterError::Journal)?;
        }
        let current = read?;
        // The previous value is the one that an earlier process found, not the one that it set.
        let earlier = stale.iter().map(|(old, _)| old).find(|old| found(account, calls, old, &current) == Found::Ours);
        if let Some(earlier) = earlier {
            entry.add_url(&earlier.url);
            earlier.other_urls.iter().for_each(|url| entry.add_url(url));
        }
        let is_taken_over = earlier.is_some();
        entry.previous = earlier.and_then(|earlier| earlier.previous.clone()).or_else(|| Some(current.clone()));
        self.journal.write(entry).map_err(RegisterError::Journal)?;
        let mut removals = Vec::new();
        for (old, _hold) in stale {
            self.journal.remove(&old.mark).map_err(RegisterError::Journal)?;
            let found = found(account, calls, &old, &current);
            removals.extend((found == Found::Other).then_some(Removal { entry: old, result: Ok(found) }));
        }
        if let Err(error) = self.call(account, &calls.set, &values(entry, account, "")).await {
            if !error.may_have_had_effect() && !is_taken_over {
                self.journal.remove(&entry.mark).map_err(RegisterError::Journal)?;
            }
            return Err(error);
        }
        Ok(removals)
    }

    /// Makes the current value the one to set back, if the user has set it since.
    pub(super) async fn remember_replacement(
        &self,
        account: &Account,
        calls: &ValueCalls,
        entry: &mut JournalEntry,
    ) -> Result<(), RegisterError> {
        let current = self.read_value(account, calls, entry).await?;
        if found(account, calls, entry, &current) == Found::Other {
            entry.previous = Some(current);
        }
        Ok(())
    }

    /// Sets the value back to the previous one, unless the user has replaced it.
    pub(super) async fn restore_value(
        &self,
        account: &Account,
        calls: &ValueCalls,
        entry: &JournalEntry,
    ) -> Result<Found, RegisterError> {
        let found = found(account, calls, entry, &self.read_value(account, calls, entry).await?);
        if found == Found::Ours {
            self.call(account, &calls.restore, &values(entry, account, "")).await?;
        }
        Ok(found)
    }

    /// The current value. `null` counts as empty, because an empty value unsets it.
    async fn read_value(
        &self,
        account: &Account,
        calls: &ValueCalls,
        entry: &JournalEntry,
    ) -> Result<String, RegisterError> {
        let body = self.call(account, &calls.read, &values(entry, account, "")).await?;
        let pointer = calls.read.previous.as_deref().unwrap_or_default();
        match serde_json::from_slice::<Value>(&body).ok().as_ref().and_then(|response| response.pointer(pointer)) {
            Some(Value::String(text)) => Ok(text.clone()),
            Some(Value::Null) => Ok(String::new()),
            _ => Err(unexpected(account, &calls.read, entry, ("a string or null", pointer), &body)),
        }
    }
}

/// Who set the current value. An API may normalise URLs.
fn found(account: &Account, calls: &ValueCalls, entry: &JournalEntry, current: &str) -> Found {
    let current_url = Url::parse(current).ok();
    let is_current = |text: &String| text == current || current_url.is_some() && Url::parse(text).ok() == current_url;
    let texts_of = |url| calls.set.texts_with("url", &CallValues { url, ..values(entry, account, "") });
    let mut urls = iter::once(&entry.url).chain(&entry.other_urls);
    if urls.any(|url| is_current(url) || texts_of(url).iter().any(is_current)) {
        Found::Ours
    } else if entry.previous.as_deref().is_none_or(|previous| previous == current) {
        Found::Nothing
    } else {
        Found::Other
    }
}
