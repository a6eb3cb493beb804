//! What a webhook is: requests, signatures, providers, payloads, and what a provider requires of a handler.
//!
//! Everything here is pure: values in, values out. There are no files, sockets, environment variables,
//! clocks, colours or tasks. Times, ids, randomness and secrets are arguments. Texts name no
//! command-line flags; see [`remedy`].

pub mod assessment;
pub mod called_url;
pub mod capture;
pub mod contract;
pub mod delivery;
pub mod diagnose;
pub mod diff;
pub mod edit;
pub mod encoding;
pub mod forward_hint;
pub mod fresh;
pub mod http_response;
pub mod json;
pub mod keyring;
pub mod learn;
pub mod load;
pub mod nearest;
pub mod overrides;
pub mod payload;
pub mod place;
pub mod provider;
pub mod record;
pub mod redact;
pub mod remedy;
pub mod request;
pub mod response;
pub mod schema;
pub mod signature;
pub mod size;
pub mod template;
pub mod time;
pub mod trust;
pub mod url_redaction;
pub(crate) mod visible;
pub mod wire_form;
pub mod words;
