//! How handlers verify differently from their provider: another body, key, algorithm, encoding or signed content, or two of
//! these. A delivery that is signed in the same way is accepted by such a handler alone.

mod bodies;
mod keys;
mod signing;

use std::mem;

use super::cause::header_of;
use crate::webhook::{
    provider::Provider,
    signature::{Algorithm, Scheme, SigningSecret, content::SignedContent, grammar::Grammar, timestamp::TimeUnit},
    template::{self, Piece},
};

pub(super) use bodies::Rewriting;
pub(super) use keys::key_of;
pub(super) use signing::{Spelling, other_names};

/// A delivery that differs from the provider's.
#[derive(Clone, Debug)]
pub(super) struct Deviation {
    /// How it is made.
    pub recipe: Recipe,
    /// What is wrong with a handler that accepts it, and how to fix it.
    pub advice: String,
}

/// How a delivery is made that differs from the provider's.
#[derive(Clone, Debug)]
pub(super) struct Recipe {
    /// The provider's scheme, with differences.
    pub scheme: Scheme,
    /// The secret that the handler has.
    pub secret: SigningSecret,
    /// How the JSON is written, if not as the provider writes it.
    pub rewriting: Option<Rewriting>,
    /// How the signature is written, if not in the scheme's encoding.
    pub spelling: Option<Spelling>,
    /// Whether other headers have the values of the scheme's as well.
    pub other_headers: bool,
}

/// A mistake in a handler: the difference of the deliveries that it accepts, and what to do.
#[derive(Clone, Debug)]
struct Mistake {
    change: Change,
    advice: String,
    /// Whether it is common enough to be tried together with another one.
    is_common: bool,
}

/// One difference from the provider's deliveries.
#[derive(Clone, Debug)]
enum Change {
    Body(Rewriting),
    Secret(SigningSecret),
    Content(SignedContent),
    /// With the form of a signature whose prefix names the algorithm.
    Algorithm(Algorithm, Grammar),
    /// A plain hash of this content.
    Hash(Algorithm, SignedContent),
    Form(Grammar),
    Spelling(Spelling),
    Unit(TimeUnit),
    OtherHeaders,
}

impl Mistake {
    fn common(change: Change, advice: impl Into<String>) -> Self {
        Self { change, advice: advice.into(), is_common: true }
    }

    fn rare(change: Change, advice: impl Into<String>) -> Self {
        Self { change, advice: advice.into(), is_common: false }
    }
}

impl Change {
    fn apply(&self, recipe: &mut Recipe) {
        match self {
            Self::Body(rewriting) => recipe.rewriting = Some(*rewriting),
            Self::Secret(secret) => recipe.secret = secret.clone(),
            Self::Content(content) => recipe.scheme.content = content.clone(),
            Self::Algorithm(algorithm, grammar) => {
                recipe.scheme.algorithm = *algorithm;
                recipe.scheme.grammar = grammar.clone();
            }
            Self::Hash(algorithm, content) => {
                recipe.scheme.algorithm = *algorithm;
                recipe.scheme.content = content.clone();
            }
            Self::Form(grammar) => recipe.scheme.grammar = grammar.clone(),
            Self::Spelling(spelling) => recipe.spelling = Some(*spelling),
            Self::Unit(unit) => {
                if let Some(rule) = &mut recipe.scheme.timestamp {
                    rule.unit = *unit;
                }
            }
            Self::OtherHeaders => recipe.other_headers = true,
        }
    }

    /// Whether a handler can make both mistakes, and the deliveries differ from those of each alone.
    fn combines_with(&self, other: &Self) -> bool {
        let has = |is: fn(&Self) -> bool| is(self) || is(other);
        let is_same = mem::discriminant(self) == mem::discriminant(other);
        let is_hash = has(|change| matches!(change, Self::Hash(..)))
            && has(|change| matches!(change, Self::Content(_) | Self::Algorithm(..)));
        let is_form =
            has(|change| matches!(change, Self::Spelling(_))) && has(|change| matches!(change, Self::Form(_)));
        !is_same && !is_hash && !is_form
    }
}

/// Whether deviations of a provider are known: it signs with a MAC.
pub(super) fn apply_to(provider: &Provider) -> bool {
    provider.schemes.first().is_some_and(|scheme| MACS.contains(&scheme.algorithm))
}

/// Whether the deviations are the usual mistakes with a provider: there are others where the URL or a form is signed.
pub(super) fn cover(provider: &Provider) -> bool {
    let is_usual = |piece: &Piece<'_>| match piece {
        Piece::Literal(_) => true,
        Piece::Placeholder(name) => ["body", "id", "timestamp"].contains(name),
    };
    let is_covered =
        |scheme: &Scheme| template::split(scheme.content.as_str()).is_ok_and(|pieces| pieces.iter().all(is_usual));
    apply_to(provider) && provider.schemes.first().is_some_and(is_covered)
}

const MACS: [Algorithm; 5] =
    [Algorithm::HmacSha256, Algorithm::HmacSha1, Algorithm::HmacSha512, Algorithm::HmacSha384, Algorithm::HmacMd5];

/// Every deviation from a provider's scheme: each mistake alone, then two common ones together, the likeliest first.
pub(super) fn deviations(provider: &Provider, scheme: &Scheme, secret: &SigningSecret) -> Vec<Deviation> {
    let is_mac = apply_to(provider);
    // The unit first: a tolerance in the wrong unit may be as short as 300 ms.
    let mut mistakes = if is_mac { signing::units(scheme) } else { Vec::new() };
    mistakes.extend(bodies::mistakes());
    if is_mac {
        mistakes.extend(keys::mistakes(provider, secret));
        mistakes.extend(signing::mistakes(scheme, &header_of(provider)));
    }
    let usual = Recipe {
        scheme: scheme.clone(),
        secret: secret.clone(),
        rewriting: None,
        spelling: None,
        other_headers: false,
    };
    let with = |mistakes: &[&Mistake], advice: String| {
        let mut recipe = usual.clone();
        for mistake in mistakes {
            mistake.change.apply(&mut recipe);
        }
        Deviation { recipe, advice }
    };
    let mut all: Vec<Deviation> = mistakes.iter().map(|mistake| with(&[mistake], mistake.advice.clone())).collect();
    let common: Vec<&Mistake> = mistakes.iter().filter(|mistake| mistake.is_common).collect();
    let pairs =
        common.iter().enumerate().flat_map(|(at, first)| common[at + 1..].iter().map(move |other| (first, other)));
    all.extend(pairs.filter(|(first, other)| first.change.combines_with(&other.change)).map(|(first, other)| {
        // The advice about bodies is long, and comes last.
        let (first, second) = if matches!(first.change, Change::Body(_)) { (other, first) } else { (first, other) };
        let advice = format!("the handler makes two mistakes. First: {}. Second: {}", first.advice, second.advice);
        with(&[first, second], advice)
    }));
    all
}
