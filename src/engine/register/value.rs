//! Values of resources that exist: they are set, and set back.

use serde_json::Value;

use super::{Account, RegisterError, Registrations, error::unexpected, values};
use crate::{
    net::client::Transport,
    store::journal::{Hold, JournalEntry},
    webhook::provider::registration::ValueCalls,
};

impl<T: Transport> Registrations<T> {
    /// Sets a value, after writing the previous one to its entry. The entries of earlier processes are then no longer
    /// needed.
    pub(super) async fn set_value(
        &self,
        account: &Account,
        calls: &ValueCalls,
        entry: &mut JournalEntry,
        stale: &[(JournalEntry, Hold)],
    ) -> Result<(), RegisterError> {
        // The previous value is the one that an earlier process found, not the one that it set.
        let earlier = stale.iter().find_map(|(entry, _)| entry.previous.clone());
        entry.previous = if earlier.is_some() {
            earlier
        } else {
            let read = self.read_value(account, calls, entry).await;
            if read.is_err() {
                // Its lock.
                self.journal.remove(&entry.mark).map_err(RegisterError::Journal)?;
            }
            Some(read?)
        };
        self.journal.write(entry).map_err(RegisterError::Journal)?;
        if let Err(error) = self.call(account, &calls.set, &values(entry, account, "")).await {
            if !error.may_have_had_effect() {
                self.journal.remove(&entry.mark).map_err(RegisterError::Journal)?;
            }
            return Err(error);
        }
        for (old, _) in stale {
            self.journal.remove(&old.mark).map_err(RegisterError::Journal)?;
        }
        Ok(())
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
            _ => Err(unexpected(account, &calls.read, entry, ("a text or null", pointer), &body)),
        }
    }
}
