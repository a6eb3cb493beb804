//! The errors for what a manifest can't be.

use hookdev::webhook::provider::{Provider, files::ProviderFiles};

use super::{FILES, SOUND, acme::load, assert_errors, error_for};

#[test]
fn an_unknown_word_gets_a_suggestion_and_its_position() {
    assert_errors(&[
        (
            "about = \"A test\"",
            "abuot = \"A test\"",
            "acme/provider.toml:3:1: unknown key `abuot`; did you mean `about`?",
        ),
        (
            "schema = \"ping\"",
            "unsinged = true",
            "acme/provider.toml:33:1: unknown key `unsinged`; did you mean `unsigned`? (known: `name`, `about`, \
             `match`, `present`, `headers`, `schema`, `fixture`, `raw`, `summary`, `unsigned`, `illustrative`, `variants`)",
        ),
        (
            "hmac-sha256",
            "hmac-sha265",
            "acme/provider.toml:12:13: unknown value `hmac-sha265`; did you mean `hmac-sha256`?",
        ),
        (
            "{id}.{timestamp}.{body}",
            "{id}.{timestmp}.{body}",
            "acme/provider.toml:13:11: unknown placeholder `timestmp`; did you mean `timestamp`? (known: `body`, `id`, \
             `timestamp`, `secret`, `url`, `method`, `path`, `form:sorted`, `header:NAME`, `query:NAME`, `body:PATH`, \
             `sha256:PLACE`)",
        ),
        (
            "v1,{base64}",
            "v1,{base46}",
            "acme/provider.toml:14:64: unknown placeholder `base46`; did you mean `base64`? (known: `hex`, `HEX`, `base64`, \
             `base64url`, `token`, `jwt`, `timestamp`)",
        ),
        (
            "{event}",
            "{evnt}",
            "acme/provider.toml:21:25: unknown placeholder `evnt`; did you mean `event`? (known: `event`, `timestamp`, \
             `unix_ms`, `now`, `now_ms`, `id`)",
        ),
        (
            "name = \"ping\"",
            "name = \"pong\"",
            "acme/provider.toml:31:8: missing fixture `events/pong.json`; did you mean \
             `events/ping.json`?",
        ),
        (
            "schema = \"ping\"",
            "fixture = \"events/pin.json\"",
            "acme/provider.toml:33:11: missing fixture `events/pin.json`; did you mean \
             `events/ping.json`?",
        ),
        (
            "{ type = \"pong\" }",
            "{ type = \"pong\" }, { typ = \"pong\" }",
            "acme/provider.toml:34:34: the variant doesn't fit `events/ping.json`: there is no `typ` in the payload; \
             the nearest is `type`",
        ),
    ]);
}

#[test]
fn a_list_that_is_within_another_is_given_by_the_path_in_its_first_event() {
    let found = |list: &str| error_for("event = \"type\"", &format!("event = \"type\"\nlist = {list}"));
    let expected = |column: u8, message: &str| format!("acme/provider.toml:25:{column}: {message}");
    let taken = ["'body'", "'body:a'", "['body:a.0.b', 'body:a', 'body:a.0.c.d']", "['body', 'body:0', 'body:0.0.a']"];
    for list in taken {
        assert!(found(list).ends_with("is taken"), "{list}: {}", found(list));
    }
    for (list, column, message) in [
        ("[]", 8, "at least one list of events is required"),
        ("['body:a', 'a']", 19, "duplicate list `body:a`"),
        ("['body', 'body:body']", 17, "duplicate list `body`"),
        ("'body:a.0.b'", 8, "`body:a.0.b` is within the list `body:a`, which is missing here; add \"body:a\""),
        ("['body:0.b']", 9, "`body:0.b` is within the list `body`, which is missing here; add \"body\""),
        (
            "['body:a', 'body:a.b']",
            19,
            "a path within the list `body:a` must lead to its first event; write \"body:a.0.b\"",
        ),
        (
            "['body:a', 'body:a.1.b']",
            19,
            "a path within the list `body:a` must lead to its first event; write \"body:a.0.b\"",
        ),
        ("['body', 'body:b']", 17, "a path within the list `body` must lead to its first event; write \"body:0.b\""),
        ("['body:a', 'header:b']", 19, "a list of events can only be in the payload: write `body` or `body:PATH`"),
        ("7", 8, "invalid type: integer `7`, expected a string or a list of strings"),
    ] {
        assert_eq!(found(list), expected(column, message), "{list}");
    }
}

#[test]
fn a_malformed_value_is_reported_with_its_position() {
    let duration =
        |text| format!("invalid duration `{text}`: use a number and a unit, such as `500ms`, `4s`, `5m` or `2h`");
    let status =
        "acme/provider.toml:19:19: invalid status `6xx`: use a code such as `200` or a class such as `2xx`".to_owned();
    let timeout = format!("acme/provider.toml:20:11: {}", duration("3 s"));
    let tolerance = format!("acme/provider.toml:16:51: {}, or `any`", duration("5 minutes"));
    let future = format!("acme/provider.toml:16:75: {}, or `any`", duration("1"));
    assert_errors(&[
        ("\"200\", \"2xx\"", "\"200\", \"6xx\"", &status),
        ("\"200\", \"2xx\"", "", "acme/provider.toml:19:11: `success` needs at least one status"),
        ("\"200\", \"2xx\"", "200", "acme/provider.toml:19:12: invalid type: integer `200`, expected a string"),
        ("\"3s\"", "\"3 s\"", &timeout),
        ("\"5m\"", "\"5 minutes\"", &tolerance),
        ("\"5m\"", "{ past = \"5m\", future = \"1\" }", &future),
        ("\"5m\"", "{ past = \"5m\" }", "acme/provider.toml:16:51: missing field `future`"),
        (
            "\"5m\"",
            "{ past = \"5m\", futur = \"1m\" }",
            "acme/provider.toml:16:66: unknown key `futur`; did you mean `future`? (known: `past`, `future`)",
        ),
        (
            "\"5m\"",
            "300",
            "acme/provider.toml:16:51: invalid type: integer `300`, expected a duration such as \"5m\", \"any\", \
             or { past = \"5m\", future = \"any\" }",
        ),
        ("\"a-id\"", "\"a id\"", "acme/provider.toml:15:17: invalid header name `a id`"),
        ("\"b-signature\"]", "\"b signature\"]", "acme/provider.toml:14:40: invalid header name `b signature`"),
        ("[\"a-signature\", \"b-signature\"]", "[]", "acme/provider.toml:14:24: at least one header name is required"),
        (
            "[\"a-signature\", \"b-signature\"]",
            "5",
            "acme/provider.toml:14:24: invalid type: integer `5`, expected a string or a list of strings",
        ),
        ("\"a-event\" =", "\"a event\" =", "acme/provider.toml:21:13: invalid header name `a event`"),
        ("\"a-event\"]", "\"a event\"]", "acme/provider.toml:25:27: invalid header name `a event`"),
        (
            "\"{event}\"",
            "\"a\\nb\"",
            "acme/provider.toml:21:25: invalid header value: it has a control character or one outside Latin-1",
        ),
        (
            "timeout = \"3s\"",
            "user_agent = \"€\"",
            "acme/provider.toml:20:14: invalid header value: it has a control character or one outside Latin-1",
        ),
        (
            "timeout = \"3s\"",
            "method = \"PO ST\"",
            "acme/provider.toml:20:10: unknown method `PO ST`; did you mean `POST`? (known: `GET`, `HEAD`, `POST`, `PUT`, `PATCH`, `DELETE`, `OPTIONS`)",
        ),
        (
            "timeout = \"3s\"",
            "retry = { waits = [\"5s\"], stop = [\"4x\"] }",
            "acme/provider.toml:20:35: invalid status `4x`: use a code such as `200` or a class such as `2xx`",
        ),
        (
            "event = \"type\"",
            "event = \"a..b\"",
            "acme/provider.toml:24:9: the path `a..b` has an empty key; write a JSON pointer (`/a//b`) if that is meant",
        ),
        ("separator = \" \"", "separator = \"\"", "acme/provider.toml:14:64: the separator is empty"),
        (
            "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw",
            "whsec_no base64",
            "acme/provider.toml:8:15: invalid development secret: it is not base64 (standard alphabet)",
        ),
        (
            "name = \"acme\"",
            "name = \"Acme\"",
            "acme/provider.toml:1:8: a provider's name may only have a-z, 0-9, `-` and `_`",
        ),
        (
            "schema = \"ping\"",
            "fixture = \"events/broken.json\"",
            "acme/events/broken.json:2:11: invalid JSON: expected a value",
        ),
        (
            "schema = \"ping\"",
            "fixture = \"events/ping.form\"",
            "acme/events/ping.form:1:1: invalid JSON: expected a value; `raw = true` sends it byte for byte",
        ),
        (
            "schema = \"ping\"",
            "schema = \"pnig\"",
            "acme/provider.toml:33:10: the schema `pnig` is not in the $defs of schema.json; did you mean `ping`?",
        ),
        (
            "[recognise]\n",
            "[recognise]\nschema = \"others\"\n",
            "acme/provider.toml:24:10: the schema `others` is not in the $defs of schema.json",
        ),
        ("title = \"Acme\"", "title = \"Acme", "acme/provider.toml:2:14: invalid basic string, expected `\"`"),
        ("title = \"Acme\"\n", "", "acme/provider.toml:1:1: missing field `title`"),
    ]);
}

#[test]
fn the_status_of_a_handshake_is_one_that_ends_a_request() {
    for status in [0, 20, 100, 199, 600, 65535] {
        let variants = "variants = [{ type = \"pong\" }]\n";
        let handshake = format!(
            "{variants}\n[[handshake]]\nname = \"check\"\nabout = \"A check\"\nquery = {{ challenge = \"{{hex:8}}\" }}\nrespond = {{ status = {status} }}\n"
        );
        let expected = format!("acme/provider.toml:40:22: invalid status {status}: write 200 to 599");
        assert_eq!(error_for(variants, &handshake), expected);
    }
}

#[test]
fn a_scheme_reads_no_fields_of_a_payload_in_a_form() {
    let manifest = SOUND.replace("[recognise]\n", "[recognise]\npayload = \"form:json\"\n");
    assert_ne!(manifest, SOUND);
    let manifest = manifest.replace("{id}.{timestamp}.{body}", "{id}.{timestamp}.{body:event.time}");
    let message = load(&manifest, &FILES).unwrap_err().to_string();
    let expected = "acme/provider.toml:13:11: `body:event.time` is inside `form:json`, and a scheme reads form fields only as a whole: use `form:json`";
    assert_eq!(message, expected);
}

#[test]
fn a_handshake_without_a_signature_signs_nothing_for_anyone() {
    let variants = "variants = [{ type = \"pong\" }]\n";
    let handshake = |signed: &str| {
        format!(
            "{variants}\n[[handshake]]\nname = \"check\"\nabout = \"A check\"\nmatch = {{ type = \"check\" }}\n{signed}respond = {{ json = {{ mac = \"{{hmac-sha256:body:token}}\" }} }}\n"
        )
    };
    // The MAC of a token signs no JSON.
    load(&SOUND.replace(variants, &handshake("signed = false\n")), &FILES).expect("tokens alone are signed");
    load(&SOUND.replace(variants, &handshake("")), &FILES).expect("a signed handshake may");
    let expected = "acme/provider.toml:41:11: a handshake that isn't signed must not respond with an `hmac-sha256:` of what anyone can send, because it may be a valid signature of a delivery: not all schemes sign the `{body}` as JSON";
    let without_body = SOUND.replace("{id}.{timestamp}.{body}", "{id}.{timestamp}");
    assert_eq!(without_body.matches("{id}.{timestamp}\"").count(), 1);
    let message = load(&without_body.replace(variants, &handshake("signed = false\n")), &FILES).unwrap_err();
    assert_eq!(message.to_string(), expected);
}

#[test]
fn the_name_of_an_event_is_safe_in_a_shell() {
    let line = "acme/provider.toml:31:8: ";
    for name in ["x$(touch PWNED)", "x`y`", "x y", "x'", "x;y", "x\\ny", "x\\\"", "é", "", "x*", "~x", "x\\u001b"] {
        assert_eq!(
            error_for("name = \"ping\"", &format!("name = \"{name}\"")),
            format!("{line}an event's name may only have letters, digits and `._-/:`"),
            "{name}"
        );
    }
    assert_eq!(
        error_for("name = \"ping\"", "name = \"-ping\""),
        format!("{line}an event's name may not begin with `-`")
    );
    let fixture = "fixture = \"events/ping.json\"\nname = \"Orders/v2:item_added-1.0\"";
    assert_eq!(error_for("name = \"ping\"", fixture), format!("{fixture:?} is taken"));
    assert_eq!(
        error_for("name = \"acme\"", "name = \"-acme\""),
        "acme/provider.toml:1:8: a provider's name may not begin with `-`"
    );
}

#[test]
fn an_invalid_template_is_rejected() {
    assert_errors(&[
        (
            "{id}.{timestamp}.{body}",
            "{id}.{timestamp}.{body",
            "acme/provider.toml:13:11: `{` at character 18 is not closed",
        ),
        ("v1,{base64}", "v1,{base64", "acme/provider.toml:14:64: `{` at character 4 is not closed"),
        (
            "v1,{base64}",
            "v1,base64",
            "acme/provider.toml:14:64: `v1,base64` must be fixed text followed by one placeholder, such as `sha256={hex}`",
        ),
        (
            "{id}.{timestamp}.{body}",
            "body",
            "acme/provider.toml:13:11: the signed content `body` has no placeholder, so every signature would be the \
             same; add `{body}`",
        ),
        (
            "\"{id}.{timestamp}.{body}\"",
            "\"{header:a b}{body}\"",
            "acme/provider.toml:13:11: invalid header name `a b`",
        ),
    ]);
}

#[test]
fn a_manifest_that_contradicts_itself_is_rejected() {
    assert_errors(&[
        (
            "timestamp = { header = \"a-timestamp\", tolerance = \"5m\" }\n",
            "",
            "acme/provider.toml:13:11: `{id}.{timestamp}.{body}` signs the timestamp, but the scheme has no `timestamp`",
        ),
        (
            "id = { header = \"a-id\" }\n",
            "",
            "acme/provider.toml:13:11: `{id}.{timestamp}.{body}` signs the id, but the scheme has no `id`",
        ),
        (
            "v1,{base64}",
            "v1,{base64} t,{timestamp}",
            "acme/provider.toml:16:13: the timestamp is given twice: in the header `a-timestamp`, and in the signature's value as \
             {timestamp}",
        ),
        (
            "header = \"a-timestamp\", ",
            "",
            "acme/provider.toml:16:13: the timestamp has no source: add a `header`, or {timestamp} in the signature's \
             value",
        ),
        (
            "\"v1,{base64}\", separator = \" \" }\nid = { header = \"a-id\" }\ntimestamp = { header = \"a-timestamp\", tolerance = \"5m\" }",
            "\"v1,{base64} t,{timestamp}\", separator = \" \" }\nid = { header = \"a-id\" }",
            "acme/provider.toml:14:64: the value has a {timestamp}, but the scheme has no `timestamp`",
        ),
        (
            "{id}.{timestamp}.{body}",
            "{id}.{header:A-Timestamp}.{body}",
            "acme/provider.toml:13:11: `{header:a-timestamp}` is the timestamp's header: use {timestamp}",
        ),
        (
            "{id}.{timestamp}.{body}",
            "{header:a-id}.{timestamp}.{body}",
            "acme/provider.toml:13:11: `{header:a-id}` is the id's header: use {id}",
        ),
        (
            "{id}.{timestamp}.{body}",
            "{header:b-signature}.{body}",
            "acme/provider.toml:13:11: `{header:b-signature}` is the signature's own header",
        ),
        (
            "v1,{base64}",
            "v1,{token}",
            "acme/provider.toml:14:64: {token} sends the secret itself: use {hex} or {base64} for a MAC",
        ),
        ("hmac-sha256", "token", "acme/provider.toml:14:64: a token is sent unencoded: use {token}"),
        (
            "timestamp = { header = \"a-timestamp\", tolerance = \"5m\" }\n",
            "timestamp = { header = \"a-timestamp\", tolerance = \"5m\" }\nclaims = { sha256 = \"{sha256:body}\" }\n",
            "acme/provider.toml:17:21: only a JWT has the claim `sha256`; in another scheme, a claim is a place, such as `query:NAME`",
        ),
        (
            "timestamp = { header = \"a-timestamp\", tolerance = \"5m\" }\n",
            "timestamp = { header = \"a-timestamp\", tolerance = \"5m\" }\nclaims = { \"query:hash\" = \"{sha256:body}\" }\n",
            "acme/provider.toml:17:27: `query:hash` isn't signed, so anyone can write it: add `{url}` or `{query:hash}` to `content`",
        ),
        (
            "timestamp = { header = \"a-timestamp\", tolerance = \"5m\" }\n",
            "timestamp = { header = \"a-timestamp\", tolerance = \"5m\" }\nclaims = { \"body:hash\" = \"{sha256:body}\" }\n",
            "acme/provider.toml:17:26: `body:hash` is neither a header nor a query parameter",
        ),
        (
            "[delivery]\n",
            "[[scheme]]\nname = \"v2\"\nalgorithm = \"hmac-sha256\"\ncontent = \"{body}\"\nsent_along = true\n\
             signature = { header = \"a\", value = \"{hex}\" }\nsecret = { env = \"TWO\", development = \"b\" }\n\
             [[scheme]]\nname = \"v3\"\nalgorithm = \"hmac-sha256\"\ncontent = \"{body}\"\nsent_along = true\n\
             signature = { header = \"b\", value = \"{hex}\" }\nsecret = { env = \"TWO\", development = \"c\" }\n[delivery]\n",
            "acme/provider.toml:31:10: `TWO` is for another secret: a scheme that is `sent_along` needs its own `env`",
        ),
        (
            "schema = \"ping\"",
            "fixture = \"events/ping.dat\"",
            "acme/provider.toml:33:11: missing fixture `events/ping.dat`; use the extension .json, .form, .xml or .txt, or \
             .bin for anything else",
        ),
        (
            "event = \"type\"\n",
            "",
            "acme/provider.toml:30:8: no rule recognises `ping`: add a `match` or `present`, or set `event` in [recognise]",
        ),
        (
            "variants = [{ type = \"pong\" }]\n",
            "[[event]]\nname = \"ping\"\nabout = \"Another\"\n",
            "acme/provider.toml:35:8: duplicate event `ping`",
        ),
        (
            "[delivery]\n",
            "[[scheme]]\nname = \"v1\"\nalgorithm = \"token\"\ncontent = \"{body}\"\n\
             signature = { header = \"a\", value = \"{token}\" }\n[delivery]\n",
            "acme/provider.toml:19:8: duplicate scheme `v1`",
        ),
    ]);
}

#[test]
fn a_signature_that_would_not_match_as_it_is_sent_is_rejected() {
    let scheme = |content: &str, field: &str, rest: &str| {
        format!(
            "algorithm = 'hmac-sha256'\ncontent = '{content}'\nsignature = {{ {field}, value = '{{hex}}' }}\n{rest}"
        )
    };
    let error = |first: &str, second: &str| {
        let along = format!(
            "[[scheme]]\nname = 'first'\n{first}\n[[scheme]]\nname = 'second'\n{second}\nsent_along = true\nsecret = {{ development = 'b' }}\n"
        );
        let (start, end) = (SOUND.find("[[scheme]]").expect("a start"), SOUND.find("[delivery]").expect("an end"));
        let secret = SOUND[..start].replace("encoding = \"base64\"\nprefix = \"whsec_\"\n", "");
        load(&format!("{secret}{along}{}", &SOUND[end..]), &FILES).map(drop).map_err(|error| error.to_string())
    };
    let (in_header, in_body) = ("header = 'x-a'", "body = 'mac'");
    let other = scheme("{body:type}", "body = 'other'", "");
    assert_eq!(error(&scheme("{body}", in_header, ""), &other), Ok(()));
    assert_eq!(error(&other, &scheme("{body:other}", in_body, "")), Ok(()));
    assert_eq!(error(&scheme("{url}", in_header, ""), &scheme("{body}", "query = 'mac'", "")), Ok(()));
    assert_eq!(
        error(&scheme("{body:other}", in_body, ""), &other),
        Err("acme/provider.toml:9:8: `first` signs `{body:other}` before `second` writes the field `other` of the body, so \
             its signature would not match"
            .to_owned())
    );
    let hash = "claims = { 'query:hash' = '{sha256:body}' }";
    assert_eq!(
        error(&scheme("{body}", in_header, ""), &scheme("{url}", in_body, hash)),
        Err("acme/provider.toml:15:8: `second` claims `{sha256:body}` before it writes its signature into the field `mac` of \
             the body, so the claim would not hold"
            .to_owned())
    );
    assert_eq!(
        error(&scheme("{query:hash}{body:type}", in_body, ""), &scheme("{url}", in_header, hash)),
        Err("acme/provider.toml:9:8: `first` signs `{query:hash}` before `second` writes the query parameter `hash`, so its \
             signature would not match"
            .to_owned())
    );
}

#[test]
fn a_duplicate_key_is_named() {
    assert_errors(&[
        ("title = \"Acme\"", "title = \"Acme\"\ntitle = \"Ajax\"", "acme/provider.toml:3:1: duplicate key `title`"),
        ("[delivery]\n", "[scheme]\nname = \"v2\"\n[delivery]\n", "acme/provider.toml:18:2: duplicate key `scheme`"),
        (
            "[secret]",
            "[scheme]\nname = \"v2\"\n[secret]",
            "acme/provider.toml:12:3: duplicate key `scheme`: write [[scheme]] each time, not [scheme]",
        ),
    ]);
}

#[test]
fn a_secret_and_its_schemes_need_each_other() {
    let between = |start: &str, end: &str| {
        let (start, end) = (SOUND.find(start).expect("a start"), SOUND.find(end).expect("an end"));
        format!("{}{}", &SOUND[..start], &SOUND[end..])
    };
    let error = |manifest: &str| load(manifest, &FILES).expect_err("an error").to_string();
    assert_eq!(
        error(&between("[secret]", "[[scheme]]")),
        "acme/provider.toml:1:8: [[scheme]] needs a [secret] with the format of its secret"
    );
    assert_eq!(
        error(&between("[[scheme]]", "[delivery]")),
        "acme/provider.toml:5:1: [secret] needs a [[scheme]] that uses it"
    );
    load(&between("[secret]", "[delivery]"), &FILES).expect("a provider that signs nothing needs neither");
}

#[test]
fn a_directory_without_a_manifest_is_rejected() {
    let error = Provider::load(ProviderFiles::new("acme", Vec::new())).expect_err("an error");
    assert_eq!(error.to_string(), "acme/provider.toml: missing file: every provider directory needs it");
}
