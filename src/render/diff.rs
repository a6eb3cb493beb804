//! Differences between two requests, for people.

use super::{
    palette::{Palette, Role},
    text::truncate,
};
use crate::webhook::diff::Difference;

/// Appends a difference: its place, then the left value after `-` and the right one after `+`, each cut to the
/// terminal's width if there is one.
pub fn difference(difference: &Difference, palette: Palette, columns: Option<usize>, out: &mut String) {
    palette.push(Role::Title, &difference.place.to_string(), out);
    out.push('\n');
    for (sign, role, value) in [("  - ", Role::Bad, &difference.left), ("  + ", Role::Good, &difference.right)] {
        if let Some(value) = value {
            let shown = columns.map_or(value.as_str().into(), |columns| truncate(value, columns.saturating_sub(4)));
            palette.push(role, &format!("{sign}{shown}"), out);
            out.push('\n');
        }
    }
}
