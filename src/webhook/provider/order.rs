//! The order in which signatures that are sent together are written: first those in the body, which others may sign,
//! then those in the URL, then those in headers.

use crate::webhook::{
    place::{Place, ValueSource},
    signature::{Algorithm, Scheme, content::SignedContent},
};

/// The scheme that signs something that is written only after it has signed, with the problem in words; `None` if all
/// signatures are valid as sent.
pub(super) fn conflict(schemes: &[Scheme]) -> Option<(&Scheme, String)> {
    let together = schemes.iter().enumerate().filter(|(index, scheme)| *index == 0 || scheme.is_sent_along);
    let mut together: Vec<_> = together.map(|(_, scheme)| scheme).collect();
    together.sort_by_key(|scheme| turn(scheme));
    let found = together
        .iter()
        .enumerate()
        .find_map(|(index, scheme)| together[index + 1..].iter().find_map(|later| overwritten(scheme, later)));
    found.or_else(|| schemes.iter().find_map(|scheme| outdated(scheme)))
}

/// When a scheme signs, among those that sign together: a key to sort by.
pub(super) fn turn(scheme: &Scheme) -> (u8, usize) {
    let group = match scheme.signature {
        ValueSource::At(Place::Query(_)) => 1,
        _ if scheme.signs_inside_body() => 0,
        _ => 2,
    };
    (group, scheme.position)
}

/// A value that a scheme signs before another one writes it.
fn overwritten<'a>(scheme: &'a Scheme, later: &Scheme) -> Option<(&'a Scheme, String)> {
    // Ids and timestamps in the body are written before anything is signed.
    let of_delivery = [later.id.as_ref(), later.timestamp.as_ref().and_then(|rule| rule.source.as_ref())];
    let of_delivery =
        of_delivery.into_iter().flatten().filter_map(ValueSource::place).filter(|place| !is_in_body(place));
    // The claims of schemes that sign outside the body are written before any of these schemes signs.
    let is_claimed_later = scheme.signs_inside_body() && !later.signs_inside_body();
    let claimed = later.place_claims.iter().map(|(place, _)| place.clone()).filter(|_| is_claimed_later);
    let mut written = later.signature.place().into_iter().chain(of_delivery).chain(claimed);
    let (read, place) =
        written.find_map(|place| Some((signed(scheme).find(|read| depends(read, &place))?.clone(), place)))?;
    let message = format!(
        "`{}` signs `{{{read}}}` before `{}` writes {}, so its signature would not match",
        scheme.name,
        later.name,
        place.words()
    );
    Some((scheme, message))
}

/// A scheme that claims a value of the body and then writes its own signature into the body.
fn outdated(scheme: &Scheme) -> Option<(&Scheme, String)> {
    let signature = scheme.signature.place()?;
    let claimed = scheme.place_claims.iter().map(|(_, content)| content).flat_map(SignedContent::places);
    let read = claimed.into_iter().find(|read| depends(read, &signature))?;
    let message = format!(
        "`{}` claims `{{{read}}}` before it writes its signature into {}, so the claim would not hold",
        scheme.name,
        signature.words()
    );
    Some((scheme, message))
}

/// The places that a scheme's signature depends on.
fn signed(scheme: &Scheme) -> impl Iterator<Item = &Place> {
    let has_content = scheme.algorithm != Algorithm::Token && scheme.algorithm.jwt_name().is_none();
    let content = Some(&scheme.content).filter(|_| has_content);
    let claims = scheme.claims.iter().map(|(_, claim)| claim);
    let claimed = scheme.place_claims.iter().map(|(_, content)| content);
    content.into_iter().chain(claims).chain(claimed).flat_map(SignedContent::places)
}

const fn is_in_body(place: &Place) -> bool {
    matches!(place, Place::Body(_) | Place::Form(_))
}

/// Whether the value at one place changes when something is written to another.
fn depends(read: &Place, written: &Place) -> bool {
    match (read, written) {
        (Place::Hash(_, inner) | Place::Mac(_, inner), _) => depends(inner, written),
        (Place::RawBody | Place::SortedForm, _) => is_in_body(written),
        (read, Place::Query(_)) if read.covers_query() => true,
        // A path names a field of a form too.
        (Place::Body(path), Place::Form(name)) | (Place::Form(name), Place::Body(path)) => path.to_string() == *name,
        _ => read == written,
    }
}
