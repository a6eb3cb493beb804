//! Ways in which handlers verify differently from the provider: another body, key, algorithm, encoding or signed
//! content, or two of these. Only a handler with the same mistakes accepts a delivery made in such a way.

mod bodies;
mod keys;
mod signing;

use std::mem;

use super::cause::header_of;
use crate::webhook::{
    provider::Provider,
    signature::{Algorithm, Scheme, SigningSecret, content::SignedContent, grammar::Grammar, timestamp::TimeUnit},
    template::{self, TemplatePiece},
};

pub(super) use bodies::Rewriting;
pub(super) use keys::key_of;
pub(super) use signing::{UnusualEncoding, other_names};

/// The delivery that a handler with one mistake or two accepts, and what to do about them.
#[derive(Clone, Debug)]
pub(super) struct DeliverySpec {
    /// The provider's scheme, with differences.
    pub scheme: Scheme,
    /// The secret that the handler has.
    pub secret: SigningSecret,
    /// How the JSON is written, if differently from the provider.
    pub rewriting: Option<Rewriting>,
    /// How the signature is written, if not in the scheme's encoding.
    pub encoding: Option<UnusualEncoding>,
    /// Whether the values of the scheme's headers are sent in other headers too.
    pub other_headers: bool,
    /// What is wrong with the handler, and how to fix it.
    pub advice: String,
}

/// A mistake in a handler, and what to do about it.
#[derive(Clone, Debug)]
struct Mistake {
    kind: MistakeKind,
    advice: String,
    /// Whether it is common enough to be tried together with another one.
    is_common: bool,
}

/// How the deliveries that the handler accepts differ from the provider's.
#[derive(Clone, Debug)]
enum MistakeKind {
    Body(Rewriting),
    Secret(SigningSecret),
    Content(SignedContent),
    /// With the form of a signature whose prefix names the algorithm.
    Algorithm(Algorithm, Grammar),
    /// A plain hash of this content.
    Hash(Algorithm, SignedContent),
    Form(Grammar),
    Encoding(UnusualEncoding),
    Unit(TimeUnit),
    OtherHeaders,
}

impl Mistake {
    fn common(kind: MistakeKind, advice: impl Into<String>) -> Self {
        Self { kind, advice: advice.into(), is_common: true }
    }

    fn rare(kind: MistakeKind, advice: impl Into<String>) -> Self {
        Self { kind, advice: advice.into(), is_common: false }
    }
}

impl MistakeKind {
    fn apply(&self, spec: &mut DeliverySpec) {
        match self {
            Self::Body(rewriting) => spec.rewriting = Some(*rewriting),
            Self::Secret(secret) => spec.secret = secret.clone(),
            Self::Content(content) => spec.scheme.content = content.clone(),
            Self::Algorithm(algorithm, grammar) => {
                spec.scheme.algorithm = *algorithm;
                spec.scheme.grammar = grammar.clone();
            }
            Self::Hash(algorithm, content) => {
                spec.scheme.algorithm = *algorithm;
                spec.scheme.content = content.clone();
            }
            Self::Form(grammar) => spec.scheme.grammar = grammar.clone(),
            Self::Encoding(encoding) => spec.encoding = Some(*encoding),
            Self::Unit(unit) => {
                if let Some(rule) = &mut spec.scheme.timestamp {
                    rule.unit = *unit;
                }
            }
            Self::OtherHeaders => spec.other_headers = true,
        }
    }

    /// Whether a handler can make both mistakes, and the deliveries differ from those of each alone.
    fn combines_with(&self, other: &Self) -> bool {
        let has = |is: fn(&Self) -> bool| is(self) || is(other);
        let is_same = mem::discriminant(self) == mem::discriminant(other);
        let is_hash = has(|kind| matches!(kind, Self::Hash(..)))
            && has(|kind| matches!(kind, Self::Content(_) | Self::Algorithm(..)));
        let is_form = has(|kind| matches!(kind, Self::Encoding(_))) && has(|kind| matches!(kind, Self::Form(_)));
        !is_same && !is_hash && !is_form
    }
}

/// Whether mistakes are known for a provider, which is the case if it signs with a MAC.
pub(super) fn apply_to(provider: &Provider) -> bool {
    provider.schemes.first().is_some_and(|scheme| scheme.algorithm.is_hmac())
}

/// Whether these are all the usual mistakes for a provider. If the URL or a form is signed, there are others.
pub(super) fn cover(provider: &Provider) -> bool {
    let is_usual = |piece: &TemplatePiece<'_>| match piece {
        TemplatePiece::Literal(_) => true,
        TemplatePiece::Placeholder(name) => ["body", "id", "timestamp"].contains(name),
    };
    let is_covered =
        |scheme: &Scheme| template::split(scheme.content.as_str()).is_ok_and(|pieces| pieces.iter().all(is_usual));
    apply_to(provider) && provider.schemes.first().is_some_and(is_covered)
}

/// The deliveries for each mistake alone, then for two common ones together, likeliest first.
pub(super) fn specs(provider: &Provider, scheme: &Scheme, secret: &SigningSecret) -> Vec<DeliverySpec> {
    let is_mac = apply_to(provider);
    // The unit first: a tolerance in the wrong unit may be as short as 300 ms.
    let mut mistakes = if is_mac { signing::units(scheme) } else { Vec::new() };
    mistakes.extend(bodies::mistakes());
    if is_mac {
        mistakes.extend(keys::mistakes(provider, secret));
        mistakes.extend(signing::mistakes(scheme, &header_of(provider)));
    }
    let with = |mistakes: &[&Mistake], advice: String| {
        let mut spec = DeliverySpec {
            scheme: scheme.clone(),
            secret: secret.clone(),
            rewriting: None,
            encoding: None,
            other_headers: false,
            advice,
        };
        for mistake in mistakes {
            mistake.kind.apply(&mut spec);
        }
        spec
    };
    let mut all: Vec<DeliverySpec> = mistakes.iter().map(|mistake| with(&[mistake], mistake.advice.clone())).collect();
    let common: Vec<&Mistake> = mistakes.iter().filter(|mistake| mistake.is_common).collect();
    let pairs =
        common.iter().enumerate().flat_map(|(at, first)| common[at + 1..].iter().map(move |other| (first, other)));
    all.extend(pairs.filter(|(first, other)| first.kind.combines_with(&other.kind)).map(|(first, other)| {
        // The advice about bodies is long, and comes last.
        let (first, second) = if matches!(first.kind, MistakeKind::Body(_)) { (other, first) } else { (first, other) };
        let advice = format!("the handler makes two mistakes. First: {}. Second: {}", first.advice, second.advice);
        with(&[first, second], advice)
    }));
    all
}
