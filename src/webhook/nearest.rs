//! Suggestions for misspelt words, by similarity.

/// The candidate that was probably meant, if any is similar enough.
pub fn nearest<'a>(wrong: &str, candidates: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    ranked(wrong, candidates).into_iter().next()
}

/// The candidates that may have been meant, the most similar first.
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

/// ``unknown KIND `wrong`; did you mean `right`? (known: …)``, without the list if it is long.
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

/// The similarity from 0 to 1: by edit distance, or because one contains the other.
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
    fn the_most_similar_candidate_is_suggested() {
        let known = ["cyanite.v2.finished", "cyanite.v2.failed", "auphonic.done"];
        assert_eq!(nearest("cyanite.v2.finish", known), Some("cyanite.v2.finished"));
        assert_eq!(nearest("finished", known), Some("cyanite.v2.finished"));
        assert_eq!(nearest("zebra", known), None);
    }
}
