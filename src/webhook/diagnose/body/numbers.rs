//! Hypotheses about numbers that a parser shortened or rounded. The originals are lost, so likely ones
//! are tried, within limits.

use std::{collections::HashMap, ops::ControlFlow};

use super::{
    hypothesis::{Emit, ReceivedBody},
    libraries::{SPELLINGS, WRITERS},
    serialise::{Document, with_document},
};
use crate::webhook::diagnose::{Code, Step};

/// The maximum number of replacements tried in one text.
const MOST_NUMBERS: usize = 600;

/// Up to this many whole numbers may have lost their `.0` in any combination.
const MOST_COMBINED: usize = 6;

/// The largest text that is rewritten to try other numbers, in bytes.
const LONGEST_RENUMBERED: usize = 64 << 10;

/// JSON whose numbers a serialiser shortened or rounded: likely originals, in the text as received and as
/// the sender may have written it.
pub fn rewritten(ReceivedBody { body, .. }: ReceivedBody<'_>, emit: &mut Emit<'_>) -> Step {
    with_document(body, |document| {
        let came = "the signature covers the same JSON with a number written differently (such as 1.0 for 1, 1e2 for 100, or an integer beyond 2^53): its numbers were parsed and re-serialised after signing";
        other_numbers(document, &mut |text| emit(text.into_bytes(), Code::BodyReserialised, came.into()))?;
        if body.len() > LONGEST_RENUMBERED {
            return ControlFlow::Continue(());
        }
        let spelled = SPELLINGS.iter().map(|(escapes, words)| (document.respelled(escapes), (*words).to_owned()));
        let keeping_numbers = WRITERS.iter().filter(|writer| writer.keeps_fractions());
        let written = keeping_numbers.flat_map(|writer| {
            writer.layouts.iter().filter_map(move |&layout| {
                let words = format!("{}, as written by {}", layout.words(), writer.call);
                Some((document.written(writer, layout, false)?, words))
            })
        });
        for (text, words) in spelled.chain(written) {
            let message = format!(
                "the signature covers the same JSON {words}, with a number written differently (such as 1.0 for 1): the body was parsed and re-serialised after signing"
            );
            with_document(text.as_bytes(), |document| {
                other_numbers(document, &mut |text| {
                    emit(text.into_bytes(), Code::BodyReserialised, message.clone().into())
                })
            })?;
        }
        ControlFlow::Continue(())
    })
}

/// The document with likely original numbers.
fn other_numbers(document: Document<'_>, emit: &mut dyn FnMut(String) -> Step) -> Step {
    let numbers = document.numbers();
    let mut left = MOST_NUMBERS;
    let mut change = |numbers: &HashMap<usize, String>| {
        if numbers.is_empty() || left == 0 {
            return ControlFlow::Continue(());
        }
        left -= 1;
        emit(document.renumbered(numbers))
    };
    let each = |form: &dyn Fn(&str) -> Option<String>| -> HashMap<usize, String> {
        numbers.iter().filter_map(|(at, text)| Some((*at, form(text)?))).collect()
    };
    for form in [with_zero, with_two_zeros, with_two_places] {
        change(&each(&form))?;
    }
    let whole: Vec<(usize, String)> = numbers.iter().filter_map(|(at, text)| Some((*at, with_zero(text)?))).collect();
    if whole.len() <= MOST_COMBINED {
        for set in 1_usize..1 << whole.len() {
            let chosen = whole.iter().enumerate().filter(|(bit, _)| set >> bit & 1 == 1);
            change(&chosen.map(|(_, number)| number.clone()).collect())?;
        }
    }
    for (at, text) in &numbers {
        for other in alternatives(text) {
            change(&HashMap::from([(*at, other)]))?;
        }
    }
    ControlFlow::Continue(())
}

fn is_whole(text: &str) -> bool {
    !text.contains(['.', 'e', 'E'])
}

fn with_zero(text: &str) -> Option<String> {
    is_whole(text).then(|| format!("{text}.0"))
}

fn with_two_zeros(text: &str) -> Option<String> {
    is_whole(text).then(|| format!("{text}.00"))
}

/// A fraction of one digit as written for money.
fn with_two_places(text: &str) -> Option<String> {
    let (_, fraction) = text.split_once('.')?;
    (fraction.len() == 1 && !text.contains(['e', 'E'])).then(|| format!("{text}0"))
}

/// The likely originals of one number.
fn alternatives(text: &str) -> Vec<String> {
    let mut all: Vec<String> =
        [with_zero, with_two_zeros, with_two_places].iter().filter_map(|form| form(text)).collect();
    let digits = text.trim_start_matches('-');
    let significant = digits.trim_end_matches('0');
    let zeros = digits.len() - significant.len();
    if is_whole(text) && zeros > 0 && !significant.is_empty() {
        let (sign, exponent) = (&text[..text.len() - digits.len()], zeros + significant.len() - 1);
        let mantissa = match significant.split_at(1) {
            (first, "") => first.to_owned(),
            (first, rest) => format!("{first}.{rest}"),
        };
        all.extend(["e", "E", "e+", "E+"].map(|e| format!("{sign}{mantissa}{e}{exponent}")));
        all.extend([format!("{sign}{mantissa}.0e{exponent}"), format!("{sign}{mantissa}.0E{exponent}")]);
    }
    all.extend(rounded_to(text));
    all
}

/// The integers that round to this one as doubles, if there are few.
fn rounded_to(text: &str) -> Vec<String> {
    const EXACT: i128 = 1 << 53;
    const MOST: i128 = 512;
    let Some(number) = text.parse::<i128>().ok().filter(|number| number.abs() >= EXACT && number.abs() < EXACT << 11)
    else {
        return Vec::new();
    };
    // Doubles of this size are this far apart; half of it on either side rounds to this one.
    let apart = 1_i128 << (number.unsigned_abs().ilog2() - 52);
    let near = (1..=(apart.min(MOST))).flat_map(|distance| [number - distance, number + distance]);
    let double = |text: &str| text.parse::<f64>().ok().map(f64::to_bits);
    let same = double(text);
    near.map(|near| near.to_string()).filter(|near| double(near) == same).collect()
}
