//! The settings of a receiver that can be replaced while it runs.

use std::sync::Arc;

use parking_lot::{Mutex, RwLock};

use super::forwards::Forward;
use crate::webhook::{
    assessment::{Assessment, Judge},
    called_url::PublicUrl,
    keyring::{Keyring, SecretSource},
    payload::MAX_DECODED_BYTES,
    provider::{Provider, catalog::Catalog},
    request::Request,
    signature::{Receipt, SigningSecret, Verdict},
    time::Timestamp,
};

/// How many secrets from handshakes are in use at a time, because each one is tried for every delivery.
const MAX_HANDED_OVER: usize = 64;

/// Why a secret from a handshake is not used. Anyone who can reach the receiver can send a handshake.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum UnusedSecret {
    /// The user has set the provider's secret.
    OwnSecret,
    /// Only deliveries that the user's own secrets verify are accepted.
    OwnSecretsOnly,
    /// Another one is in use, and the receiver doesn't accept secrets that anyone could know.
    NotFirst,
}

/// How requests are verified, and where they are forwarded.
#[derive(Clone, Debug)]
pub struct ReceiverSettings {
    /// The known providers.
    pub catalog: Arc<Catalog>,
    /// Their signing secrets.
    pub keyring: Keyring,
    /// The provider of every request; `None` detects it for each request.
    pub provider: Option<Arc<Provider>>,
    /// The URL at which providers reach this receiver, if given.
    pub public_url: Option<PublicUrl>,
    /// Whether deliveries signed with the public development secret are accepted.
    pub accepts_development: bool,
    /// Where deliveries are forwarded. The first match provides the response.
    pub forwards: Vec<Forward>,
}

impl ReceiverSettings {
    /// Judges a request that was just received. It may also have been sent here directly instead of to the public URL.
    #[must_use]
    pub fn assess(&self, request: &Request, received_at: Timestamp) -> Assessment {
        let receipt = Receipt::from(Some(received_at));
        let Some(url) = self.called_url(request) else { return self.judge().assess(request, receipt) };
        let assessment = self.judge().assess(request, Receipt { url: Some(&url), ..receipt });
        let assessment = Assessment { url: Some(url), ..assessment };
        let provider = assessment.provider.as_ref().filter(|_| assessment.verdict.rejection().is_some());
        if !provider.is_some_and(|provider| provider.schemes.iter().any(|scheme| scheme.content.signs_url())) {
            return assessment;
        }
        let direct = self.judge().assess(request, receipt);
        if direct.verdict.rejection().is_some() { assessment } else { direct }
    }

    /// The URL that the provider called, if the request does not name it itself.
    #[must_use]
    pub fn called_url(&self, request: &Request) -> Option<String> {
        self.public_url.as_ref().map(|public| public.of(request))
    }

    /// The judge of requests under these settings.
    #[must_use]
    pub fn judge(&self) -> Judge<'_> {
        Judge {
            catalog: &self.catalog,
            keyring: &self.keyring,
            provider: self.provider.as_ref(),
            accepts_development: self.accepts_development,
            decoded_limit: MAX_DECODED_BYTES,
        }
    }
}

/// The current settings, shared by the receiver and the task that reloads them.
#[derive(Debug)]
pub struct CurrentSettings {
    settings: RwLock<Arc<ReceiverSettings>>,
    /// The secrets that providers have given in this run. A reload keeps them.
    given: Mutex<Vec<Given>>,
}

impl CurrentSettings {
    /// Starts with these settings.
    #[must_use]
    pub fn new(settings: ReceiverSettings) -> Self {
        Self { settings: RwLock::new(Arc::new(settings)), given: Mutex::default() }
    }

    /// The settings for one request, which keeps them until it is done.
    #[must_use]
    pub fn get(&self) -> Arc<ReceiverSettings> {
        Arc::clone(&self.settings.read())
    }

    /// Replaces the settings for later requests.
    pub fn replace(&self, mut settings: ReceiverSettings) {
        let given = self.given.lock();
        for Given { provider, secret, by_handshake, .. } in given.iter() {
            if !(*by_handshake && settings.keyring.has_own(provider)) {
                settings.keyring.add(provider, secret.clone(), SecretSource::Registered);
            }
        }
        let mut current = self.settings.write();
        settings.keyring.remember(&current.keyring);
        *current = Arc::new(settings);
    }

    /// Starts to use a secret from a handshake. If too many are in use, the one that has gone longest without verifying
    /// a delivery is dropped; those that never have go first. `accepts_development` says whether secrets that anyone
    /// may know are accepted where the handshake arrived. Returns whether the secret is new.
    ///
    /// # Errors
    ///
    /// The reason, if it is not used.
    pub fn take_handed_over(
        &self,
        provider: &str,
        secret: SigningSecret,
        accepts_development: bool,
    ) -> Result<bool, UnusedSecret> {
        let mut given = self.given.lock();
        let settings = self.get();
        let keyring = &settings.keyring;
        if keyring.secrets(provider).contains(&secret) {
            return Ok(false);
        }
        if keyring.has_own(provider) {
            return Err(UnusedSecret::OwnSecret);
        }
        if given.iter().any(|given| given.by_handshake && given.provider == provider) && !accepts_development {
            return Err(UnusedSecret::NotFirst);
        }
        if given.iter().filter(|given| given.by_handshake).count() >= MAX_HANDED_OVER {
            self.drop_least_used(&mut given);
        }
        self.add(&mut given, Given::new(provider, secret, true));
        Ok(true)
    }

    /// If a provider gave the secret that verified a delivery, records its use.
    pub fn note_use(&self, settings: &ReceiverSettings, assessment: &Assessment) {
        let (Some(SecretSource::Registered), Some(provider), Verdict::Verified(verified)) =
            (&assessment.secret, &assessment.provider, &assessment.verdict)
        else {
            return;
        };
        let Some(secret) = settings.keyring.secrets(&provider.name).get(verified.secret) else { return };
        let mut given = self.given.lock();
        let latest = given.iter().map(|given| given.used).max().unwrap_or_default();
        if let Some(given) = given.iter_mut().find(|given| given.provider == provider.name && given.secret == *secret) {
            given.used = latest + 1;
        }
    }

    fn drop_least_used(&self, given: &mut Vec<Given>) {
        let by_handshake = given.iter().enumerate().filter(|(_, given)| given.by_handshake);
        // Of several that were never used, the first.
        let Some((index, _)) = by_handshake.min_by_key(|(_, given)| given.used) else { return };
        let Given { provider, secret, .. } = given.remove(index);
        let mut current = self.settings.write();
        let mut settings = ReceiverSettings::clone(&current);
        settings.keyring.remove_registered(&provider, &secret);
        *current = Arc::new(settings);
    }

    /// Starts to use a secret returned by the provider's API.
    pub fn add_registered(&self, provider: &str, secret: SigningSecret) {
        self.add(&mut self.given.lock(), Given::new(provider, secret, false));
    }

    fn add(&self, given: &mut Vec<Given>, secret: Given) {
        let mut current = self.settings.write();
        let mut settings = ReceiverSettings::clone(&current);
        settings.keyring.add(&secret.provider, secret.secret.clone(), SecretSource::Registered);
        *current = Arc::new(settings);
        given.push(secret);
    }
}

/// A secret that a provider gave in this run.
#[derive(Debug)]
struct Given {
    provider: String,
    secret: SigningSecret,
    /// Whether it came from a handshake rather than the provider's API.
    by_handshake: bool,
    /// When it last verified a delivery, as a counter; 0 if it never has.
    used: u64,
}

impl Given {
    fn new(provider: &str, secret: SigningSecret, by_handshake: bool) -> Self {
        Self { provider: provider.to_owned(), secret, by_handshake, used: 0 }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::webhook::signature::{Freshness, SecretFormat, Verified};

    fn secret(text: &str) -> SigningSecret {
        SigningSecret::parse(text, &SecretFormat::default()).unwrap()
    }

    /// Settings with the user's own secret, if there is one.
    fn settings(own: Option<&str>) -> ReceiverSettings {
        let mut keyring = Keyring::default();
        if let Some(own) = own {
            keyring.add("acme", secret(own), SecretSource::Config);
        }
        ReceiverSettings {
            catalog: Arc::new(Catalog::builtin()),
            keyring,
            provider: None,
            public_url: None,
            accepts_development: true,
            forwards: Vec::new(),
        }
    }

    #[test]
    fn the_secret_of_a_handshake_ends_with_a_reload_that_sets_the_users_own() {
        let current = CurrentSettings::new(settings(None));
        assert_eq!(current.take_handed_over("acme", secret("of a stranger"), true), Ok(true));
        current.add_registered("acme", secret("of the API"));
        current.replace(settings(Some("own")));
        assert_eq!(current.get().keyring.secrets("acme"), [secret("own"), secret("of the API")]);
        assert_eq!(current.take_handed_over("acme", secret("of a stranger"), true), Err(UnusedSecret::OwnSecret));
        assert_eq!(current.take_handed_over("acme", secret("own"), true), Ok(false));
        current.replace(settings(None));
        assert_eq!(current.get().keyring.secrets("acme"), [secret("of a stranger"), secret("of the API")]);
    }

    #[test]
    fn of_too_many_secrets_the_one_that_has_verified_nothing_for_longest_makes_room() {
        let current = CurrentSettings::new(settings(None));
        let take = |text: &str| current.take_handed_over("asana", secret(text), true);
        let verifies = |index: usize| {
            let settings = current.get();
            let verified = Verified {
                scheme: "".into(),
                secret: index,
                freshness: Freshness::NoTimestamp,
                before_compression: false,
            };
            let assessment = Assessment {
                provider: settings.catalog.get("asana").cloned(),
                verdict: Verdict::Verified(verified),
                secret: settings.keyring.source("asana", index).cloned(),
                ..Assessment::unrecognised(Vec::new())
            };
            current.note_use(&settings, &assessment);
        };
        current.add_registered("asana", secret("of the API"));
        for number in 0..MAX_HANDED_OVER {
            assert_eq!(take(&format!("secret {number}")), Ok(true));
        }
        verifies(1);
        assert_eq!(take("another"), Ok(true));
        let keys = current.get().keyring.secrets("asana").to_vec();
        assert_eq!(
            (keys.len(), &keys[..3]),
            (1 + MAX_HANDED_OVER, &["of the API", "secret 0", "secret 2"].map(secret)[..])
        );
        // Once all have verified a delivery, the first of them.
        (2..keys.len()).for_each(verifies);
        assert_eq!(take("the last"), Ok(true));
        assert_eq!(current.get().keyring.secrets("asana")[..2], ["of the API", "secret 2"].map(secret));
    }

    #[test]
    fn where_a_handshake_came_in_decides_how_many_secrets_count() {
        let current = CurrentSettings::new(settings(None));
        assert_eq!(current.take_handed_over("acme", secret("first"), false), Ok(true));
        assert_eq!(current.take_handed_over("acme", secret("first"), false), Ok(false));
        assert_eq!(current.take_handed_over("acme", secret("second"), false), Err(UnusedSecret::NotFirst));
        assert_eq!(current.take_handed_over("other", secret("second"), false), Ok(true));
        assert_eq!(current.take_handed_over("acme", secret("second"), true), Ok(true));
    }
}
