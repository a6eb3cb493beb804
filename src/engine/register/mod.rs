//! Registers webhook endpoints through their providers' APIs, and removes them again.
//!
//! Everything is written to the journal before the call that registers it, so that, however the process ends, a later
//! one finds it: by its id or, if there was no response with an id, by its random mark. Anything not in the journal is
//! never touched.

mod endpoint;
mod error;
mod plan;
#[cfg(test)]
mod tests;
mod value;

use std::{io, sync::Arc, time::Duration};

use bytes::Bytes;

use self::error::{detail, shown};
pub use self::{
    error::RegisterError,
    plan::{plan, removal},
};
use super::entropy::random_hex;
use crate::{
    net::{
        client::{SendError, Transport},
        url::{parse_url, path_and_query},
    },
    store::journal::{Hold, Journal, JournalEntry},
    webhook::{
        provider::{
            Provider,
            registration::{ApiCall, CallValues, How, Registration},
        },
        request::Request,
        signature::SecretText,
    },
};

/// How long one call may take.
const CALL_TIMEOUT: Duration = Duration::from_secs(30);

/// An account to register with: a provider, one of its resources if it needs one, and the API key.
#[derive(Clone, Debug)]
pub struct Account {
    /// The provider, which has a `[register]`.
    pub provider: Arc<Provider>,
    /// The resource; empty if none is needed.
    pub resource: String,
    /// The base URL of the API.
    pub api: String,
    /// The API's key.
    pub key: SecretText,
}

/// What could not be removed, and how to remove it by hand.
#[derive(Debug)]
pub struct Leftover {
    /// The entry that is left.
    pub entry: JournalEntry,
    /// Why.
    pub error: RegisterError,
    /// The call as a command, in which the key is a variable; empty if no call is known.
    pub curl: String,
}

/// The result of a change of the public URL.
#[derive(Debug, Default)]
pub struct UrlChange {
    /// The entries that now have the new URL.
    pub changed: Vec<JournalEntry>,
    /// Why the others still have an earlier one.
    pub errors: Vec<RegisterError>,
}

/// One registered endpoint or value.
#[derive(Debug)]
struct Active {
    account: Account,
    entry: JournalEntry,
    new_secret: String,
    _hold: Hold,
}

/// What is registered with providers while a receiver runs.
#[derive(Debug)]
pub struct Registrations<T> {
    transport: T,
    journal: Journal,
    active: Vec<Active>,
}

impl<T: Transport> Registrations<T> {
    /// No registrations yet.
    #[must_use]
    pub const fn new(transport: T, journal: Journal) -> Self {
        Self { transport, journal, active: Vec::new() }
    }

    /// Registers an endpoint, or sets a value, with the provider's URL below this public one. Returns the signing
    /// secret, if there is a new one. Then removes what an earlier process left for the same account; what can't be
    /// removed is in the list.
    ///
    /// # Errors
    ///
    /// If nothing was registered.
    pub async fn register(
        &mut self,
        account: Account,
        public_url: &str,
    ) -> Result<(Option<SecretText>, Vec<Leftover>), RegisterError> {
        let registration = registration(&account)?;
        let stale = self.stale(&account)?;
        let (mark, new_secret) = (random_hex::<16>()?, random_hex::<16>()?);
        let hold = self.journal.hold(&mark).map_err(RegisterError::Journal)?;
        let hold = hold.ok_or_else(|| RegisterError::Journal(io::Error::other("the lock of a new entry is taken")))?;
        let mut entry = JournalEntry {
            mark,
            provider: account.provider.name.clone(),
            resource: account.resource.clone(),
            api: account.api.clone(),
            url: url_of(public_url, &account),
            id: None,
            previous: None,
        };
        let secret = match &registration.how {
            How::Endpoint(calls) => self.create_endpoint(&account, calls, &mut entry, &new_secret).await?,
            How::Value(calls) => {
                self.set_value(&account, calls, &mut entry, &stale).await?;
                None
            }
            How::Manual(_) => return Err(RegisterError::Invalid("this provider has no API for it".to_owned())),
        };
        self.active.push(Active { account: account.clone(), entry, new_secret, _hold: hold });
        let mut leftovers = Vec::new();
        if matches!(registration.how, How::Endpoint(_)) {
            for (entry, _hold) in stale {
                leftovers.extend(self.remove(&account, entry).await);
            }
        }
        Ok((secret.map(SecretText::from), leftovers))
    }

    /// The entries of the same account whose process is gone, each with its lock.
    fn stale(&self, account: &Account) -> Result<Vec<(JournalEntry, Hold)>, RegisterError> {
        let is_value = matches!(registration(account)?.how, How::Value(_));
        let mut stale = Vec::new();
        for entry in self.journal.entries().map_err(RegisterError::Journal)? {
            let is_same = entry.provider == account.provider.name
                && entry.resource == account.resource
                && entry.api == account.api;
            if !is_same {
                continue;
            }
            match self.journal.hold(&entry.mark).map_err(RegisterError::Journal)? {
                // Its process may have removed it meanwhile.
                Some(hold) => {
                    if self.journal.entries().map_err(RegisterError::Journal)?.contains(&entry) {
                        stale.push((entry, hold));
                    } else {
                        self.journal.remove(&entry.mark).map_err(RegisterError::Journal)?;
                    }
                }
                None if is_value => {
                    return Err(RegisterError::InUse(format!("{}={}", entry.provider, entry.resource)));
                }
                None => {}
            }
        }
        Ok(stale)
    }

    /// Updates all registrations to a new public URL, except those that already have it.
    pub async fn url_changed(&mut self, public_url: &str) -> UrlChange {
        let mut change = UrlChange::default();
        let mut active = std::mem::take(&mut self.active);
        for one in &mut active {
            let entry = JournalEntry { url: url_of(public_url, &one.account), ..one.entry.clone() };
            if entry.url == one.entry.url {
                continue;
            }
            let call = match registration(&one.account).map(|registration| &registration.how) {
                Ok(How::Endpoint(calls)) => &calls.update,
                Ok(How::Value(calls)) => &calls.set,
                _ => continue,
            };
            let result = match self.journal.write(&entry) {
                Ok(()) => self.call(&one.account, call, &values(&entry, &one.account, &one.new_secret)).await.map(drop),
                Err(error) => Err(RegisterError::Journal(error)),
            };
            match result {
                Ok(()) => {
                    one.entry = entry.clone();
                    change.changed.push(entry);
                }
                Err(error) => change.errors.push(error),
            }
        }
        self.active = active;
        change
    }

    /// Removes or restores everything that was registered. Returns what could not be.
    pub async fn unregister(&mut self) -> Vec<Leftover> {
        let mut leftovers = Vec::new();
        for Active { account, entry, .. } in std::mem::take(&mut self.active) {
            leftovers.extend(self.remove(&account, entry).await);
        }
        leftovers
    }

    /// The entries of everything registered.
    pub fn list(&self) -> impl Iterator<Item = &JournalEntry> {
        self.active.iter().map(|active| &active.entry)
    }

    /// Removes one entry, at the provider and then in the journal. Returns it if that fails.
    pub async fn remove(&self, account: &Account, entry: JournalEntry) -> Option<Leftover> {
        let removed = match registration(account).map(|registration| &registration.how) {
            Ok(How::Endpoint(_)) => self.delete_endpoint(account, &entry).await,
            Ok(How::Value(calls)) => match entry.previous {
                Some(_) => self.call(account, &calls.restore, &values(&entry, account, "")).await.map(drop),
                None => Ok(()),
            },
            Ok(How::Manual(_)) => Ok(()),
            Err(error) => Err(error),
        };
        let removed = match removed {
            Ok(()) => self.journal.remove(&entry.mark).map_err(RegisterError::Journal),
            error => error,
        };
        removed.err().map(|error| Leftover { curl: removal(account, &entry), entry, error })
    }

    /// Makes a call. Returns the body of its response.
    async fn call(&self, account: &Account, call: &ApiCall, values: &CallValues<'_>) -> Result<Bytes, RegisterError> {
        let filled = call.fill(values).map_err(RegisterError::Invalid)?;
        let url = format!("{}{}", account.api, filled.path);
        let url = parse_url(&url).map_err(|error| RegisterError::Invalid(error.to_string()))?;
        let (method, shown) = (call.method.to_string(), shown(&url));
        let request = Request { target: path_and_query(&url), ..filled.request };
        let response = match self.transport.send(&url, &request, CALL_TIMEOUT).await.response {
            Ok(response) => response,
            Err(SendError::Unsendable(problem)) => return Err(RegisterError::Invalid(problem)),
            Err(error) => {
                let may_have_arrived = error.may_have_arrived();
                let problem = error.to_string();
                return Err(RegisterError::Unreachable { method, url: shown, problem, may_have_arrived });
            }
        };
        if !call.accepts(response.status) {
            let (status, detail) = (response.status, detail(&response.body, values));
            return Err(RegisterError::Refused { method, url: shown, status, detail });
        }
        Ok(response.body)
    }
}

fn registration(account: &Account) -> Result<&Registration, RegisterError> {
    let registration = account.provider.registration.as_ref();
    registration
        .ok_or_else(|| RegisterError::Invalid(format!("the manifest of {} has no [register]", account.provider.title)))
}

fn values<'a>(entry: &'a JournalEntry, account: &'a Account, new_secret: &'a str) -> CallValues<'a> {
    CallValues {
        url: &entry.url,
        id: entry.id.as_deref().unwrap_or_default(),
        key: account.key.expose(),
        mark: &entry.mark,
        new_secret,
        previous: entry.previous.as_deref().unwrap_or_default(),
        resource: &entry.resource,
    }
}

/// The URL that a provider calls below a public one.
#[must_use]
pub fn url_of(public_url: &str, account: &Account) -> String {
    format!("{}/{}", public_url.trim_end_matches('/'), account.provider.name)
}
