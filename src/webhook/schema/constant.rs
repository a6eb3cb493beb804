//! Values that stand in a schema, compared with those of a payload: numbers by what they mean, objects without regard
//! to order, of repeated keys the last.

use std::cmp::Ordering;

use serde_json::{Number, Value};

use crate::webhook::json::{Kind, Node};

/// Whether a payload's value equals one in the schema.
pub(super) fn equals(node: &Node<'_>, value: &Value) -> bool {
    match (&node.kind, value) {
        (Kind::Null, Value::Null) => true,
        (Kind::Bool(found), Value::Bool(wanted)) => found == wanted,
        (Kind::Number(found), Value::Number(wanted)) => compare(found, wanted) == Some(Ordering::Equal),
        (Kind::String(found), Value::String(wanted)) => found == wanted,
        (Kind::Array(found), Value::Array(wanted)) => {
            found.len() == wanted.len() && found.iter().zip(wanted).all(|(node, value)| equals(node, value))
        }
        (Kind::Object(found), Value::Object(wanted)) => {
            found.iter().all(|member| wanted.contains_key(member.key.as_ref()))
                && wanted.iter().all(|(key, value)| node.member(key).is_some_and(|node| equals(node, value)))
        }
        _ => false,
    }
}

/// How a number's text compares with a number: exactly when both are integers, as doubles otherwise.
pub(super) fn compare(text: &str, number: &Number) -> Option<Ordering> {
    match (text.parse::<i128>(), number.as_i128()) {
        (Ok(found), Some(wanted)) => Some(found.cmp(&wanted)),
        _ => text.parse::<f64>().ok()?.partial_cmp(&number.as_f64()?),
    }
}

/// Whether a number's text means an integer, which `1.0` and `1e400` do.
pub(super) fn is_integer(text: &str) -> bool {
    !text.contains(['.', 'e', 'E'])
        || text.parse::<f64>().is_ok_and(|number| number.fract() == 0.0 || number.is_infinite())
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::webhook::json::parse;

    fn equal(text: &str, value: &Value) -> bool {
        equals(&parse(text).unwrap(), value)
    }

    #[test]
    fn numbers_are_equal_by_what_they_mean() {
        assert!(equal("1.0", &json!(1)));
        assert!(equal("1", &json!(1.0)));
        assert!(equal("-0", &json!(0)));
        assert!(equal("1e2", &json!(100)));
        assert!(!equal("9007199254740993", &json!(9_007_199_254_740_992_u64)));
        assert!(!equal("18446744073709551616", &json!(u64::MAX)));
        assert!(!equal("1", &json!("1")));
        assert!(!equal("1", &json!(true)));
    }

    #[test]
    fn objects_are_equal_in_any_order_and_by_their_last_keys() {
        let value = json!({"a": [1, null], "b": {}});
        assert!(equal(r#"{"b":{},"a":[1,null]}"#, &value));
        assert!(equal(r#"{"b":1,"a":[1,null],"b":{}}"#, &value));
        assert!(!equal(r#"{"b":{},"a":[1,null],"b":1}"#, &value));
        assert!(!equal(r#"{"a":[1,null]}"#, &value));
        assert!(!equal(r#"{"a":[1,null],"b":{},"c":1}"#, &value));
        assert!(!equal(r#"{"a":[1,null,2],"b":{}}"#, &value));
    }

    #[test]
    fn integers_may_be_written_with_a_fraction_or_an_exponent() {
        for integer in ["0", "-7", "1.0", "1E0", "1e400", "2.50e1"] {
            assert!(is_integer(integer), "{integer}");
        }
        for fraction in ["0.5", "1e-1", "-2.55e1"] {
            assert!(!is_integer(fraction), "{fraction}");
        }
    }
}
