//! Hypotheses about numbers that a parser shortened or rounded. The originals are lost, so likely ones
//! are tried, within limits.

use std::{collections::HashMap, ops::ControlFlow};

use super::{
    escapes::spellings,
    forms::forms,
    hypothesis::{Emit, ReceivedBody},
    order::MemberOrder,
    serialise::{JsonDocument, PlacedNumber, with_document},
};
use crate::webhook::diagnose::{Code, SearchStep};

/// The maximum number of replacements tried in one text.
const MOST_NUMBERS: usize = 600;

/// Up to this many whole numbers may have lost their `.0` in any combination.
const MOST_COMBINED: usize = 6;

/// Up to this many members may have been written in any combination of ways.
const MOST_MEMBERS: usize = 4;

/// The largest text that is rewritten to try other numbers, in bytes.
const LONGEST_RENUMBERED: usize = 64 << 10;

/// JSON whose numbers a serialiser shortened or rounded: likely originals, in the text as received and as
/// the sender may have written it.
pub fn rewritten(received: ReceivedBody<'_>, emit: &mut Emit<'_>) -> SearchStep {
    with_document(received.body, |document| {
        let came = "the signature covers the same JSON with a number written differently (such as 1.0 for 1, 9.90 for 9.9, 1e2 for 100, or an integer beyond 2^53): its numbers were parsed and re-serialised after signing";
        other_numbers(document, &mut |text| emit(text.into_bytes(), Code::BodyReserialised, came.into()))?;
        if document.numbers().is_empty() || received.body.len() > LONGEST_RENUMBERED {
            return ControlFlow::Continue(());
        }
        let spelled =
            spellings(document.escapes()).into_iter().map(|(escapes, words)| (document.respelled(escapes), words));
        let orders = received.examples.iter().map(MemberOrder::Example);
        let orders: Vec<MemberOrder<'_>> = std::iter::once(MemberOrder::Received).chain(orders).collect();
        let written = orders.iter().flat_map(|&order| {
            forms(document).into_iter().filter(|form| form.writer.numbers.keeps_fractions()).filter_map(move |form| {
                let words = format!("{}{}, as written by {}", form.layout.words(), order.words(), form.words());
                Some((document.written(form.writer, form.layout, order)?, words))
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
fn other_numbers(document: JsonDocument<'_>, emit: &mut dyn FnMut(String) -> SearchStep) -> SearchStep {
    let numbers = document.numbers();
    let mut left = MOST_NUMBERS;
    let mut change = |numbers: &HashMap<usize, String>| {
        if numbers.is_empty() || left == 0 {
            return ControlFlow::Continue(());
        }
        left -= 1;
        emit(document.renumbered(numbers))
    };
    for form in FORMS {
        change(&written(&numbers, form))?;
    }
    by_member(&numbers, &mut change)?;
    let whole: Vec<(usize, String)> =
        numbers.iter().filter_map(|number| Some((number.at, with_zero(number.text)?))).collect();
    if whole.len() <= MOST_COMBINED {
        for set in 1_usize..1 << whole.len() {
            let chosen = whole.iter().enumerate().filter(|(bit, _)| set >> bit & 1 == 1);
            change(&chosen.map(|(_, number)| number.clone()).collect())?;
        }
    }
    for PlacedNumber { at, text, .. } in &numbers {
        for other in alternatives(text) {
            change(&HashMap::from([(*at, other)]))?;
        }
    }
    ControlFlow::Continue(())
}

/// How a sender may have written a number; `None` if it changes nothing.
type NumberForm = fn(&str) -> Option<String>;

/// The forms that all numbers, or all numbers of a member, may have had.
const FORMS: [NumberForm; 4] = [with_zero, with_two_zeros, with_two_places, as_money];

/// The numbers that a form changes, by offset.
fn written(numbers: &[PlacedNumber<'_>], form: NumberForm) -> HashMap<usize, String> {
    numbers.iter().filter_map(|number| Some((number.at, form(number.text)?))).collect()
}

/// Numbers written per member: a price has two decimal places wherever it occurs, a quantity none.
fn by_member(
    numbers: &[PlacedNumber<'_>],
    change: &mut dyn FnMut(&HashMap<usize, String>) -> SearchStep,
) -> SearchStep {
    let mut members: Vec<(&str, Vec<PlacedNumber<'_>>)> = Vec::new();
    let mut places = HashMap::new();
    for number in numbers {
        let place = *places.entry(number.key).or_insert(members.len());
        match members.get_mut(place) {
            Some((_, numbers)) => numbers.push(*number),
            None => members.push((number.key, vec![*number])),
        }
    }
    if members.len() < 2 {
        return ControlFlow::Continue(());
    }
    // Each member's numbers as they are, as floats, and as money.
    let choices: Vec<[HashMap<usize, String>; 3]> = members
        .iter()
        .map(|(_, numbers)| [HashMap::new(), written(numbers, with_zero), written(numbers, as_money)])
        .collect();
    if members.len() <= MOST_MEMBERS {
        let sets = 3_usize.pow(u32::try_from(members.len()).unwrap_or_default());
        return (1..sets).try_for_each(|set| {
            let chosen = choices.iter().enumerate().flat_map(|(place, forms)| {
                let digit = set / 3_usize.pow(u32::try_from(place).unwrap_or_default()) % 3;
                forms[digit].clone()
            });
            change(&chosen.collect())
        });
    }
    if members.len() > MOST_NUMBERS {
        return ControlFlow::Continue(());
    }
    for form in [1, 2] {
        for forms in &choices {
            change(&forms[form])?;
        }
        for but in 0..choices.len() {
            let others = choices.iter().enumerate().filter(|(place, _)| *place != but);
            change(&others.flat_map(|(_, forms)| forms[form].clone()).collect())?;
        }
    }
    likely_prices(&members, change)
}

/// The members named like amounts of money, all of them written as money.
fn likely_prices(
    members: &[(&str, Vec<PlacedNumber<'_>>)],
    change: &mut dyn FnMut(&HashMap<usize, String>) -> SearchStep,
) -> SearchStep {
    const WORDS: [&str; 15] = [
        "price", "amount", "total", "cost", "fee", "tax", "discount", "balance", "value", "sum", "net", "gross",
        "paid", "rate", "shipping",
    ];
    let is_price = |key: &str| WORDS.iter().any(|word| key.to_ascii_lowercase().contains(word));
    let prices: Vec<PlacedNumber<'_>> =
        members.iter().filter(|(key, _)| is_price(key)).flat_map(|(_, numbers)| numbers.clone()).collect();
    [as_money as NumberForm, with_zero].into_iter().try_for_each(|form| change(&written(&prices, form)))
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

/// With two decimal places, where there are fewer.
fn as_money(text: &str) -> Option<String> {
    with_two_zeros(text).or_else(|| with_two_places(text))
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
    // Doubles of this size are this far apart; numbers within half of that round to this one.
    let apart = 1_i128 << (number.unsigned_abs().ilog2() - 52);
    let near = (1..=(apart.min(MOST))).flat_map(|distance| [number - distance, number + distance]);
    let double = |text: &str| text.parse::<f64>().ok().map(f64::to_bits);
    let same = double(text);
    near.map(|near| near.to_string()).filter(|near| double(near) == same).collect()
}
