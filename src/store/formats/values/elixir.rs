//! Values as Elixir's `inspect` writes them: `%{"a" => "b"}`, `[{"a", "b"}]`, `%Plug.Conn{…}`.

use super::{
    literal::{self, Literal},
    scan::{take, take_until, take_while},
};

/// How deeply values may be nested.
const MAX_DEPTH: usize = 16;

/// How many lines are searched for a map or headers.
const MAX_LINES: usize = 64;

/// How many places in these lines are tried.
const MAX_PLACES: usize = 16;

/// The first map or list of pairs in a text, the text before it, and the rest. A `Plug.Conn` becomes the request that
/// it holds.
pub(in crate::store::formats) fn value(text: &str) -> Option<(Literal, &str, &str)> {
    let end = text.match_indices('\n').nth(MAX_LINES).map_or(text.len(), |(at, _)| at);
    let is_start = |at: &usize| {
        let rest = &text[*at..];
        rest.starts_with("[{\"") || rest.starts_with("[\n  {\"") || name_end(rest).is_some()
    };
    let starts = text[..end].match_indices(['%', '[']).map(|(at, _)| at).filter(is_start);
    starts.take(MAX_PLACES).find_map(|at| {
        let mut parser = ElixirParser { rest: &text[at..] };
        let value = parser.value(MAX_DEPTH)?;
        Some((request(&value).unwrap_or(value), &text[..at], parser.rest))
    })
}

/// The end of a map's or struct's name, which is at its brace.
fn name_end(text: &str) -> Option<usize> {
    let name = text.strip_prefix('%')?;
    let end = name.find(|c: char| !(c.is_ascii_alphanumeric() || c == '.' || c == '_'))?;
    name[end..].starts_with('{').then_some(1 + end)
}

/// The keys under which applications keep the raw body, by convention.
const BODIES: [&str; 4] = ["raw_body", "rawbody", "raw_payload", "request_body"];

/// The request of a `Plug.Conn`. Its raw body is in `assigns` or `private` if the application keeps it there.
fn request(conn: &Literal) -> Option<Literal> {
    let headers = conn.member("req_headers")?.clone();
    let text = |key| conn.member(key).and_then(Literal::text).unwrap_or_default();
    let query = text("query_string");
    let separator = if query.is_empty() { "" } else { "?" };
    let target = format!("{}{separator}{query}", text("request_path"));
    let kept = ["assigns", "private"].iter().filter_map(|key| conn.member(key));
    let body = kept.flat_map(|kept| BODIES.iter().filter_map(|key| kept.member(key))).next();
    Some(Literal::Object(vec![
        ("method".to_owned(), Literal::Text(text("method").to_owned())),
        ("target".to_owned(), Literal::Text(target)),
        ("headers".to_owned(), headers),
        ("raw_body".to_owned(), body.map_or(Literal::Lost, joined)),
    ]))
}

/// A body kept in chunks, the last one first, as in Plug's documentation.
fn joined(body: &Literal) -> Literal {
    let Literal::List(chunks) = body else { return body.clone() };
    let texts = chunks.iter().rev().map(Literal::text).collect::<Option<String>>();
    texts.map_or_else(|| body.clone(), Literal::Text)
}

struct ElixirParser<'t> {
    rest: &'t str,
}

impl ElixirParser<'_> {
    fn value(&mut self, depth: usize) -> Option<Literal> {
        let depth = depth.checked_sub(1)?;
        if let Some(end) = name_end(self.rest) {
            self.rest = &self.rest[end..];
            return Some(Literal::Object(self.members("}", depth)?.into_iter().filter_map(pair).collect()));
        }
        if self.rest.starts_with('"') {
            let (value, rest) = literal::value(self.rest)?;
            self.rest = rest.strip_prefix(" <> ...").unwrap_or(rest);
            return Some(value);
        }
        if take(&mut self.rest, "<<") {
            let inside = take_until(&mut self.rest, ">>")?;
            let bytes: Option<Vec<u8>> = inside.split(',').map(|byte| byte.trim().parse::<u8>().ok()).collect();
            return Some(bytes.map_or(Literal::Lost, Literal::Bytes));
        }
        match self.rest.chars().next()? {
            '[' => Some(Literal::List(self.members("]", depth)?)),
            '{' => Some(Literal::List(self.members("}", depth)?)),
            // `#PID<0.96.0>`, `~D[2026-01-01]`, `#Reference<…>`
            '#' => take_until(&mut self.rest, ">").map(|_| Literal::Lost),
            '~' => take_until(&mut self.rest, "]").map(|_| Literal::Lost),
            '&' => {
                take_while(&mut self.rest, |c| !",]}\n".contains(c));
                Some(Literal::Lost)
            }
            _ => {
                let is_quoted = self.rest.starts_with(":\"");
                take(&mut self.rest, ":");
                if is_quoted {
                    return self.value(depth);
                }
                let word = take_while(&mut self.rest, |c| c.is_alphanumeric() || "_.?!@+-".contains(c));
                (!word.is_empty()).then(|| Literal::Word(word.to_owned()))
            }
        }
    }

    /// The items up to the closing bracket. Those with a key, `a: 1` or `"a" => 1`, become pairs.
    fn members(&mut self, end: &str, depth: usize) -> Option<Vec<Literal>> {
        let mut items = Vec::new();
        self.rest = &self.rest[1..];
        loop {
            take_while(&mut self.rest, |c| c.is_whitespace() || c == ',');
            if take(&mut self.rest, end) {
                return Some(items);
            }
            let key = self.value(depth)?;
            let has_value = take(&mut self.rest, ": ")
                || take(&mut self.rest, ":\n")
                || take(&mut self.rest, " => ")
                || take(&mut self.rest, " =>\n");
            if !has_value {
                items.push(key);
                continue;
            }
            take_while(&mut self.rest, char::is_whitespace);
            items.push(Literal::List(vec![key, self.value(depth)?]));
        }
    }
}

/// The key of a pair as text, and its value.
fn pair(item: Literal) -> Option<(String, Literal)> {
    let Literal::List(pair) = item else { return None };
    let [Literal::Text(key) | Literal::Word(key), value] = <[Literal; 2]>::try_from(pair).ok()? else { return None };
    Some((key, value))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn json(text: &str) -> Option<String> {
        value(text).map(|(value, ..)| value.json())
    }

    /// As Elixir 1.14 prints them.
    #[test]
    fn values_are_read_as_inspect_prints_them() {
        for (printed, expected) in [
            (r#"%{"a" => "b", "c-d" => ["e"]}"#, r#"{"a":"b","c-d":["e"]}"#),
            (r#"[info] headers: [{"a", "b"}, {"c", "d"}]"#, r#"[["a","b"],["c","d"]]"#),
            (
                "%{\n  d: ~D[2026-01-01],\n  f: &String.length/1,\n  k: [a: 1],\n  m: :post,\n  mod: String.Chars,\n  n: nil,\n  q: :\"a-b\",\n  r: #Reference<0.1589110099.2636906498.254742>,\n  self: #PID<0.96.0>,\n  t: {127, 0, 0, 1}\n}",
                r#"{"d":{"lost":true},"f":{"lost":true},"k":[["a",1]],"m":"post","mod":"String.Chars","n":null,"q":"a-b","r":{"lost":true},"self":{"lost":true},"t":[127,0,0,1]}"#,
            ),
            (r#"%{b: "é \"q\" \#{x}\e"}"#, r#"{"b":"é \"q\" #{x}\u001b"}"#),
            ("%{b: <<255, 1, 123,\n  32>>}", r#"{"b":{"type":"Buffer","data":[255,1,123,32]}}"#),
            (r#"%{b: "aaa" <> ...}"#, r#"{"b":{"lost":true}}"#),
        ] {
            assert_eq!(json(printed).as_deref(), Some(expected), "{printed}");
        }
        for text in ["", "100%", "%d{", "%{", "%{a}", "[{\"a\"", "%{\"a\" => }", "50% [a](b)"] {
            assert!(json(text).is_none_or(|found| found == "{}"), "{text}: {:?}", json(text));
        }
        assert_eq!(json(&"%{a: ".repeat(100_000)), None);
    }

    #[test]
    fn a_conn_is_the_request_that_it_holds() {
        let conn = |assigns: &str| {
            format!(
                "%Plug.Conn{{\n  adapter: {{Bandit.Adapter, :...}},\n  assigns: %{{{assigns}}},\n  body_params: %Plug.Conn.Unfetched{{aspect: :body_params}},\n  method: \"POST\",\n  owner: #PID<0.512.0>,\n  query_string: \"x=1\",\n  req_headers: [{{\"a\", \"b\"}}],\n  request_path: \"/hook\"\n}}"
            )
        };
        let request =
            |body: &str| format!(r#"{{"method":"POST","target":"/hook?x=1","headers":[["a","b"]],"raw_body":{body}}}"#);
        assert_eq!(json(&conn(r#"raw_body: "{}""#)), Some(request("\"{}\"")));
        assert_eq!(json(&conn(r#"raw_body: ["}", "{"]"#)), Some(request("\"{}\"")));
        assert_eq!(json(&conn("")), Some(request(r#"{"lost":true}"#)));
    }
}
