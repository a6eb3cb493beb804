//! Commands and scripts as people have them.

use crate::store::formats::tests::{collected, fields};

/// Method and target, headers, and body of the one command.
fn parsed(command: &str) -> (String, String, String) {
    let (entries, _) = collected(command);
    let [Ok(entry)] = &entries[..] else { panic!("{entries:?}") };
    let request = &entry.request;
    (
        format!("{} {}", request.method, request.target),
        fields(request),
        String::from_utf8_lossy(&request.body).into_owned(),
    )
}

fn error(command: &str) -> String {
    collected(command).0.remove(0).unwrap_err()
}

fn body(command: &str) -> String {
    parsed(command).2
}

#[test]
fn chromes_command_for_bash_is_read() {
    let command = "curl 'https://h/a?b=1' \\\n  -H 'accept: */*' \\\n  -H 'x: it'\\''s' \\\n  --data-raw $'{\"a\":\"it\\'s \\u0021 \\u00e9\\n\"}' \\\n  --compressed ;\n";
    let (line, fields, body) = parsed(command);
    assert_eq!((line.as_str(), body.as_str()), ("POST /a?b=1", "{\"a\":\"it's ! \u{e9}\n\"}"));
    assert_eq!(fields, "accept: */*\nx: it's\ncontent-type: application/x-www-form-urlencoded\n");
}

#[test]
fn chromes_command_for_cmd_is_read() {
    let old = "curl \"https://h/a\" ^\r\n  -H \"content-type: application/json\" ^\r\n  --data-raw \"{\\\"a\\\":\\\"b ^% c\\\"}\" ^\r\n  --compressed\r\n";
    assert_eq!(body(old), "{\"a\":\"b % c\"}");
    let new = "curl ^\"https://h/a?b=1^&c=2^\" ^\n  -H ^\"content-type: application/json^\" ^\n  --data-raw ^\"^{^\\^\"a^\\^\":^\\^\"b^\\^\"^}^\"\n";
    let (line, _, body) = parsed(new);
    assert_eq!((line.as_str(), body.as_str()), ("POST /a?b=1&c=2", "{\"a\":\"b\"}"));
}

#[test]
fn commands_as_people_type_them_are_read() {
    assert_eq!(
        parsed("$ curl -s -XPOST -H'x:y' -H \"a: b\" -d a=1 -d b=2 localhost:4400/a | jq .\n"),
        (
            "POST /a".to_owned(),
            "x: y\na: b\ncontent-type: application/x-www-form-urlencoded\n".to_owned(),
            "a=1&b=2".to_owned()
        )
    );
    // The credentials of RFC 7617, section 2.
    assert_eq!(
        parsed("curl --unix-socket /run/a.sock -sSX PUT http://h/a --oauth2-bearer t -u 'Aladdin:open sesame' -vHx:y -da=1"),
        (
            "PUT /a".to_owned(),
            "x: y\ncontent-type: application/x-www-form-urlencoded\nauthorization: Basic QWxhZGRpbjpvcGVuIHNlc2FtZQ==\n"
                .to_owned(),
            "a=1".to_owned()
        )
    );
    assert_eq!(parsed("curl -O http://h/a -d a=1").0, "POST /a");
    assert_eq!(
        parsed("wget -O - --method PUT --header 'x: y' --body-data 'a=1' http://h/a"),
        ("PUT /a".to_owned(), "x: y\ncontent-type: application/x-www-form-urlencoded\n".to_owned(), "a=1".to_owned())
    );
    assert_eq!(parsed("curl --json '{\"a\":1}' http://h").1, "content-type: application/json\n");
    assert_eq!(body("curl -X PUT --data-binary \"{\\\"a\\\":\\\"\\\\n\\\"}\" http://h"), "{\"a\":\"\\n\"}");
    assert_eq!(collected("# two\ncurl -d a http://h\n\ncurl -d b http://h\ncurl http://h\n").0.len(), 2);
}

#[test]
fn a_body_from_printf_is_read() {
    let command = "printf '\\173\\000\\175' | curl --request POST --url http://h/a \\\n  --header \"$(printf '\\170\\072\\040\\374')\" \\\n  --header 'accept:' \\\n  --header 'content-type:' \\\n  --data-binary @-\n";
    assert_eq!(parsed(command), ("POST /a".to_owned(), "x: \u{fc}\n".to_owned(), "{\0}".to_owned()));
}

#[test]
fn what_echo_and_printf_write_into_a_command_is_its_body() {
    // As printed by bash 5.2.
    for (command, written) in [
        ("printf '%s' '{\"a\":\"\\n\"}' | curl http://h/a --data-binary @-", "{\"a\":\"\\n\"}"),
        ("printf '%s\\n' '{}' | curl http://h/a --data-binary @-", "{}\n"),
        ("printf '{\"a\":\"\\\\n 5%%\"}\\n' | curl http://h/a --data-binary @-", "{\"a\":\"\\n 5%\"}\n"),
        ("echo '{}' | curl http://h/a --data-binary @-", "{}\n"),
        ("echo -n '{}' | curl http://h/a --data-binary @-", "{}"),
        ("$ echo '{}' | curl http://h/a -d @-", "{}"),
    ] {
        assert_eq!(body(command), written, "{command}");
    }
    let flags = error("echo -e '{}' | curl http://h/a --data-binary @-");
    assert_eq!(flags, "line 1: expected the body in the command, found an `echo -e`");
    let unreadable = error("printf '%d' 7 | curl http://h/a --data-binary @-");
    assert_eq!(unreadable, "line 1: expected the body in the command, found a `printf` with arguments");
}

#[test]
fn a_script_may_set_variables_before_its_commands() {
    let request = (
        "POST /a".to_owned(),
        "x: y\ncontent-type: application/x-www-form-urlencoded\n".to_owned(),
        "{\"a\":1}".to_owned(),
    );
    for script in [
        "#!/bin/bash\nset -e\n\nBODY='{\"a\":1}'\nexport X=y\nURL=\"http://h\"\ncurl -H \"x: $X\" -d \"$BODY\" ${URL}/a 2>&1 >/dev/null && echo \"it's done\"\n",
        "Here's how:\n\n```bash\nX=y\ncurl -H \"x: $X\" -d '{\"a\":1}' http://h/a\n```\nIt's done.\n",
        "me@host:~/hooks$ time curl -H 'x: y' -d '{\"a\":1}' http://h/a\n{\"it's\":1}\nreal 0m0.1s\n",
        "cat <<'EOF' | sudo curl -H 'x: y' -d @- http://h/a\n{\"a\":1}\nEOF\n",
    ] {
        let (entries, notes) = collected(script);
        let [Ok(entry)] = &entries[..] else { panic!("{script}: {entries:?}") };
        let (read, body) = (&entry.request, String::from_utf8_lossy(&entry.request.body).into_owned());
        assert_eq!((format!("{} {}", read.method, read.target), fields(read), body), request, "{script}");
        assert_eq!(notes, Vec::<String>::new(), "{script}");
    }
    let unknown = error("SIG=$(sign body)\ncurl -H \"x: $SIG\" -d a http://h/a\n");
    assert_eq!(unknown, "line 2: expected a command without variables or substitutions, found \"$SIG\"");
}

#[test]
fn a_variable_that_only_running_tells_is_an_error() {
    for change in [
        "A+=more",
        "unset A",
        "read A",
        "read -r B A",
        "A=$(date)",
        "export B=1 A=$(date)",
        "export B=1 A+=2",
        "for A in 1 2; do",
    ] {
        let error = error(&format!("#!/bin/sh\nA=old\n{change}\ncurl -d \"$A\" http://h/a\n"));
        assert!(error.ends_with("without variables or substitutions, found \"$A\""), "{change}: {error}");
    }
    for kept in ["A=new ./run.sh", "export A", "export B=1"] {
        assert_eq!(body(&format!("#!/bin/sh\nA=old\n{kept}\ncurl -d \"$A\" http://h/a\n")), "old", "{kept}");
    }
    let secret = error("curl -u \"$A:sk_live\" -d a http://h/a\n");
    assert!(!secret.contains("sk_live"), "{secret}");
}

#[test]
fn commands_within_a_line_are_read() {
    for command in [
        "if true; then curl -d a http://h/a; fi",
        "for i in 1 2; do curl -d a http://h/a; done",
        "send() { curl -d a http://h/a; }",
        "if ! curl -d a http://h/a; then exit 1; fi",
    ] {
        assert_eq!(body(&format!("#!/usr/bin/env bash\n{command}\n")), "a", "{command}");
    }
}

#[test]
fn a_script_is_recognised_by_its_first_line_or_after_a_value_of_several_lines() {
    for (script, sent) in [
        ("BODY='{\n  \"a\": 1\n}'\ncurl -d \"$BODY\" http://h/a\n", "{\n  \"a\": 1\n}"),
        ("BODY=\"{\n  \\\"a\\\": 1\n}\"\ncurl -d \"$BODY\" http://h/a\n", "{\n  \"a\": 1\n}"),
        ("#!/bin/bash\nif [ a = b ]; then exit 1; fi\ncurl -d a http://h/a\n", "a"),
    ] {
        assert_eq!(body(script), sent, "{script}");
    }
}

#[test]
fn a_command_is_recognised_by_the_start_of_a_long_body_that_is_piped_into_it() {
    let script = format!("printf '{}' | curl --data-binary @- http://h/a\n", r"\170".repeat(40_000));
    assert_eq!(body(&script), "x".repeat(40_000));
}

#[test]
fn a_body_that_only_running_tells_is_an_error() {
    for (command, program) in [
        ("printf '%s' '{}' | tee x | curl -d @- http://h/a", "tee"),
        ("echo '{}' | tr a b | curl -d @- http://h/a", "tr"),
        ("jq -c . a.json | curl -d @- http://h/a", "jq"),
    ] {
        let (entries, _) = collected(&format!("curl -d a http://h/a\n{command}\n"));
        let error = format!("line 2: expected the body in the script, found what \"{program}\" writes");
        assert_eq!(entries[1].as_ref().map(|_| ()), Err(&error), "{command}");
    }
}

#[test]
fn variables_that_double_are_an_error() {
    let doubling: String = (0..40).map(|_| "A=\"$A$A\"\n").collect();
    let (entries, _) = collected(&format!("A=xxxxxxxx\n{doubling}curl -d \"$A\" http://h/a\n"));
    assert!(matches!(&entries[..], [Err(_)]), "{}", entries.len());
}

#[test]
fn fields_are_encoded_as_curl_does() {
    // As sent by curl 7.88.1.
    let command = "curl http://h/a --data-urlencode 'payload={\"a\":\"x y+~*\u{e9}\"}' --data-urlencode '=z y' --data-urlencode 'q r'";
    assert_eq!(body(command), "payload=%7B%22a%22%3A%22x+y%2B~%2A%C3%A9%22%7D&z+y&q+r");
}

#[test]
fn a_caret_in_a_body_makes_no_command_one_for_cmd() {
    for body_text in ["{\"re\":\"^\",\"b\":\"c\"}", "it ^\nis"] {
        let command = format!("curl http://h/a -H 'x: y' -d '{body_text}'");
        let (line, _, body) = parsed(&command);
        assert_eq!((line.as_str(), body.as_str()), ("POST /a", body_text));
    }
    assert_eq!(body("curl http://h/a -d $'{\"re\":\"it\\'s ^\"}'"), "{\"re\":\"it's ^\"}");
    assert_eq!(body("curl http://h/a -d \"{\\\"re\\\":\\\"^\\\"}\""), "{\"re\":\"^\"}");
}

#[test]
fn a_comment_is_no_argument_and_a_second_url_is_an_error() {
    assert_eq!(parsed("curl http://h/a#b -d '{}' # it's a note").0, "POST /a");
    let two = error("curl http://h/a http://h/b -d '{}'");
    assert_eq!(two, "line 1: expected one URL, found \"http://h/a\" and \"http://h/b\"");
}

#[test]
fn a_command_that_cannot_be_read_hides_no_other() {
    let (entries, _) = collected("curl -H \"a: $SIG\" -d a http://h\n\ncurl -d b http://h/b\ncurl -d 'c");
    let results: Vec<_> = entries.into_iter().map(|entry| entry.map(|entry| entry.request.target)).collect();
    assert_eq!(results[1], Ok("/b".to_owned()));
    let variable = "line 1: expected a command without variables or substitutions, found \"$SIG\"";
    assert_eq!(results[0], Err(variable.to_owned()));
    assert_eq!(results[2], Err("line 4: expected a closing `'`".to_owned()));
}

#[test]
fn variables_and_standard_input_are_an_error() {
    assert_eq!(
        error("curl -H \"signature: $SIG\" -d a http://h"),
        "line 1: expected a command without variables or substitutions, found \"$SIG\""
    );
    assert_eq!(error("curl -d 'a http://h"), "line 1: expected a closing `'`");
    assert_eq!(
        error("curl --data-binary @- http://h"),
        "line 1: expected the body in the command, found `@-`: it came from standard input"
    );
}
