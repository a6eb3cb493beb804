//! Calls of a client with options of its own.

use super::{error, read};
use crate::store::formats::tests::{collected, fields};

#[test]
fn a_call_of_a_client_has_the_clients_headers() {
    let headers = "x-a: b\nx-c: d\n";
    for text in [
        "import requests\ns = requests.Session()\ns.headers.update({'x-a': 'b'})\nr = s.post('http://h/a', data='{}', headers={'x-c': 'd'})\n",
        "import requests\ns = requests.Session()\ns.headers['x-a'] = 'b'\ns.headers[\"x-c\"] = 'old'\ns.post('http://h/a', data='{}', headers={'X-C': 'd'})\n",
        "with requests.Session() as s:\n    s.headers = {'x-a': 'b', 'x-c': 'd'}\n    s.post('http://h/a', data='{}')\n",
        "from requests import Session\nhook = Session()\nhook.post('http://h/a', data=b'{}', headers={'x-a': 'b', 'x-c': 'd'})\n",
        "import httpx\nclient = httpx.Client(headers={'x-a': 'b'}, timeout=5)\nclient.post('http://h/a', content='{}', headers={'x-c': 'd'})\n",
        "async with httpx.AsyncClient(base_url='http://h') as c:\n    await c.post('/a', headers={'x-a': 'b', 'x-c': 'd'}, content='{}')\n",
        "async with aiohttp.ClientSession(headers={'x-a': 'b'}) as session:\n    async with session.post('http://h/a', data='{}', headers={'x-c': 'd'}) as r:\n        pass\n",
    ] {
        let (line, fields, body) = read(text);
        let fields = fields.to_ascii_lowercase();
        assert_eq!((line.as_str(), fields.as_str(), body.as_str()), ("POST http://h/a", headers, "{}"), "{text}");
    }
    let axios = "const api = axios.create({ baseURL: 'http://h', headers: { 'x-a': 'b' } });\nawait api.post('/a', '{}', { headers: { 'content-type': 'application/json' } });\n";
    let (line, fields, body) = read(axios);
    assert_eq!(
        (line.as_str(), fields.as_str(), body.as_str()),
        ("POST http://h/a", "x-a: b\ncontent-type: application/json\n", "{}")
    );
}

/// As requests 2.34.2 sends them.
#[test]
fn a_call_has_the_headers_that_its_client_has_by_then() {
    for (text, sent) in [
        (
            "s = requests.Session()\ns.headers['X-Sig'] = 'a'\ns.post('http://h/1', data='1')\ns.headers['X-Sig'] = 'b'\ns.post('http://h/2', data='2')\n",
            &["X-Sig: a\n", "X-Sig: b\n"][..],
        ),
        (
            "def a():\n    s = requests.Session()\n    s.headers = {'X-Sig': 'a'}\n    s.post('http://h/1', data='1')\ndef b():\n    s = requests.Session()\n    s.headers = {'X-Sig': 'b'}\n    s.post('http://h/2', data='2')\na()\nb()\n",
            &["X-Sig: a\n", "X-Sig: b\n"],
        ),
        (
            "s = requests.Session()\ns.headers = {'X-Sig': 'a'}\ns.headers = {'X-B': 'b'}\ns.post('http://h/1', data='1')\n",
            &["X-B: b\n"],
        ),
        (
            "s = requests.Session()\n\"\"\"\ns.headers['X-Doc'] = 'in a docstring'\n\"\"\"\n# s.headers['X-Old'] = 'commented'\ns.post('http://h/1', data='1')\n",
            &[""],
        ),
        (
            "sig = 'a'\ns = requests.Session()\ns.headers['X-Sig'] = sig\nsig = 'b'\ns.post('http://h/1', data='1')\n",
            &["X-Sig: a\n"],
        ),
        (
            "h = {'X-Sig': 'a'}\ns = requests.Session()\ns.headers.update(h)\nh['X-Sig'] = 'b'\ns.post('http://h/1', data='1')\n",
            &["X-Sig: a\n"],
        ),
        (
            "s = requests.Session()\ns.headers['x-sig'] = 'a'\ns.headers.update({'X-Sig': 'b'})\ns.post('http://h/1', data='1')\n",
            &["X-Sig: b\n"],
        ),
        (
            "s = requests.Session()\ns.headers['X-Sig'] = 'a'\ns = requests.Session()\ns.post('http://h/1', data='1')\n",
            &[""],
        ),
        (
            "s = requests.Session(); s.headers['X-Sig'] = 'a'; s.verify = False; s.post('http://h/1', data='1'); s.headers.clear()\n",
            &["X-Sig: a\n"],
        ),
        (
            "class C:\n    def __init__(self):\n        self.session = requests.Session()\n        self.session.headers['X-Sig'] = 'a'\n    def go(self):\n        self.session.post('http://h/1', data='1')\nC().go()\n",
            &["X-Sig: a\n"],
        ),
    ] {
        let (entries, _) = collected(&format!("import requests\n{text}"));
        let headers: Vec<_> = entries.into_iter().map(|entry| fields(&entry.unwrap().request)).collect();
        assert_eq!(headers, sent, "{text}");
    }
}

#[test]
fn a_client_that_code_may_have_changed_is_an_error() {
    for (change, found) in [
        ("del s.headers['X-Sig']", "s.headers"),
        ("s.headers.setdefault('X-B', 'b')", "s.headers.setdefault"),
        ("s.headers.pop('X-Sig')", "s.headers.pop"),
        ("s.headers.update(**{'X-B': 'b'})", "s.headers"),
        ("s.headers.update(HEADERS)", "s.headers"),
        ("s.headers['X-B'] += 'b'", "s.headers"),
        ("s.headers[name] = 'b'", "s.headers"),
        ("h = s.headers", "s.headers"),
        ("if a:\n    s.headers['X-B'] = 'b'", "s.headers"),
        ("if a: s.headers['X-B'] = 'b'", "s.headers"),
        ("s.auth = ('u', 'p')", "s.auth"),
        ("change(s)", "s"),
        ("def send(s):", "s"),
        ("s = other()", "s"),
    ] {
        let text = format!(
            "s = requests.Session()\ns.headers['X-Sig'] = 'a'\n{change}\ns.post('http://h/1', data='1')\ns = requests.Session()\ns.post('http://h/2', data='2')\n"
        );
        let (entries, _) = collected(&text);
        let [Err(error), Ok(second)] = &entries[..] else { panic!("{text}: {entries:?}") };
        assert!(error.contains(&format!("found \"{found}\": hookdev runs no code")), "{error}");
        assert_eq!(fields(&second.request), "");
    }
    let many_clients = "s = requests.Session()\n".repeat(65) + "s.post('http://h/1', data='1')\n";
    let many_settings =
        format!("s = requests.Session()\n{}s.post('http://h/1', data='1')\n", "s.headers['a'] = 'b'\n".repeat(65));
    for (text, what) in [
        (
            "h = {}\ns = requests.Session()\ns.headers = h\nh['a'] = 'b'\ns.post('http://h/1', data='1')\n",
            "found \"s.headers\"",
        ),
        (
            "def f(s):\n    s.post('http://h/1', data='1')\ns = requests.Session()\n",
            "made before the call, found \"s\"",
        ),
        (
            "const api = axios.create({});\napi.defaults.headers.common['X-D'] = '3';\napi.post('http://h/1', '{}');\n",
            "found \"api.defaults.headers.common\"",
        ),
        (
            "const api = axios.create({ params: { a: 'b' } });\napi.post('http://h/1', '{}', { params: { c: 'd' } });\n",
            "a query in the client or in the call, found both",
        ),
        (&many_clients, "at most 64 clients before the call"),
        (&many_settings, "found \"s.headers\""),
    ] {
        let error = error(text);
        assert!(error.contains(what), "{text}: {error}");
    }
}

/// requests 2.34.2 sends `b`, `c` and, if the condition holds, `a`.
#[test]
fn a_call_that_may_run_after_the_code_below_it_is_an_error() {
    for (text, found) in [
        (
            "s = requests.Session()\ns.headers['x'] = 'a'\ndef f():\n    s.post('http://h/1', data='1')\ns.headers['x'] = 'b'\nf()\n",
            "s.headers",
        ),
        (
            "class C:\n    def __init__(self):\n        self.s = requests.Session()\n        self.s.headers['x'] = 'a'\n    def go(self):\n        self.s.post('http://h/1', data='1')\n    def upd(self):\n        self.s.headers['x'] = 'c'\nc = C(); c.upd(); c.go()\n",
            "self.s.headers",
        ),
        (
            "if a:\n    s = requests.Session()\n    s.headers['x'] = 'a'\nelse:\n    s = requests.Session()\n    s.headers['x'] = 'b'\ns.post('http://h/1', data='1')\n",
            "s.post",
        ),
    ] {
        let (entries, _) = collected(text);
        let [Err(error)] = &entries[..] else { panic!("{text}: {entries:?}") };
        assert!(error.contains(&format!("found \"{found}\": hookdev runs no code")), "{error}");
    }
    let set_before =
        "s = requests.Session()\ns.headers['x'] = 'a'\ndef f():\n    s.post('http://h/1', data='1')\nf()\n";
    assert_eq!(read(set_before).1, "x: a\n");
}

#[test]
fn an_asterisk_after_a_slash_of_a_media_type_or_pattern_opens_no_comment() {
    let call = "fetch('http://h/1', { method: 'POST', body: '1', headers: { accept: '*/*' } });\n";
    for before in ["Accept is */* here\n", "const re = /[/*]/;\n"] {
        let (entries, _) = collected(&format!("{before}{call}{call}"));
        assert_eq!(entries.iter().filter(|entry| entry.is_ok()).count(), 2, "{before}");
    }
}
