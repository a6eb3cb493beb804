//! The lines of `diff`.

use serde::Serialize;
use serde_json::value::RawValue;

use super::line;
use crate::webhook::diff::Difference;

#[derive(Serialize)]
struct DifferenceLine<'a> {
    kind: &'static str,
    #[serde(rename = "where")]
    place: String,
    left: Option<&'a RawValue>,
    right: Option<&'a RawValue>,
    /// The side that lacks the value, to distinguish that from `null`.
    #[serde(skip_serializing_if = "Option::is_none")]
    absent: Option<&'static str>,
}

/// Appends a difference. Values keep their own JSON text.
pub fn difference(difference: &Difference, out: &mut Vec<u8>) {
    let raw = |text: &Option<String>| {
        text.as_deref().and_then(|text| serde_json::from_str::<&RawValue>(text).ok().map(ToOwned::to_owned))
    };
    let (left, right) = (raw(&difference.left), raw(&difference.right));
    let absent = match (&difference.left, &difference.right) {
        (None, _) => Some("left"),
        (_, None) => Some("right"),
        _ => None,
    };
    let place = difference.place.to_string();
    line(&DifferenceLine { kind: "difference", place, left: left.as_deref(), right: right.as_deref(), absent }, out);
}
