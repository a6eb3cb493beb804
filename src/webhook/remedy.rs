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
        /// The environment variable that may hold the secret.
        env: Option<String>,
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
    /// Start the handler, or correct its URL.
    StartHandler,
    /// Correct the URL of a handler that has no such path.
    CorrectHandlerPath,
    /// Let the route take the provider's method, or correct the handler's URL.
    AllowMethod(Method),
    /// Look for what the handler misses, such as a header.
    AddHeader,
}

/// Read the raw body: the remedy of most rejections, by framework.
pub const RAW_BODY: &str = "sign, forward and verify the raw bytes, before any JSON parser: Express express.raw({ type: '*/*' }), FastAPI await request.body(), Rails request.raw_post, Next.js await req.text(), Laravel $request->getContent()";

/// How a front end words remedies.
pub type Wording = fn(&Remedy) -> String;

impl Remedy {
    /// Advice that holds for every front end.
    pub fn advice(text: impl Into<Cow<'static, str>>) -> Self {
        Self::Advice(text.into())
    }
}

/// Something odd about a request that is not a reason to reject it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Warning {
    /// What is odd.
    pub message: String,
    /// What to do about it.
    pub remedy: Option<Remedy>,
}

impl Warning {
    /// A warning with a remedy.
    pub fn new(message: impl Into<String>, remedy: Remedy) -> Self {
        Self { message: message.into(), remedy: Some(remedy) }
    }

    /// The whole warning in one line.
    #[must_use]
    pub fn text(&self, wording: Wording) -> String {
        match &self.remedy {
            Some(remedy) => format!("{}; {}", self.message, wording(remedy)),
            None => self.message.clone(),
        }
    }
}

/// A warning that needs no remedy.
impl From<String> for Warning {
    fn from(message: String) -> Self {
        Self { message, remedy: None }
    }
}
