//! Encodings of signatures, and bodies of every size.

use base64::{
    Engine,
    alphabet::STANDARD as ALPHABET,
    engine::{GeneralPurpose, GeneralPurposeConfig},
};

use super::*;

/// Decodes base64 without checking the bits after the last byte.
fn decode_leniently(text: &str) -> Vec<u8> {
    let config = GeneralPurposeConfig::new().with_decode_allow_trailing_bits(true);
    GeneralPurpose::new(&ALPHABET, config).decode(text).expect("base64")
}

/// MACs of one sentence under the key `key`, computed with Python's hmac: algorithm, base64, hex.
const SENTENCE: &str = "The quick brown fox jumps over the lazy dog";
const MACS: [(&str, &str, &str); 4] = [
    ("hmac-sha1", "3nybhbi3iqa8ino29wqQcBydtNk=", "de7c9b85b8b78aa6bc8a7a36f70a90701c9db4d9"),
    (
        "hmac-sha256",
        "97yD9DBThCSxMpjmqm+xQ+9NWaFJRhdZl0edvC0aPNg=",
        "f7bc83f430538424b13298e6aa6fb143ef4d59a14946175997479dbc2d1a3cd8",
    ),
    (
        "hmac-sha384",
        "1/RyfiwLOa4PHkDMlvYCQtW3gBhBzqb8WSxdPhrlBwBYKpbPNeHlVJlf5OAzgcI3",
        "d7f4727e2c0b39ae0f1e40cc96f60242d5b7801841cea6fc592c5d3e1ae50700582a96cf35e1e554995fe4e03381c237",
    ),
    (
        "hmac-sha512",
        "tCrwkFe6weLUFwjkipAuCbX/fxKrQopP6GZTxz3SSPuC+UilSfe3kaW0GRXuTR7Dk1NX5OIxclDQNyr6Lr7rOg==",
        "b42af09057bac1e2d41708e48a902e09b5ff7f12ab428a4fe86653c73dd248fb82f948a549f7b791a5b41915ee4d1ec3935357e4e2317250d0372afa2ebeeb3a",
    ),
];

/// A provider whose header `x` is only the signature of the body.
fn plain(algorithm: &str, value: &str) -> Provider {
    let scheme = format!(
        "[[scheme]]\nname = 'plain'\nalgorithm = '{algorithm}'\ncontent = '{{body}}'\n\
         signature = {{ header = 'x', value = '{value}' }}"
    );
    signing(TEXT_SECRET, &scheme)
}

fn judge_plain(provider: &Provider, signature: &str) -> Verdict {
    judge(provider, &secrets(provider, &["key"]), &post(&[("x", signature)], SENTENCE), UNKNOWN)
}

#[test]
fn other_base64_spellings_of_the_signature_are_rejected() {
    let no_base64 = rejected("plain", malformed("x", "the signature is not base64 (standard alphabet, padded)"));
    let mut alike = 0;
    for (algorithm, base64, _) in MACS {
        let provider = plain(algorithm, "{base64}");
        assert_eq!(judge_plain(&provider, base64), verified("plain", 0, Freshness::NoTimestamp), "{algorithm}");
        let text = base64.trim_end_matches('=');
        let (start, padding) = (&text[..text.len() - 1], &base64[text.len()..]);
        for last in ALPHABET.as_str().chars() {
            let other = format!("{start}{last}{padding}");
            if other != base64 && decode_leniently(&other) == decode_leniently(base64) {
                assert_eq!(judge_plain(&provider, &other), no_base64, "{algorithm}: {other}");
                alike += 1;
            }
        }
        let url_safe = base64.replace('+', "-").replace('/', "_");
        let unpadded = text.to_owned();
        let over_padded = format!("{base64}=");
        for other in [url_safe, unpadded, over_padded].iter().filter(|other| *other != base64) {
            assert_eq!(judge_plain(&provider, other), no_base64, "{algorithm}: {other}");
        }
    }
    // One padding character leaves two spare bits, two leave four, none leave none.
    assert_eq!(alike, 3 + 3 + 15);
}

#[test]
fn uppercase_hex_does_not_match() {
    for (algorithm, _, hex) in MACS {
        let provider = plain(algorithm, "sha={hex}");
        let judge = |hex: &str| judge_plain(&provider, &format!("sha={hex}"));
        assert_eq!(judge(hex), verified("plain", 0, Freshness::NoTimestamp), "{algorithm}");
        assert_eq!(judge(&hex.to_uppercase()), rejected("plain", no_match(1, 1)), "{algorithm}");
        let letter = hex.find(|c: char| c.is_ascii_alphabetic()).expect("a letter");
        let one = format!("{}{}{}", &hex[..letter], hex[letter..=letter].to_uppercase(), &hex[letter + 1..]);
        assert_eq!(judge(&one), rejected("plain", no_match(1, 1)), "{algorithm}");
        assert_eq!(
            judge(&hex.to_uppercase()[1..]),
            rejected("plain", malformed("x", "the signature is not hexadecimal")),
            "{algorithm}"
        );
    }
}

#[test]
fn a_truncated_or_extended_signature_is_rejected() {
    let (_, base64, hex) = MACS[1];
    let no_hex = rejected("plain", malformed("x", "the signature is not hexadecimal"));
    let hexed = plain("hmac-sha256", "{hex}");
    assert_eq!(judge_plain(&hexed, ""), no_hex);
    assert_eq!(judge_plain(&hexed, &hex[..1]), no_hex);
    for length in [2, 20, 32, 62] {
        assert_eq!(judge_plain(&hexed, &hex[..length]), rejected("plain", no_match(1, 1)), "{length}");
    }
    assert_eq!(judge_plain(&hexed, &format!("{hex}00")), rejected("plain", no_match(1, 1)));
    let based = plain("hmac-sha256", "{base64}");
    assert_eq!(judge_plain(&based, &base64[..40]), rejected("plain", no_match(1, 1)));
    assert_eq!(judge_plain(&based, &format!("AAAA{base64}")), rejected("plain", no_match(1, 1)));
}

#[test]
fn a_token_must_equal_the_secret() {
    let provider = signing(TEXT_SECRET, TOKEN);
    let secrets = secrets(&provider, &["open sesame"]);
    let judge = |token: &str| judge(&provider, &secrets, &post(&[("x-token", token)], BODY), UNKNOWN);
    assert_eq!(judge("open sesame"), verified("token", 0, Freshness::NoTimestamp));
    for wrong in ["open sesam", "open sesamf", "Open sesame", "open sesame ", "open sesameopen sesame"] {
        let reason = Reason::NoMatchingSignature { signatures: 1, secrets: 1, what: Unmatched::Token };
        assert_eq!(judge(wrong), rejected("token", reason), "{wrong:?}");
    }
    assert_eq!(judge(""), rejected("token", malformed("x-token", "the token is empty")));
}

#[test]
fn an_empty_body_is_signed_like_any_other() {
    let provider = plain("hmac-sha256", "{hex}");
    let secrets = secrets(&provider, &["key"]);
    // Python: hmac.new(b"key", b"", "sha256")
    let signature = "5d5d139563c95b5967b9bd9a8c9b233a9dedb45072794cd232dc1b74832607d0";
    let verdict = |body: &'static str| judge(&provider, &secrets, &post(&[("x", signature)], body), UNKNOWN);
    assert_eq!(verdict(""), verified("plain", 0, Freshness::NoTimestamp));
    for other in [" ", "\n", "{}", "\0"] {
        assert_eq!(verdict(other), rejected("plain", no_match(1, 1)), "{other:?}");
    }
}

#[test]
fn a_body_of_ten_mebibytes_is_signed_to_its_last_byte() {
    let provider = plain("hmac-sha256", "{hex}");
    let secrets = secrets(&provider, &["key"]);
    // Python: hmac.new(b"key", b"a" * (10 << 20), "sha256")
    let signature = "6cde74b6b7348ccdfb4a58b1e8abc266b0dc0edc2fc57473dcbd35a4ce593bf3";
    let mut body = vec![b'a'; 10 << 20];
    let verdict = |body: &[u8]| judge(&provider, &secrets, &post(&[("x", signature)], body.to_vec()), UNKNOWN);
    assert_eq!(verdict(&body), verified("plain", 0, Freshness::NoTimestamp));
    body[(10 << 20) - 1] = b'b';
    assert_eq!(verdict(&body), rejected("plain", no_match(1, 1)));
}
