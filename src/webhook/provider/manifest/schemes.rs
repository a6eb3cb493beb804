//! The `scheme` of a manifest: `[[scheme]]` tables, or the name of a scheme that many providers share.

use std::{collections::BTreeMap, fmt};

use serde::{
    Deserialize, Deserializer,
    de::{Error, SeqAccess, Visitor},
};
use toml::Spanned;

use super::{secret::Defaults, signing::RawScheme, values::Wrong};
use crate::webhook::{nearest, signature::KeyEncoding};

/// What a manifest says under `scheme`.
#[derive(Default)]
pub(super) enum RawSchemes {
    /// Nothing: the provider signs nothing.
    #[default]
    None,
    /// The name of a shared scheme.
    Shared(String),
    /// Schemes of its own.
    Own(Vec<RawScheme>),
}

/// The shared schemes, as manifests write their own.
const SHARED: &str = include_str!("shared.toml");

/// A shared scheme, and the prefix of its secrets, after which they are base64.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct SharedScheme {
    prefix: String,
    scheme: RawScheme,
}

impl RawSchemes {
    /// The schemes, and the defaults for the table of their secrets.
    pub(super) fn read(schemes: Spanned<Self>) -> Result<(Vec<RawScheme>, Defaults), Wrong> {
        let span = schemes.span();
        match schemes.into_inner() {
            Self::None => Ok((Vec::new(), Defaults::default())),
            Self::Own(schemes) => Ok((schemes, Defaults::default())),
            Self::Shared(name) => {
                let mut known: BTreeMap<String, SharedScheme> =
                    toml::from_str(SHARED).map_err(|error| Wrong::new(span.clone(), error.to_string()))?;
                let Some(shared) = known.remove(&name) else {
                    let message = nearest::unknown("shared scheme", &name, known.keys().map(String::as_str));
                    return Err(Wrong::new(span, message));
                };
                let defaults = Defaults { encoding: KeyEncoding::Base64, prefix: Some(shared.prefix) };
                Ok((vec![shared.scheme], defaults))
            }
        }
    }
}

impl<'de> Deserialize<'de> for RawSchemes {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct NameOrTables;

        impl<'de> Visitor<'de> for NameOrTables {
            type Value = RawSchemes;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("[[scheme]] tables, or the name of a shared scheme such as \"standard-webhooks\"")
            }

            fn visit_str<E: Error>(self, name: &str) -> Result<RawSchemes, E> {
                Ok(RawSchemes::Shared(name.to_owned()))
            }

            fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<RawSchemes, A::Error> {
                let mut schemes = Vec::new();
                while let Some(scheme) = list.next_element()? {
                    schemes.push(scheme);
                }
                Ok(RawSchemes::Own(schemes))
            }
        }
        deserializer.deserialize_any(NameOrTables)
    }
}
