//! Endpoints that hookdev creates and deletes.

use serde_json::Value;

use super::{
    Account, Found, RegisterError, Registrations,
    error::{incomplete, unexpected},
    registration, values,
};
use crate::{
    net::client::Transport,
    store::journal::JournalEntry,
    webhook::provider::registration::{CallValues, EndpointCalls, How, is_segment, value_at},
};

impl<T: Transport> Registrations<T> {
    /// Creates an endpoint. Writes its entry both before and after that. Returns the signing secret, if there is a new
    /// one.
    pub(super) async fn create_endpoint(
        &self,
        account: &Account,
        calls: &EndpointCalls,
        entry: &mut JournalEntry,
        new_secret: &str,
    ) -> Result<Option<String>, RegisterError> {
        self.journal.write(entry).map_err(RegisterError::Journal)?;
        let created = self.call(account, &calls.create, &values(entry, account, new_secret)).await;
        let response = match created {
            // Without JSON, it has no id.
            Ok(body) => serde_json::from_slice(&body).unwrap_or(Value::Null),
            Err(error) => {
                // An endpoint that isn't listed yet may still appear, so the entry stays.
                if !error.may_have_had_effect() || matches!(self.delete_endpoint(account, entry).await, Ok(Found::Ours))
                {
                    self.journal.remove(&entry.mark).map_err(RegisterError::Journal)?;
                }
                return Err(error);
            }
        };
        entry.id = calls.create.id.as_deref().and_then(|at| value_at(&response, at)).filter(|id| is_segment(id));
        let mut secret = calls.create.secret.as_deref().and_then(|at| value_at(&response, at));
        if secret.is_none() && calls.create.sends_new_secret() {
            secret = Some(new_secret.to_owned());
        }
        self.journal.write(entry).map_err(RegisterError::Journal)?;
        let missing = match &secret {
            _ if entry.id.is_none() => Some("id"),
            None if calls.create.secret.is_some() => Some("secret"),
            _ => None,
        };
        if let Some(what) = missing {
            let error = incomplete(account, &calls.create, entry, what);
            if matches!(self.delete_endpoint(account, entry).await, Ok(Found::Ours)) {
                self.journal.remove(&entry.mark).map_err(RegisterError::Journal)?;
            }
            return Err(error);
        }
        Ok(secret)
    }

    /// Deletes the endpoint with the entry's id or, if the id is unknown, those with its mark.
    pub(super) async fn delete_endpoint(
        &self,
        account: &Account,
        entry: &JournalEntry,
    ) -> Result<Found, RegisterError> {
        let How::Endpoint(calls) = &registration(account)?.how else { return Ok(Found::Nothing) };
        let ids = if let Some(id) = &entry.id {
            vec![id.clone()]
        } else {
            let list = &calls.list;
            let body = self.call(account, &list.call, &values(entry, account, "")).await?;
            let marked = serde_json::from_slice(&body).ok().and_then(|response| list.marked(&response, &entry.mark));
            let expected = ("a list of endpoints with ids", list.items.as_str());
            marked.ok_or_else(|| unexpected(account, &list.call, entry, expected, &body))?
        };
        for id in &ids {
            let values = CallValues { id, ..values(entry, account, "") };
            self.call(account, &calls.delete, &values).await?;
        }
        Ok(if ids.is_empty() { Found::Nothing } else { Found::Ours })
    }
}
