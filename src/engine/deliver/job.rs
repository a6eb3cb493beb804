//! The jobs of a run: events and captured requests, each with its endpoint.

use std::sync::Arc;

use reqwest::Url;

use super::resend::Resend;
use crate::{
    net::url::{path_and_query, target_with_query},
    webhook::{
        contract::Tamper,
        delivery::{self, AttemptSequence, Policy},
        keyring::Keyring,
        overrides::OverrideError,
        provider::{Provider, compose::BodySource, event::Event, handshake::Handshake, prepared::PreparedEvent},
        record::{CaptureSource, RecordedResponse},
        request::Headers,
        signature::SigningSecret,
    },
};

/// Jobs, and the secrets that sign them.
#[derive(Debug, Default)]
pub struct Batch {
    /// The jobs, in the order of their first attempts.
    pub jobs: Vec<Job>,
    /// The secrets; the first one of a provider signs.
    pub keyring: Keyring,
}

impl Batch {
    /// The secrets of a job's provider. The first one signs; the others are for further signatures of the same request.
    #[must_use]
    pub fn secrets_of(&self, job: &Job) -> &[SigningSecret] {
        job.provider.as_ref().map_or(&[], |provider| self.keyring.secrets(&provider.name))
    }

    /// The providers whose secrets sign at least one job.
    #[must_use]
    pub fn signing_providers(&self) -> Vec<&Arc<Provider>> {
        let mut signing: Vec<&Arc<Provider>> = Vec::new();
        for provider in self.jobs.iter().filter(|job| job.is_signed()).filter_map(|job| job.provider.as_ref()) {
            if !signing.iter().any(|other| other.name == provider.name) {
                signing.push(provider);
            }
        }
        signing
    }
}

/// One delivery.
#[derive(Debug)]
pub struct Job {
    /// The provider, if known.
    pub provider: Option<Arc<Provider>>,
    /// The event's full name, if known.
    pub event: Option<String>,
    /// The source of the captured request, if one is sent.
    pub source: Option<CaptureSource>,
    /// What the handler responded when the request was captured, if known.
    pub was: Option<RecordedResponse>,
    /// The endpoint. [`Job::target`] adds the query of a captured request.
    pub url: Url,
    /// What is sent.
    pub content: JobContent,
    /// The user's own headers.
    pub headers: Headers,
    /// How to tamper with the delivery, if at all.
    pub tamper: Option<Tamper>,
}

/// What a job sends.
#[derive(Debug)]
pub enum JobContent {
    /// An event. Each delivery has fresh values; each attempt is encoded and signed.
    Event(Box<PreparedEvent>),
    /// A captured request.
    Capture(Box<Resend>),
}

/// An event that can't be sent with the user's changes.
#[derive(Debug, thiserror::Error)]
#[error("{event}: {error}")]
pub struct InvalidJob {
    event: String,
    error: OverrideError,
}

impl Job {
    /// A job that delivers an event.
    ///
    /// # Errors
    ///
    /// If an override does not fit the payload.
    pub fn event(provider: &Arc<Provider>, event: &Event, body: BodySource<'_>, url: Url) -> Result<Self, InvalidJob> {
        let prepared =
            provider.prepare(event, body).map_err(|error| InvalidJob { event: event.full_name.clone(), error })?;
        Ok(Self {
            provider: Some(Arc::clone(provider)),
            event: Some(event.full_name.clone()),
            source: None,
            was: None,
            url,
            content: JobContent::Event(Box::new(prepared)),
            headers: Headers::new(),
            tamper: None,
        })
    }

    /// The target of its requests: the endpoint's path, with its query and that of the captured request.
    #[must_use]
    pub fn target(&self) -> String {
        match &self.content {
            JobContent::Event(_) => path_and_query(&self.url),
            JobContent::Capture(resend) => target_with_query(&self.url, &resend.request.target),
        }
    }

    /// Whether hookdev signs it. Captures keep their signatures unless they are re-signed.
    #[must_use]
    pub fn is_signed(&self) -> bool {
        let is_signed = match &self.content {
            JobContent::Event(prepared) => !prepared.unsigned,
            JobContent::Capture(resend) => resend.is_signed,
        };
        is_signed && self.provider.as_ref().is_some_and(|provider| !provider.schemes.is_empty())
    }

    /// Whether hookdev signs it and the user's own headers don't override the signature.
    #[must_use]
    pub fn is_signed_by_hookdev(&self) -> bool {
        let schemes = self.provider.iter().flat_map(|provider| &provider.schemes);
        let mut names = schemes.flat_map(|scheme| scheme.signature.headers());
        self.is_signed() && !names.any(|name| self.headers.contains(name.as_str()))
    }

    /// The provider's delivery policy, or the default one if the provider is unknown.
    #[must_use]
    pub fn policy(&self) -> &Policy {
        self.provider.as_ref().map_or(&*delivery::UNKNOWN, |provider| &provider.delivery)
    }

    /// The handshake that it is, unless it is tampered with.
    #[must_use]
    pub fn handshake(&self) -> Option<&Handshake> {
        self.provider.as_ref().filter(|_| self.tamper.is_none())?.handshake(self.event.as_deref()?)
    }

    /// The attempts of its delivery; `retry` says whether to follow the provider's schedule.
    #[must_use]
    pub fn attempts(&self, retry: bool) -> AttemptSequence<'_> {
        match self.content {
            // One response shows whether a forgery is rejected.
            JobContent::Event(_) if self.tamper.is_some() => self.policy().attempts_of_bytes(false),
            JobContent::Event(_) => self.policy().attempts(retry),
            JobContent::Capture(_) => self.policy().attempts_of_bytes(retry),
        }
    }
}
