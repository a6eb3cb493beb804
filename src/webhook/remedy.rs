//! Remedies: what to do about a finding, a warning or a failed case.
//!
//! A remedy is a value, because each front end has its own controls: a command line has flags, a
//! page has buttons. Nothing here names either; the front end words a remedy with its [`Wording`].

use std::borrow::Cow;

use super::{keyring::SecretSource, request::Method};

/// What to do.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Remedy {
    /// Advice that holds for every front end.
    Advice(Cow<'static, str>),
    /// Set the secret of a provider for which only the development secret is known.
    SetSecret {
        /// The provider's name.
        provider: String,
        /// The provider's name as people write it.
        title: String,
        /// The environment variables, one of which may hold the secret.
        envs: Vec<String>,
    },
    /// Forward the deliveries that providers send unsigned, too.
    ForwardUnsigned,
    /// Set each provider's own secret.
    SetSecretOfEach,
    /// Treat the request as coming from another provider, or sign it as this one does.
    ChooseProvider {
        /// The name of the other provider.
        other: String,
    },
    /// Name the provider of an unrecognised request, or describe that provider.
    NameProvider {
        /// The name of some provider.
        example: String,
    },
    /// Name the header of the provider's signature, which the user chooses in the provider's settings.
    NameSignatureHeader {
        /// The provider's name.
        provider: String,
        /// The provider's name as people write it.
        title: String,
    },
    /// Check the age of captures against the time when each was received.
    CheckAgeAtReceipt,
    /// Correct the time against which the age is checked.
    CorrectCheckedTime,
    /// Sign the captured request again, with the current time and the configured secret.
    SignAgain,
    /// Accept any TLS certificate.
    AcceptAnyCertificate,
    /// Compare the handler's secret with the one that signed.
    CompareHandlerSecret {
        /// The provider's name.
        provider: String,
        /// Where the secret that signed came from.
        source: SecretSource,
        /// What else to check, in whole sentences.
        further: String,
    },
    /// Verify with this URL, which was signed.
    CorrectUrl {
        /// The URL that the provider called.
        url: String,
    },
    /// Give the URL that the provider calls.
    GiveUrl,
    /// Start the handler, or correct its URL.
    StartHandler,
    /// Correct the URL of a handler that has no such path.
    CorrectHandlerPath,
    /// Let the route take the provider's method, or correct the handler's URL.
    AllowMethod(Method),
    /// Find out what the handler lacks, such as a header.
    AddHeader,
}

/// Read the raw body: the remedy of most rejections, by framework.
pub const RAW_BODY: &str = "sign, forward and verify the raw bytes, before any JSON parser: Express express.raw({ type: '*/*' }), FastAPI await request.body(), Flask request.get_data(), Django request.body, Rails request.raw_post, Next.js await req.text(), Laravel $request->getContent(), PHP file_get_contents('php://input'), Go io.ReadAll(r.Body)";

/// How a front end words remedies.
pub type Wording = fn(&Remedy) -> String;

impl Remedy {
    /// Advice that holds for every front end.
    pub fn advice(text: impl Into<Cow<'static, str>>) -> Self {
        Self::Advice(text.into())
    }
}

/// An oddity of a request that is no reason to reject it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Warning {
    /// What is odd.
    pub message: String,
    /// What to do about it.
    pub remedy: Option<Remedy>,
    /// Whether it is a likely cause of a rejection, which a proven one replaces.
    pub is_guess: bool,
}

impl Warning {
    /// A warning with a remedy.
    pub fn new(message: impl Into<String>, remedy: Remedy) -> Self {
        Self { message: message.into(), remedy: Some(remedy), is_guess: false }
    }

    /// The same, as a likely cause of a rejection.
    #[must_use]
    pub fn as_guess(self) -> Self {
        Self { is_guess: true, ..self }
    }

    /// The whole warning in one line.
    #[must_use]
    pub fn text(&self, wording: Wording) -> String {
        match &self.remedy {
            Some(remedy) => with_hint(&self.message, &wording(remedy)),
            None => self.message.clone(),
        }
    }
}

/// A message and its hint as one text. A hint in lower case continues the message's sentence; any other is a sentence
/// of its own.
#[must_use]
pub fn with_hint(message: &str, hint: &str) -> String {
    let message = message.trim_end_matches('.');
    let is_question = message.ends_with(['?', '!']);
    let separator = match hint.chars().next() {
        None => "",
        Some(_) if is_question => " ",
        Some(first) if first.is_uppercase() => ". ",
        Some(_) => "; ",
    };
    format!("{message}{separator}{hint}")
}

/// A warning that needs no remedy.
impl From<String> for Warning {
    fn from(message: String) -> Self {
        Self { message, remedy: None, is_guess: false }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_hint_in_lower_case_continues_the_sentence() {
        assert_eq!(with_hint("the secret is public", "set yours"), "the secret is public; set yours");
        assert_eq!(with_hint("It is public.", "set yours"), "It is public; set yours");
        assert_eq!(with_hint("it is public", "--secret sets yours"), "it is public; --secret sets yours");
        assert_eq!(with_hint("it is public", "Set yours"), "it is public. Set yours");
        assert_eq!(with_hint("is it public?", "Set yours"), "is it public? Set yours");
        assert_eq!(with_hint("it is public", ""), "it is public");
    }
}
