//! Whatever scheme a manifest has, it verifies what it signs.

use hookdev::webhook::{
    signature::{Freshness, Reason, Rejection, SigningInput, Unmatched, Verdict, Verified},
    time::Timestamp,
};
use proptest::prelude::*;

use super::{
    FILES, SOUND,
    acme::{self, carrying, load, secrets, signing},
};

/// The lines of a scheme, and whether it signs the timestamp.
#[derive(Clone, Debug)]
struct Written {
    scheme: String,
    signs_time: bool,
}

/// Every kind of scheme that a manifest can have.
fn scheme() -> impl Strategy<Value = Written> {
    let algorithm = prop::sample::select(vec!["hmac-sha1", "hmac-sha256", "hmac-sha384", "hmac-sha512"]);
    let encoding = prop::sample::select(vec!["{hex}", "{base64}"]);
    let content = prop::collection::vec(
        prop::sample::select(vec!["{body}", "{id}", "{timestamp}", "{header:x-extra}", ".", ":", "v0", "ü"]),
        0..6,
    );
    let tag = prop::sample::select(vec!["", "sha256=", "v1=", "v1,", "v1_", "V:"]);
    let separator = prop::sample::select(vec![None, Some(" "), Some(","), Some(";"), Some("|")]);
    let time_in_value = any::<bool>();
    let unit = prop::sample::select(vec!["s", "ms"]);
    (algorithm, encoding, content, tag, separator, time_in_value, unit).prop_map(
        |(algorithm, encoding, content, tag, separator, time_in_value, unit)| {
            // A comma can't be both in a tag and between entries.
            let separator = separator.filter(|separator| !tag.contains(separator));
            let content = content.concat() + "{body}";
            let time_in_value = time_in_value && separator.is_some() && !tag.is_empty();
            let value = match separator {
                Some(separator) if time_in_value => {
                    format!("t{}{{timestamp}}{separator}{tag}{encoding}", &tag[tag.len() - 1..])
                }
                _ => format!("{tag}{encoding}"),
            };
            let separator = separator.map(|separator| format!(", separator = '{separator}'")).unwrap_or_default();
            let time_header = if time_in_value { "" } else { "header = 'x-time', " };
            let signs_time = content.contains("{timestamp}");
            let scheme = format!(
                "[[scheme]]\nname = 's'\nalgorithm = '{algorithm}'\ncontent = '{content}'\n\
                 signature = {{ header = ['x-sig', 'y-sig'], value = '{value}'{separator} }}\n\
                 id = {{ header = 'x-id' }}\n\
                 timestamp = {{ {time_header}unit = '{unit}', tolerance = '5m' }}"
            );
            Written { scheme, signs_time }
        },
    )
}

proptest! {
    #[test]
    fn any_scheme_verifies_what_it_signs_and_nothing_else(
        written in scheme(),
        // With `=`, it may look like the assignment of a variable, which is refused.
        key in "[!#-&(-<>-~]{1,80}",
        body in prop::collection::vec(any::<u8>(), 0..200),
        id in "[!-~]{0,30}",
        extra in "[ -~]{0,20}",
        millis in 0_i64..4_000_000_000_000,
    ) {
        let provider = signing("development = 'key'", &written.scheme);
        let scheme = &provider.schemes[0];
        let secrets = secrets(&provider, &[&key, "another"]);
        let time = Timestamp::from_unix_millis(millis);
        let field = acme::field("x-extra", &extra);
        let unsigned = carrying([field.clone()], body.clone());
        let message = SigningInput { request: &unsigned, id: &id, time, url: None };
        let signed = acme::fields(scheme.sign(&secrets[0], &message).expect("a secret signs"));
        let signed = signed.into_iter().chain([field]);
        let request = carrying(signed, body.clone());

        let fresh = match (written.signs_time, written.scheme.contains("unit = 'ms'")) {
            (false, _) => Freshness::NoTimestamp,
            (true, _) => Freshness::Fresh(time.skew_from(time)),
        };
        let genuine = Verified { scheme: "s".into(), secret: 0, freshness: fresh, before_compression: false };
        prop_assert_eq!(provider.verify(&secrets, &request, None, Some(time).into()), Verdict::Verified(genuine));

        let no_match = Rejection { scheme: "s".into(), reason: Reason::NoMatchingSignature { signatures: 1, secrets: 1, what: Unmatched::Signature } };
        let other_secret = provider.verify(&secrets[1..], &request, None, Some(time).into());
        prop_assert_eq!(other_secret, Verdict::Rejected(no_match.clone()));
        let mut other_body = request.clone();
        other_body.body = [&body[..], b"!"].concat().into();
        let other_body = provider.verify(&secrets[..1], &other_body, None, Some(time).into());
        prop_assert_eq!(other_body, Verdict::Rejected(no_match));
    }

    #[test]
    fn no_header_value_causes_a_panic(
        written in scheme(),
        signature in strange(),
        time in strange(),
    ) {
        let provider = signing("development = 'key'", &written.scheme);
        let secrets = secrets(&provider, &["key"]);
        let value = |bytes: &[u8]| hookdev::webhook::request::HeaderValue::from_bytes(bytes).expect("a header value");
        let name = |name: &str| name.parse().expect("a header name");
        let fields = [(name("x-sig"), value(&signature)), (name("x-time"), value(&time)), (name("x-id"), value(b""))];
        let verdict = provider.verify(&secrets, &carrying(fields, "{}"), None, None.into());
        prop_assert!(matches!(verdict, Verdict::Rejected(_)), "{:?}", verdict);
    }

    #[test]
    fn no_manifest_text_causes_a_panic(text in "\\PC*", from in any::<prop::sample::Index>(), cut in 0_usize..40) {
        let _ = load(&text, &FILES);
        let mut spoilt = SOUND.to_owned();
        let place = from.index(SOUND.len());
        spoilt.replace_range(place..(place + cut).min(SOUND.len()), &text);
        if let Err(error) = load(&spoilt, &FILES) {
            let lines = spoilt.lines().count() + 1;
            prop_assert!(error.position.is_some_and(|(line, column)| (1..=lines).contains(&line) && column > 0), "{}", error);
        }
    }
}

/// Bytes of a header value: any valid ones, but often those of the grammars.
fn strange() -> impl Strategy<Value = Vec<u8>> {
    let known = prop::sample::select(vec![
        "v1=",
        "v1,",
        "t=",
        "sha256=",
        "0",
        "00ff",
        "AAAA",
        "AQ==",
        "=",
        ",",
        ";",
        " ",
        "-",
        "1700000000",
        "t:",
        "|",
    ]);
    let any = prop::sample::select((0x20..=0xff_u8).filter(|byte| *byte != 0x7f).chain([b'\t']).collect::<Vec<_>>());
    let piece = prop_oneof![known.prop_map(|text| text.as_bytes().to_vec()), any.prop_map(|byte| vec![byte])];
    prop::collection::vec(piece, 0..12).prop_map(|pieces| pieces.concat())
}
