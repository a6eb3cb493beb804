//! JewelMusic's documented scheme signs the body; its SDK's scheme signs the time and the body. Both use the same
//! secret and header, and a signature of one must not verify under the other.

use std::{path::Path, time::Duration};

use hookdev::store::providers;

use super::*;

const SECRET: &str = "jewelmusic-vector-secret";
const HEADER: &str = "x-jewelmusic-signature";

/// The provider and its vectors `good` and `good-sdk`, one body signed by each of the schemes.
fn jewelmusic() -> (Provider, Request, Request) {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures/jewelmusic");
    let provider = providers::read(&folder).expect("a provider").remove(0);
    let vectors = vectors::of(&provider);
    let request = |id| vectors.iter().find(|vector| vector.id == id).expect("a vector").request();
    let (documented, sdk) = (request("good"), request("good-sdk"));
    assert_eq!(documented.body, sdk.body);
    (provider, documented, sdk)
}

fn verdict(provider: &Provider, value: &str, body: &[u8], received: i64) -> Verdict {
    let secrets = secrets(provider, &[SECRET]);
    judge(provider, &secrets, &post(&[(HEADER, value)], body.to_vec()), at(received))
}

#[test]
fn the_signature_of_one_scheme_does_not_verify_under_the_other() {
    let (provider, documented, sdk) = jewelmusic();
    let text = |request: &Request| request.headers.text(HEADER).expect("a signature").into_owned();
    let (documented, sdk, body) = (text(&documented), text(&sdk), documented.body);
    let body_mac = documented.trim_start_matches("sha256=");
    let (time, time_mac) = sdk.split_once(",v1=").expect("two entries");
    let received = 1_772_704_805;
    let no_form = malformed(HEADER, "it is not in the provider's format, `sha256={hex}`");
    let cases = [
        (documented.clone(), verified("sha256", 0, Freshness::NoTimestamp)),
        (sdk.clone(), verified("sdk", 0, Freshness::Fresh(age(0)))),
        (format!("sha256={time_mac}"), rejected("sha256", no_match(1, 1))),
        (format!("{time},v1={body_mac}"), rejected("sdk", no_match(1, 1))),
        // Neither scheme accepts entries of the other.
        (
            format!("{documented},v1={time_mac}"),
            rejected("sha256", malformed(HEADER, "the signature is not hexadecimal")),
        ),
        (format!("{time},{documented}"), rejected("sdk", unsupported(HEADER, &["sha256"]))),
        (format!("v1={body_mac}"), rejected("sha256", no_form)),
    ];
    for (value, expected) in cases {
        assert_eq!(verdict(&provider, &value, &body, received), expected, "{value}");
    }
}

#[test]
fn a_stale_request_does_not_verify_under_the_scheme_without_a_time() {
    let (provider, _, sdk) = jewelmusic();
    let value = sdk.headers.text(HEADER).expect("a signature").into_owned();
    let tolerance = Tolerance::both(Duration::from_secs(300));
    let stale = Reason::TimestampTooOld { skew: age(301_000), tolerance };
    assert_eq!(verdict(&provider, &value, &sdk.body, 1_772_704_805 + 301), rejected("sdk", stale));
}

#[test]
fn the_signed_content_of_one_scheme_is_not_a_payload_under_the_other() {
    // Only the provider can prevent this: HMAC("t.body") is also a signature of the body `t.body`. hookdev can't detect
    // it, but such a request has no event and no payload.
    let (provider, _, sdk) = jewelmusic();
    let value = sdk.headers.text(HEADER).expect("a signature").into_owned();
    let mac = value.split_once("v1=").expect("two entries").1;
    let content = [b"1772704805.", &sdk.body[..]].concat();
    let request = post(&[(HEADER, &format!("sha256={mac}")), ("content-type", "application/json")], content.clone());
    let payload = Payload::parse(&request, &request.body);
    assert_eq!((payload.root(), provider.event_of(&Lookup::of(&request, &payload)).is_none()), (None, true));
    assert_eq!(
        verdict(&provider, &format!("sha256={mac}"), &content, 1_772_704_805),
        verified("sha256", 0, Freshness::NoTimestamp)
    );
}
