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
    render::api_call::curl,
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

/// What became of an entry that was to be removed.
#[derive(Debug)]
pub struct Removal {
    /// The entry. It is still in the journal if the removal failed.
    pub entry: JournalEntry,
    /// What was found at the provider, or why it could not be removed.
    pub result: Result<Found, Leftover>,
}

/// What the provider had when an entry was to be removed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Found {
    /// What hookdev registered, which is removed now.
    Ours,
    /// Nothing to remove.
    Nothing,
    /// A value that the user has set since, which is kept.
    Other,
}

/// Why something could not be removed, and how to remove it by hand.
#[derive(Debug)]
pub struct Leftover {
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
    /// secret, if there is a new one. Also removes what an earlier process left for the same account, which is in the
    /// list.
    ///
    /// # Errors
    ///
    /// If nothing was registered.
    pub async fn register(
        &mut self,
        account: Account,
        public_url: &str,
    ) -> Result<(Option<SecretText>, Vec<Removal>), RegisterError> {
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
            other_urls: Vec::new(),
            id: None,
            previous: None,
        };
        let active = |entry| Active { account: account.clone(), entry, new_secret: new_secret.clone(), _hold: hold };
        match &registration.how {
            How::Endpoint(calls) => {
                let secret = self.create_endpoint(&account, calls, &mut entry, &new_secret).await?;
                self.active.push(active(entry));
                let mut removals = Vec::new();
                for (entry, _hold) in stale {
                    removals.push(self.remove(&account, entry).await);
                }
                Ok((secret.map(SecretText::from), removals))
            }
            How::Value(calls) => {
                let removals = self.set_value(&account, calls, &mut entry, stale).await?;
                self.active.push(active(entry));
                Ok((None, removals))
            }
            How::Manual(_) => Err(RegisterError::Invalid("this provider has no API for it".to_owned())),
        }
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
            let mut entry = JournalEntry { url: url_of(public_url, &one.account), ..one.entry.clone() };
            if entry.url == one.entry.url {
                continue;
            }
            entry.add_url(&one.entry.url);
            match self.update(one, &mut entry).await {
                Ok(()) => {
                    one.entry = JournalEntry { other_urls: Vec::new(), ..entry };
                    change.changed.push(one.entry.clone());
                }
                Err(error) => {
                    let url = std::mem::take(&mut one.entry.url);
                    let failed = std::mem::replace(&mut entry.url, url);
                    entry.add_url(&failed);
                    one.entry = entry;
                    change.errors.push(error);
                }
            }
        }
        self.active = active;
        change
    }

    /// Updates what is registered to the URL of this entry, after writing the entry.
    async fn update(&self, one: &Active, entry: &mut JournalEntry) -> Result<(), RegisterError> {
        let account = &one.account;
        let call = match &registration(account)?.how {
            How::Endpoint(calls) => &calls.update,
            How::Value(calls) => {
                self.remember_replacement(account, calls, entry).await?;
                &calls.set
            }
            How::Manual(_) => return Ok(()),
        };
        self.journal.write(entry).map_err(RegisterError::Journal)?;
        self.call(account, call, &values(entry, account, &one.new_secret)).await.map(drop)
    }

    /// Removes or restores everything that was registered.
    pub async fn unregister(&mut self) -> Vec<Removal> {
        let mut removals = Vec::new();
        for Active { account, entry, .. } in std::mem::take(&mut self.active) {
            removals.push(self.remove(&account, entry).await);
        }
        removals
    }

    /// The entries of everything registered.
    pub fn list(&self) -> impl Iterator<Item = &JournalEntry> {
        self.active.iter().map(|active| &active.entry)
    }

    /// Removes one entry, at the provider and then in the journal.
    pub async fn remove(&self, account: &Account, entry: JournalEntry) -> Removal {
        let found = match registration(account).map(|registration| &registration.how) {
            Ok(How::Endpoint(_)) => self.delete_endpoint(account, &entry).await,
            Ok(How::Value(calls)) => self.restore_value(account, calls, &entry).await,
            Ok(How::Manual(_)) => Ok(Found::Nothing),
            Err(error) => Err(error),
        };
        let removed =
            found.and_then(|found| self.journal.remove(&entry.mark).map(|()| found).map_err(RegisterError::Journal));
        let result = removed.map_err(|error| Leftover { error, curl: removal(account, &entry, curl) });
        Removal { entry, result }
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
