//! Values of resources that exist: they are set, and set back.

use super::{Account, RegisterError, Registrations, values};
use crate::{
    net::client::Transport,
    store::journal::{Hold, JournalEntry},
    webhook::provider::registration::{ValueCalls, value_at},
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
            let read = self.call(account, &calls.read, &values(entry, account, "")).await;
            let response = match read {
                Ok(response) => response,
                Err(error) => {
                    // Its lock.
                    self.journal.remove(&entry.mark).map_err(RegisterError::Journal)?;
                    return Err(error);
                }
            };
            // An unset value counts as empty.
            Some(calls.read.previous.as_deref().and_then(|at| value_at(&response, at)).unwrap_or_default())
        };
        self.journal.write(entry).map_err(RegisterError::Journal)?;
        if let Err(error) = self.call(account, &calls.set, &values(entry, account, "")).await {
            if matches!(error, RegisterError::Refused { .. }) {
                self.journal.remove(&entry.mark).map_err(RegisterError::Journal)?;
            }
            return Err(error);
        }
        for (old, _) in stale {
            self.journal.remove(&old.mark).map_err(RegisterError::Journal)?;
        }
        Ok(())
    }
}
