//! The command line's words for remedies: the only place where they name flags.

use crate::webhook::{keyring::SecretSource, remedy::Remedy};

/// The hint for a remedy.
#[must_use]
pub fn words(remedy: &Remedy) -> String {
    match remedy {
        Remedy::Advice(text) => text.clone().into_owned(),
        Remedy::SetSecret { provider, title, envs } => {
            let set = if envs.is_empty() { String::new() } else { format!("set {} or ", envs.join(" or ")) };
            format!("{set}add --secret {provider}=… to use {title}'s own secret")
        }
        Remedy::ForwardUnsigned => "add --allow-unsigned to forward it".to_owned(),
        Remedy::SetSecretOfEach => "set each provider's own secret: --secret PROVIDER=env:NAME".to_owned(),
        Remedy::ChooseProvider { other } => {
            format!("send it to the path /{other} or add --provider {other}; or sign it as this provider does")
        }
        Remedy::NameProvider { example } => format!(
            "send it to a path that names the provider, such as /{example}, or add --provider; `hookdev providers` lists the providers, and --providers DIR adds your own"
        ),
        Remedy::NameSignatureHeader { provider, title } => format!(
            "if you chose another header at {title}, name it in hookdev.toml: signature_header = \"…\" under [provider.{provider}]"
        ),
        Remedy::CheckAgeAtReceipt => {
            "use --at received to check each capture at the time when it was received".to_owned()
        }
        Remedy::CorrectCheckedTime => "check the time given with --at".to_owned(),
        Remedy::SignAgain => "add --resign to sign it again with the current time and the configured secret".to_owned(),
        Remedy::AcceptAnyCertificate => "add --insecure to accept any certificate".to_owned(),
        Remedy::CompareHandlerSecret { provider, source, further } => format!(
            "the delivery was signed with {}: does the handler use the same one? --secret {provider}=SOURCE selects another{}{further}",
            secret_words(source),
            if further.is_empty() { "" } else { ". " }
        ),
        Remedy::CorrectUrl { url } => format!(
            "verify with {url}: --url for captures, --public-url for `listen`; in a handler, write the URL as a constant, or build it from X-Forwarded-Proto and X-Forwarded-Host behind a proxy"
        ),
        Remedy::GiveUrl => {
            "give the URL that the provider calls: --url for captures, --public-url for `listen`".to_owned()
        }
        Remedy::StartHandler => "start the handler, or give its URL with --to".to_owned(),
        Remedy::CorrectHandlerPath => {
            "nothing is served at this path: give the handler's full URL with --to".to_owned()
        }
        Remedy::AllowMethod(method) => {
            format!("allow {method} on this route, or give the handler's full URL with --to")
        }
        Remedy::AddHeader => {
            "read the handler's log for what is missing; if a proxy in front of it adds a header, send that with --header 'K: V'"
                .to_owned()
        }
    }
}

/// A secret, described by how the user set it.
fn secret_words(source: &SecretSource) -> String {
    match source {
        SecretSource::Flag => "the secret from --secret".to_owned(),
        other => other.secret_words(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_remedy_names_the_flag_and_the_variable_to_set() {
        let set = |envs: &[&str]| {
            let (provider, title) = ("acme".to_owned(), "Acme".to_owned());
            words(&Remedy::SetSecret { provider, title, envs: envs.iter().map(|env| (*env).to_owned()).collect() })
        };
        assert_eq!(set(&["ACME_SECRET"]), "set ACME_SECRET or add --secret acme=… to use Acme's own secret");
        assert_eq!(set(&["ONE", "TWO"]), "set ONE or TWO or add --secret acme=… to use Acme's own secret");
        assert_eq!(set(&[]), "add --secret acme=… to use Acme's own secret");
        assert_eq!(words(&Remedy::advice("read the raw body")), "read the raw body");
    }

    #[test]
    fn a_secret_is_named_by_where_it_came_from() {
        let (provider, further) = ("acme".to_owned(), "Is it decoded?".to_owned());
        let remedy = Remedy::CompareHandlerSecret { provider, source: SecretSource::Env("ACME".to_owned()), further };
        assert_eq!(
            words(&remedy),
            "the delivery was signed with the secret from env:ACME: does the handler use the same one? --secret acme=SOURCE selects another. Is it decoded?"
        );
    }
}
