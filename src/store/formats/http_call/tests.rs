//! Calls as people have them, and what the libraries send.

mod clients;

use crate::store::formats::tests::{collected, fields};

/// Method and URL, headers, and body of the one call.
fn read(text: &str) -> (String, String, String) {
    let (entries, _) = collected(text);
    let [Ok(entry)] = &entries[..] else { panic!("{text}: {entries:?}") };
    let request = &entry.request;
    let line = format!("{} {}", request.method, entry.url.as_deref().unwrap_or_default());
    (line, fields(request), String::from_utf8_lossy(&request.body).into_owned())
}

fn error(text: &str) -> String {
    collected(text).0.remove(0).unwrap_err()
}

#[test]
fn a_call_is_read_as_browsers_copy_it() {
    let chrome = "fetch(\"https://h.example/a?b=1\", {\n  \"headers\": {\n    \"content-type\": \"application/json\",\n    \"x-a\": \"b\"\n  },\n  \"referrer\": \"https://h.example/\",\n  \"body\": \"{\\\"n\\\":1.0,\\\"t\\\":\\\"caf\\\\u00e9 \u{e9}\\\"}\",\n  \"method\": \"POST\",\n  \"mode\": \"cors\"\n}); ;\n";
    let (line, fields, body) = read(chrome);
    assert_eq!(line, "POST https://h.example/a?b=1");
    assert_eq!(fields, "content-type: application/json\nx-a: b\n");
    assert_eq!(body, "{\"n\":1.0,\"t\":\"caf\\u00e9 \u{e9}\"}");
    assert_eq!(read(&format!("await {chrome}")), (line, fields, body));
}

#[test]
fn a_call_is_read_with_the_variables_that_are_set_before_it() {
    let json = "content-type: application/json\n";
    for (text, headers, body) in [
        // As Postman generates them.
        (
            "const myHeaders = new Headers();\nmyHeaders.append(\"X-A\", \"b\");\nmyHeaders.append(\"Content-Type\", \"application/json\");\n\nconst raw = JSON.stringify({\n  \"a\": 1.0,\n  \"b\": \"\u{e9}\"\n});\n\nconst requestOptions = {\n  method: \"POST\",\n  headers: myHeaders,\n  body: raw,\n  redirect: \"follow\"\n};\n\nfetch(\"http://h/a\", requestOptions)\n  .then((response) => response.text())\n",
            "X-A: b\nContent-Type: application/json\n",
            "{\"a\":1,\"b\":\"\u{e9}\"}",
        ),
        (
            "const axios = require('axios');\nlet data = '{\\n  \"a\": 1.0\\n}';\n\nlet config = {\n  method: 'post',\n  maxBodyLength: Infinity,\n  url: 'http://h/a',\n  headers: { \n    'Content-Type': 'application/json'\n  },\n  data : data\n};\n\naxios.request(config)\n.then((response) => {\n",
            "Content-Type: application/json\n",
            "{\n  \"a\": 1.0\n}",
        ),
        (
            "import requests\nimport json\n\nurl = \"http://h/a\"\n\npayload = json.dumps({\n  \"a\": 1.0,\n  \"b\": None, # it's a note\n  \"c\": \"\u{e9}\"\n})\nheaders = {\n  'Content-Type': 'application/json'\n}\n\nresponse = requests.request(\"POST\", url, headers=headers, data=payload)\n\nprint(response.text)\n",
            "Content-Type: application/json\n",
            "{\"a\": 1.0, \"b\": null, \"c\": \"\\u00e9\"}",
        ),
        // As people write them.
        (
            "const res = await fetch('http://h/a', { method: 'POST', body: '{}' });",
            "content-type: text/plain;charset=UTF-8\n",
            "{}",
        ),
        ("axios.post('http://h/a', { a: 1, b: [true, null] });", json, "{\"a\":1,\"b\":[true,null]}"),
        ("axios.post('http://h/a', ' {} ', { headers: { 'content-type': 'application/json' } })", json, "{}"),
        (
            "axios({ method: 'post', url: 'http://h/a', data: new URLSearchParams({ a: 'x y~*' }) })",
            "content-type: application/x-www-form-urlencoded;charset=UTF-8\n",
            "a=x+y%7E*",
        ),
        ("r = requests.post('http://h/a', data=b'{\"a\":\\xc3\\xa9}')", "", "{\"a\":\u{e9}}"),
        (
            "requests.post('http://h/a', data={'a': 'x y~*'})",
            "content-type: application/x-www-form-urlencoded\n",
            "a=x+y~%2A",
        ),
        ("requests.post(\n    'http://h/a',\n    json={'a': 'b'\n      'c'},\n)", json, "{\"a\": \"bc\"}"),
        (
            "body = \"\"\"{\n  \"a\": \"\\\\n\"\n}\"\"\"\nhttpx.post('http://h/a', content=body.encode('utf-8'))",
            "",
            "{\n  \"a\": \"\\n\"\n}",
        ),
        ("requests.post('http://h/a', data=json.dumps({'a': 1}, separators=(',', ':')))", "", "{\"a\":1}"),
        ("BASE = 'http://h'\nrequests.post(f'{BASE}/a', data=f'{{{BASE}}}')", "", "{http://h}"),
        (
            "const base = 'http://h';\nfetch(base + '/a', { method: 'POST', headers: { 'X-A': `b ${base}` }, body: `{}` });",
            "X-A: b http://h\ncontent-type: text/plain;charset=UTF-8\n",
            "{}",
        ),
        ("got.post('http://h/a', { json: { a: 1 } })", json, "{\"a\":1}"),
    ] {
        assert_eq!(read(text), ("POST http://h/a".to_owned(), headers.to_owned(), body.to_owned()), "{text}");
    }
}

#[test]
fn a_number_is_sent_as_its_language_turns_it_into_text() {
    // What `str` of Python 3.11 and `String` of Node 20 return.
    for (number, python, javascript) in [
        ("7", "7", "7"),
        ("1.50", "1.5", "1.5"),
        ("1.0", "1.0", "1"),
        ("-0.0", "-0.0", "0"),
        ("1e3", "1000.0", "1000"),
        ("1E16", "1e+16", "10000000000000000"),
        ("1e21", "1e+21", "1e+21"),
        ("1e-5", "1e-05", "0.00001"),
        ("1e-7", "1e-07", "1e-7"),
        ("123456789012345678", "123456789012345678", "123456789012345680"),
        ("12345678901234567890123", "12345678901234567890123", "1.2345678901234568e+22"),
    ] {
        let encoded = |text: &str| format!("a={}", text.replace('+', "%2B"));
        for (text, body) in [
            (format!("requests.post('http://h/a', data={{'a': {number}}})"), encoded(python)),
            (format!("n = {number}\nrequests.post('http://h/a', data=f'a={{n}}')"), format!("a={python}")),
            (format!("requests.post('http://h/a', data=json.dumps({number}))"), python.to_owned()),
            (
                format!("fetch('http://h/a', {{ method: 'POST', body: new URLSearchParams({{ a: {number} }}) }})"),
                encoded(javascript),
            ),
            (format!("axios.post('http://h/a', 'a=' + {number})"), format!("a={javascript}")),
        ] {
            assert_eq!(read(&text).2, body, "{text}");
        }
    }
}

#[test]
fn a_value_that_libraries_send_differently_is_an_error() {
    for (number, what) in [
        ("1_000", "found a number that isn't written as in JSON: hookdev runs no code"),
        ("0x10", "found a number that isn't written as in JSON: hookdev runs no code"),
        ("1e400", "found a number that isn't written as in JSON: hookdev runs no code"),
        ("1+2", "found a number that isn't written as in JSON: hookdev runs no code"),
    ] {
        for text in [
            format!("requests.post('http://h/a', data={{'a': {number}}})"),
            format!("requests.post('http://h/a', data=json.dumps({{'a': {number}}}))"),
            format!("fetch('http://h/a', {{ method: 'POST', body: new URLSearchParams({{ a: {number} }}) }})"),
        ] {
            assert!(error(&text).contains(what), "{text}: {}", error(&text));
        }
    }
    for (text, what) in [
        (
            "requests.post('http://h/a', data={'a': True})",
            "expected the value of \"a\" as text or a number, found true, which libraries send differently",
        ),
        ("fetch('http://h/a', { method: 'POST', body: new URLSearchParams({ a: null }) })", "found null"),
    ] {
        assert!(error(text).contains(what), "{text}: {}", error(text));
    }
}

#[test]
fn what_is_not_in_the_text_is_an_error() {
    for (text, what) in [
        (
            "fetch('http://h/a', { method: 'POST', headers: { 'X-A': sign(body) }, body: '{}' })",
            "expected the value of \"X-A\" as a literal, found \"sign(…)\"",
        ),
        ("fetch('http://h/a', { method: 'POST', body: payload })", "expected the body as a literal, found \"payload\""),
        (
            "fetch('http://h/a', { method: 'POST', body: `{\"a\":${b}}` })",
            "expected the body as a literal, found \"b\"",
        ),
        ("fetch('http://h/a', { method: 'POST', body: { a: 1 } })", "`[object Object]`"),
        ("axios.post('http://h/a', { ...defaults, a: 1 })", "expected the body as a literal, found an expression"),
        ("requests.post('http://h/a', data=f'{a}')", "found \"a\""),
        ("requests.post('http://h/a', files={'a': b'c'})", "found a multipart form"),
        ("httpx.post('http://h/a', json={})", "expected the body as text: what this library makes of `json=`"),
        ("requests.post(url, data='a')", "expected the URL as a literal, found \"url\""),
        ("requests.post('http://h/a', data='a'", "expected a call that ends"),
    ] {
        let error = error(text);
        assert!(error.contains(what), "{text}: {error}");
    }
}

#[test]
fn a_variable_may_be_set_from_itself() {
    for (text, body) in [
        ("a = '{}'\na = a.encode('utf-8')\nrequests.post('http://h/a', data=a)", "{}"),
        ("a = ' b '\na = a.strip()\nrequests.post('http://h/a', data=a)", "b"),
        ("a = 'b'\na = str(a)\nrequests.post('http://h/a', data=a)", "b"),
        ("a = {'b': 1}\na = {'x': a}\nrequests.post('http://h/a', json=a)", "{\"x\": {\"b\": 1}}"),
        ("a = ['b']\na = [a]\nrequests.post('http://h/a', json=a)", "[[\"b\"]]"),
        ("a = {'b': 1}\na = json.dumps(a)\nrequests.post('http://h/a', data=a)", "{\"b\": 1}"),
        ("a = 'b'\na = a + 'c'\nrequests.post('http://h/a', data=a)", "bc"),
        ("a = 'b'\nc = a\na = 'd'\nrequests.post('http://h/a', data=c)", "b"),
        ("requests.post('http://h/a', data=' b '.strip())", "b"),
        ("requests.post('http://h/a', data=b' b '.strip())", "b"),
        ("fetch('http://h/a', { method: 'POST', body: ' b '.trim() })", "b"),
        ("a = {'b': 1}\na.update({'b': 2, 'c': 3})\nrequests.post('http://h/a', json=a)", "{\"b\": 2, \"c\": 3}"),
        ("a = 'b'\n'''\na = 'c'\n'''\nrequests.post('http://h/a', data=a)", "b"),
        ("let a = 'b';\n/*\na = 'c';\n*/\nfetch('http://h/a', { method: 'POST', body: a })", "b"),
        ("let a = {};\na.b = 1;\na['b'] = 2;\naxios.post('http://h/a', a)", "{\"b\":2}"),
    ] {
        assert_eq!(read(text).2, body, "{text}");
    }
    let nested = format!(
        "requests.get('http://h')\na = 'b'\n{}requests.post('http://h/a', json=a)",
        "a = [a]\n".repeat(100_000)
    );
    assert!(error(&nested).contains("found \"a\""));
    assert!(error("a = [a]\nrequests.post('http://h/a', json=a)").contains("found \"a\""));
}

#[test]
fn a_variable_that_code_changes_is_an_error() {
    for change in [
        "a += '\\n'",
        "a |= {'b': 2}",
        "a.update(c)",
        "a.update({'b': 2}, c=3)",
        "a.update(c=3)",
        "a.append(2)",
        "a.pop()",
        "a++",
        "del a['b']",
        "delete a.b",
        "a['b'] += 1",
        "a['b']['c'] = 1",
        "a[b] = 1",
        "a.b.push(1)",
        "a, b = c()",
        "a = requests.post('http://h/b')",
    ] {
        let error =
            error(&format!("requests.get('http://h')\na = {{'b': 1}}\n{change}\nrequests.post('http://h/a', json=a)"));
        assert!(error.contains("found \"a\""), "{change}: {error}");
    }
    // What holds the object is changed, too.
    for text in [
        "h = {}\no = {'method': 'POST', 'headers': h}\nh['x'] = 'y'\nfetch('http://h/a', o)",
        "h = {}\no = h\nh['x'] = 'y'\naxios.post('http://h/a', o)",
        "o = {}\nh = o\nh.push(1)\naxios.post('http://h/a', o)",
    ] {
        let (entries, _) = collected(text);
        assert!(matches!(&entries[..], [Err(_)]), "{text}: {entries:?}");
    }
}

#[test]
fn expressions_of_any_depth_are_read_without_recursion() {
    for value in ["await ".repeat(1_000_000) + "a", "'x'".to_owned() + &".trim()".repeat(300_000), "[".repeat(300_000)]
    {
        let (entries, _) = collected(&format!("fetch('http://h/a', {{ method: 'POST', body: {value} }})"));
        assert!(matches!(&entries[..], [Err(_)]), "{}", value.len());
    }
}

#[test]
fn errors_show_no_secrets() {
    for text in [
        "fetch('http://h/a', { method: 'POST', body: 'x', headers: { 'Authorization': 'Bearer sk_live', ...h } })",
        "requests.post('http://h/a', data='x', headers={'Authorization': 'Bearer sk_live %s' % x})",
        "requests.post('http://h/a', data='x', headers='sk_live')",
        "requests.post('http://h/a', data='x', auth=('u', pw('sk_live') % 3))",
        "requests.post('http://h/a', data='x', auth='sk_live')",
    ] {
        let error = error(text);
        assert!(!error.contains("sk_live"), "{error}");
    }
}

#[test]
fn credentials_and_queries_are_sent_as_the_library_does() {
    // The credentials of RFC 7617, section 2.
    let basic = "authorization: Basic QWxhZGRpbjpvcGVuIHNlc2FtZQ==\n";
    for text in [
        "requests.post('http://h/a', data='x', auth=('Aladdin', 'open sesame'))",
        "axios.post('http://h/a', 'x', { auth: { username: 'Aladdin', password: 'open sesame' } })",
        "got.post('http://h/a', { body: 'x', username: 'Aladdin', password: 'open sesame' })",
    ] {
        assert!(read(text).1.starts_with(basic), "{text}");
    }
    assert!(error("requests.post('http://h/a', data='x', auth=Digest('a', 'b'))").contains("found \"Digest(…)\""));
    assert_eq!(read("got.post('http://h/a', { body: 'x', searchParams: { a: 'b~*' } })").0, "POST http://h/a?a=b%7E*");
    assert_eq!(read("requests.post('http://h/a', data='x', params={'a': 'b~*'})").0, "POST http://h/a?a=b~%2A");
    assert_eq!(read("axios.post('http://h/a', 'x', { params: { a: 'b c' } })").0, "POST http://h/a?a=b+c");
    assert!(error("axios.post('http://h/a', 'x', { params: { a: 'b:c' } })").contains("expected the query in the URL"));
}

#[test]
fn calls_that_deliver_nothing_hide_no_others() {
    let (entries, notes) = collected(
        "requests.get('http://h/a')\n# requests.post('http://h/b', data='b')\nrequests.post('http://h/c', data='c')\nrequests.post(x)\n",
    );
    assert_eq!(entries[0].as_ref().map(|entry| (&*entry.request.target, entry.line)), Ok(("/c", Some(3))));
    assert_eq!((entries.len(), notes.len()), (2, 1));
}

#[test]
fn other_text_is_no_call() {
    for text in [
        "// fetch('http://h')\n",
        "see requests.post(url)\n",
        "def fetch(url):\n    pass\n",
        "prefetch(a)\n",
        "a.fetch('b')\n",
        "session.get(User, id)\n",
        "await session.delete(user)\n",
        "client.get('key')\n",
        "http.get(url, (res) => {})\n",
        "new Hono().post('/hook', handler)\n",
        "express()\n  .post('/hook', (req, res) => { res.send('ok') })\n",
    ] {
        assert!(crate::store::formats::sniff(text.as_bytes()).is_none(), "{text}");
    }
}

#[test]
fn statements_without_an_end_take_linear_time() {
    for statement in ["a = `(\n", "a[(x\n"] {
        let text = "fetch('http://h/a')\n".to_owned() + &statement.repeat(20_000);
        let last = collected(&text).0.pop();
        assert!(matches!(&last, Some(Err(error)) if error.contains("was not read")), "{statement}: {last:?}");
    }
}

#[test]
fn many_statements_on_a_line_take_linear_time() {
    for statement in ["f(1);", "a=1;", "a;", "let a:b;", "a.b(c);"] {
        let text = format!(
            "fetch('http://h/a');\n{}fetch('http://h/a', {{ method: 'POST', body: '{{}}' }});\n",
            statement.repeat(200_000)
        );
        let (entries, _) = collected(&text);
        let lines: Vec<_> = entries.iter().map(|entry| entry.as_ref().map(|entry| entry.line)).collect();
        assert_eq!(lines, [Ok(Some(2))], "{statement}");
    }
}

#[test]
fn a_large_value_that_is_used_often_is_an_error() {
    let text = format!(
        "requests.get('http://h/a')\na = '{}'\n{}",
        "x".repeat(1 << 20),
        "requests.post('http://h/a', data=a)\n".repeat(100)
    );
    let (entries, _) = collected(&text);
    assert_eq!((entries.len(), entries.iter().filter(|entry| entry.is_ok()).count()), (100, 63));
}

/// As supertest 7 on Node 22 sends them.
#[test]
fn a_request_of_superagent_is_read_with_the_methods_that_are_called_on_it() {
    let json = "content-type: application/json\n";
    for (text, headers, body) in [
        (
            "await request(s).post('/a').set('X-A', 'b').send('{\"n\": 1.0}');",
            "X-A: b\ncontent-type: application/x-www-form-urlencoded\n",
            "{\"n\": 1.0}",
        ),
        (
            "  const res = await request(app)\n    .post('/a')\n    .set({ 'X-A': 'b' })\n    .type('json')\n    .send('{\"n\": 1.0}')\n    .expect(200);\n",
            "X-A: b\ncontent-type: application/json\n",
            "{\"n\": 1.0}",
        ),
        (
            "superagent.post('/a').set('X-A', 'b').send({ n: 1.0, t: '\u{e9}' })",
            "X-A: b\ncontent-type: application/json\n",
            "{\"n\":1,\"t\":\"\u{e9}\"}",
        ),
        (
            "request(app).post('/a').set('content-type', 'application/json').send(JSON.stringify({ n: [1, 2] }));",
            json,
            "{\"n\":[1,2]}",
        ),
    ] {
        let (_, found, sent) = read(text);
        assert_eq!((found.as_str(), sent.as_str()), (headers, body), "{text}");
    }
    assert_eq!(
        read("request(app).post('/a').accept('json').send('{}').timeout(9).expect(200)").1,
        "accept: application/json\ncontent-type: application/x-www-form-urlencoded\n"
    );
    for (methods, what) in [
        (".send({ a: 1 }).send({ b: 2 })", "a body in one `.send(…)`, found several"),
        (".auth('u', 'p').send('{}')", "a request without `.auth(…)`"),
        (".send({ a: 1 }).serialize(f)", "a request without `.serialize(…)`"),
        (".type(kind).send('{}')", "the media type as a literal, found \"kind\""),
        (".type('xml').send('<a/>')", "a whole media type, found \"xml\""),
    ] {
        let error = error(&format!("request(app).post('/a'){methods}"));
        assert!(error.contains(what), "{methods}: {error}");
    }
    assert!(error("request(app).post('/a').attach('f', 'a.png')").contains("found a multipart form"));
    assert!(error("request(app).post('/a').query({ a: 1 }).send('{}')").contains("the query in the URL"));
}

/// As the test clients of Flask 3.1 and Django 5.2 send them.
#[test]
fn the_calls_of_test_clients_are_read() {
    for text in [
        "res = client.post('/a', data='{\"n\": 1.0}', content_type='application/json', headers={'X-A': 'b'})",
        "response = self.client.post('/a', '{\"n\": 1.0}', content_type='application/json', HTTP_X_A='b')",
        "client.post('/a', content=b'{\"n\": 1.0}', headers={'X-A': 'b', 'Content-Type': 'application/json'})",
        // k6
        "http.post('/a', '{\"n\": 1.0}', { headers: { 'X-A': 'b', 'Content-Type': 'application/json' } });",
    ] {
        let (_, headers, body) = read(text);
        let mut headers: Vec<_> = headers.lines().map(str::to_ascii_lowercase).collect();
        headers.sort();
        assert_eq!(headers, ["content-type: application/json", "x-a: b"], "{text}");
        assert_eq!(body, "{\"n\": 1.0}", "{text}");
    }
    for text in ["client.post('/a', data={'n': 1}, headers={'X-A': 'b'})", "client.post('/a', json={'n': 1})"] {
        assert!(error(text).contains("expected the body as text"), "{text}");
    }
}

#[test]
fn statements_on_one_line_are_read_in_order() {
    let headers = "{ 'x-a': 'b' }";
    let script = format!(
        "const headers = {headers}; const body = 'a;b'; await fetch('http://h/a', {{ method: 'POST', headers, body }});"
    );
    assert_eq!(read(&script).2, "a;b");
    let script = "import requests; h = {'X-A': 'b'}; body = '{}'\nr = requests.post('http://h/a', headers=h, data=body); print(r.text)\n";
    assert_eq!(read(script).1, "X-A: b\n");
    let call =
        |body: &str| format!("fetch('http://h/a', {{ method: 'POST', body: '{body}' }}).then((r) => r.text()); ");
    let (entries, _) = collected(&format!("{}{}\n{}", call("1"), call("2"), call("3")));
    let read: Vec<_> =
        entries.iter().map(|entry| entry.as_ref().map(|entry| (entry.line, &entry.request.body[..]))).collect();
    assert_eq!(read, [Ok((Some(1), &b"1"[..])), Ok((Some(1), b"2")), Ok((Some(2), b"3"))]);
}
