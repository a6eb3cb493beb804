//! How far a request can be trusted to come from its provider. A correct signature alone doesn't prove it: with a
//! public secret, anyone can sign.

/// The degree to which a request is genuine. One that is rejected or unrecognised has none.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Trust {
    /// Verified with a secret that the user set.
    Verified,
    /// Verified with the public development secret, with which anyone can sign.
    Development,
    /// The provider sends it unsigned by design, so anyone can send it.
    UnsignedByDesign,
}

/// How the payload of a request that its provider sends unsigned compares with the provider's schema.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Exactness {
    /// It was not compared: the request is not unsigned by design.
    NotChecked,
    /// It is valid, and has no member that the schema doesn't list.
    Exact,
    /// It is invalid, or has more than the schema lists. Holds the first reason.
    Inexact(String),
}
