//! The nearest right word to a wrong one, for every message that can name it.

/// The candidate that was probably meant, if any is near enough to be worth naming.
pub fn nearest<'a>(wrong: &str, candidates: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    ranked(wrong, candidates).into_iter().next()
}

/// The candidates that may have been meant, the nearest first.
pub fn ranked<'a>(wrong: &str, candidates: impl IntoIterator<Item = &'a str>) -> Vec<&'a str> {
    let wrong = wrong.to_lowercase();
    let mut scored: Vec<(f64, &str)> = candidates
        .into_iter()
        .map(|candidate| (score(&wrong, &candidate.to_lowercase()), candidate))
        .filter(|(score, _)| *score >= 0.6)
        .collect();
    scored.sort_by(|a, b| b.0.total_cmp(&a.0));
    scored.into_iter().map(|(_, candidate)| candidate).collect()
}

/// `unknown KIND "wrong"; did you mean "right"? (known: …)`, the list left out when it is long.
pub fn unknown<'a>(kind: &str, wrong: &str, known: impl IntoIterator<Item = &'a str>) -> String {
    let known: Vec<&str> = known.into_iter().collect();
    let meant =
        nearest(wrong, known.iter().copied()).map(|right| format!("; did you mean `{right}`?")).unwrap_or_default();
    let list = match known.len() {
        1..=12 => format!(" (known: `{}`)", known.join("`, `")),
        _ => String::new(),
    };
    format!("unknown {kind} `{wrong}`{meant}{list}")
}

/// A likeness from 0 to 1: by edits over the whole, or as a part that stands in the candidate.
fn score(wrong: &str, candidate: &str) -> f64 {
    let edits = strsim::normalized_damerau_levenshtein(wrong, candidate);
    let contained =
        wrong.len() >= 4 && (candidate.contains(wrong) || wrong.contains(candidate) && candidate.len() >= 4);
    if contained { edits.max(0.75) } else { edits }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_the_nearest_and_nothing_far() {
        let known = ["cyanite.v2.finished", "cyanite.v2.failed", "auphonic.done"];
        assert_eq!(nearest("cyanite.v2.finish", known), Some("cyanite.v2.finished"));
        assert_eq!(nearest("finished", known), Some("cyanite.v2.finished"));
        assert_eq!(nearest("zebra", known), None);
    }
}
