//! What is to be sent: events and captured requests, each with its endpoint and all that its
//! attempts are made of.

use std::sync::Arc;

use reqwest::Url;

use crate::{
    commands::{
        exit::{Exit, Failure},
        send::captured::Captured,
    },
    render::text,
    webhook::{
        contract::Tamper,
        keyring::Keyring,
        provider::{Provider, compose::BodySource, event::Event, recipe::Recipe},
        request::Headers,
        signature::SigningSecret,
    },
};

/// Everything that one run sends.
pub struct Plan {
    pub jobs: Vec<Job>,
    pub keyring: Keyring,
    /// Whether an input could not be read; what could be is sent all the same.
    pub broken_input: bool,
}

/// One delivery to be made.
pub struct Job {
    /// Whose it is, if that is known.
    pub provider: Option<Arc<Provider>>,
    /// The event's whole name, if that is known.
    pub event: Option<String>,
    /// The place of the captured request that it sends.
    pub source: Option<String>,
    /// Where it goes.
    pub url: Url,
    /// What goes there.
    pub content: Content,
    /// The user's own headers.
    pub headers: Headers,
    /// How it is spoilt.
    pub tamper: Option<Tamper>,
}

/// What a job sends.
pub enum Content {
    /// An event: each delivery is drafted anew, and put together and signed for each attempt.
    Event(Box<Recipe>),
    /// A captured request.
    Capture(Box<Captured>),
}

impl Job {
    /// Whether its provider's secret signs it here.
    pub fn signs(&self) -> bool {
        let signed = match &self.content {
            Content::Event(recipe) => !recipe.unsigned,
            Content::Capture(captured) => captured.resign,
        };
        signed && self.provider.as_ref().is_some_and(|provider| !provider.schemes.is_empty())
    }
}

impl Plan {
    /// The secret that signs a job.
    pub fn secret_of(&self, job: &Job) -> Option<&SigningSecret> {
        self.keyring.secrets(&job.provider.as_ref()?.name).first()
    }

    /// The providers whose secrets sign something here.
    pub fn signing_providers(&self) -> Vec<&str> {
        let mut names: Vec<&str> = Vec::new();
        for job in &self.jobs {
            if let (true, Some(provider)) = (job.signs(), &job.provider)
                && !names.contains(&provider.name.as_str())
            {
                names.push(&provider.name);
            }
        }
        names
    }

    /// The columns of the longest name.
    pub fn name_width(&self) -> usize {
        self.jobs.iter().filter_map(|job| job.event.as_deref()).map(text::width).max().unwrap_or_default()
    }

    /// The exit code, when an input could not be read.
    pub const fn exit(&self, exit: Exit) -> Exit {
        if self.broken_input && !matches!(exit, Exit::Interrupted) { Exit::UnreadableInput } else { exit }
    }
}

/// A job that delivers an event.
///
/// # Errors
///
/// When an override does not fit the payload.
pub fn fixture_job(provider: &Arc<Provider>, event: &Event, what: BodySource<'_>, url: Url) -> Result<Job, Failure> {
    let recipe =
        provider.recipe(event, what).map_err(|error| Failure::usage(format!("{}: {error}", event.full_name)))?;
    Ok(Job {
        provider: Some(Arc::clone(provider)),
        event: Some(event.full_name.clone()),
        source: None,
        url,
        content: Content::Event(Box::new(recipe)),
        headers: Headers::new(),
        tamper: None,
    })
}
