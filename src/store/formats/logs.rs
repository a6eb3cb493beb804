//! Logs whose messages contain captured requests as text: records from Docker, journald, Splunk and others,
//! `CloudWatch`'s events and query results, Loki's responses, Cloudflare's events. The request inside is read in its
//! own format.

use std::borrow::Cow;

use serde::{Deserialize, de::IgnoredAny};
use serde_json::value::RawValue;

use super::{
    Collected, EntryFault, EntryReader, Format, GzipBudget, Input,
    envelope::{DataMessage, Envelopes, Requests, encoded, unwrap, unwrap_as},
    keys::Outline,
    parts::{ParseError, Text, expected},
    position::Start,
    sniff, whole,
};
use crate::webhook::json;

/// A log record whose message is a captured request as text, from Docker, journald, Google Cloud, Loki, Splunk or
/// Logstash.
pub(super) static LOG_RECORDS: Envelopes = Envelopes {
    name: "log records",
    matches: |outline| {
        [&["log", "stream"][..], &["labels", "line"], &["@timestamp", "message"], &["@message"]]
            .iter()
            .any(|keys| outline.has_all("", keys))
            || ["MESSAGE", "textPayload", "_raw"].iter().any(|key| outline.has_all("", &[key]))
    },
    array: &[],
    parse: log_record,
};

/// The events of `CloudWatch`, as `aws logs get-log-events` prints them.
pub(super) static CLOUDWATCH: Envelopes = Envelopes {
    name: "CloudWatch's log events",
    matches: |outline| outline.has_all("events[].", &["message", "timestamp"]),
    array: &["events"],
    parse: log_record,
};

/// The events of `CloudWatch`, as a subscription receives them.
pub(super) static CLOUDWATCH_SUBSCRIPTION: Envelopes = Envelopes {
    name: "CloudWatch subscription log events",
    matches: |outline| outline.has_all("logEvents[].", &["message", "timestamp"]),
    array: &["logEvents"],
    parse: log_record,
};

/// The same, compressed, as AWS Lambda receives it.
pub(super) static CLOUDWATCH_DATA: Envelopes = Envelopes {
    name: "a CloudWatch Logs event",
    matches: |outline| outline.has_all("awslogs.", &["data"]),
    array: &[],
    parse: |json, gzip| {
        let LogsEvent { awslogs: DataMessage { data: Text(data) } } = serde_json::from_str(json)?;
        unwrap(&encoded("awslogs.data", &data, gzip)?, "a CloudWatch Logs event", gzip)
    },
};

/// The events of Cloudflare's Workers, as `wrangler tail --format json` prints them: each log has the arguments of a
/// `console.log`.
pub(super) static WRANGLER: Envelopes = Envelopes {
    name: "wrangler's events",
    matches: |outline| outline.has_all("logs[].", &["message", "level"]) && outline.has_all("", &["outcome"]),
    array: &["logs"],
    parse: |json, gzip| {
        let WranglerLog { message } = serde_json::from_str(json)?;
        let text =
            |value: &&RawValue| serde_json::from_str::<String>(value.get()).unwrap_or_else(|_| value.get().to_owned());
        let texts: Vec<String> = message.iter().map(text).collect();
        in_log(&texts.join(" "), gzip)
    },
};

/// The rows of `CloudWatch Logs Insights`, as `aws logs get-query-results` prints them: each is a list of fields.
pub(super) struct Insights;

impl Format for Insights {
    fn name(&self) -> &'static str {
        "a result of CloudWatch Logs Insights"
    }

    fn recognises(&self, head: &[u8]) -> bool {
        Outline::new(head).has_all("results[][].", &["field", "value"])
    }

    fn read<'a>(&self, input: Input<'a>, gzip: &mut GzipBudget) -> Result<Box<dyn EntryReader + 'a>, EntryFault> {
        let input = whole(input)?;
        gzip.start(input.len());
        let Rows { results } = json_of(&input)?;
        let cells = results.iter().flatten().filter(|cell| cell.field.0 == "@message");
        Ok(Box::new(logged(cells.map(|cell| &*cell.value.0), gzip)))
    }
}

/// The streams that Loki's API returns, each with the times and lines of a log.
pub(super) struct Loki;

impl Format for Loki {
    fn name(&self) -> &'static str {
        "a response of Loki's API"
    }

    fn recognises(&self, head: &[u8]) -> bool {
        Outline::new(head).has_all("data.", &["resultType", "result"])
    }

    fn read<'a>(&self, input: Input<'a>, gzip: &mut GzipBudget) -> Result<Box<dyn EntryReader + 'a>, EntryFault> {
        let input = whole(input)?;
        gzip.start(input.len());
        let LokiResponse { data } = json_of(&input)?;
        let lines = data.result.iter().flat_map(|stream| &stream.values);
        Ok(Box::new(logged(lines.map(|LokiLine(_, Text(line), _)| &**line), gzip)))
    }
}

fn json_of<'i, T: Deserialize<'i>>(input: &'i [u8]) -> Result<T, EntryFault> {
    serde_json::from_slice(input).map_err(|error| EntryFault::at(Start::of_line(1), error.into()))
}

/// The requests in the lines of a log.
fn logged<'l>(lines: impl Iterator<Item = &'l str>, gzip: &mut GzipBudget) -> Collected {
    let mut collected = Collected::default();
    for line in lines {
        collected.extend(Start::of_line(1), in_log(line, gzip));
    }
    collected
}

/// The keys of a log's message.
const MESSAGES: [&str; 7] = ["message", "log", "MESSAGE", "textPayload", "line", "_raw", "@message"];

/// Reads the requests in a log's message, which usually has none.
fn log_record(json: &str, gzip: &mut GzipBudget) -> Result<Requests, ParseError> {
    serde_json::from_str::<serde::de::IgnoredAny>(json)?;
    let record = json::parse(json).map_err(|error| expected(error.to_string()))?;
    let mut messages = MESSAGES.iter().filter_map(|key| record.member(key)?.text());
    let is_captured = |message: &Cow<'_, str>| message.contains('{') && sniff(message.as_bytes()).is_some();
    messages.find(is_captured).map_or(Ok(Vec::new()), |message| in_log(&message, gzip))
}

fn in_log(line: &str, gzip: &mut GzipBudget) -> Result<Requests, ParseError> {
    let format = sniff(line.as_bytes()).filter(|_| line.contains('{'));
    format.map_or(Ok(Vec::new()), |format| unwrap_as(Some(format), line.as_bytes(), "a log record", gzip))
}

#[derive(Deserialize)]
#[serde(expecting = "an object with `results`")]
struct Rows<'a> {
    #[serde(borrow)]
    results: Vec<Vec<Cell<'a>>>,
}

#[derive(Deserialize)]
#[serde(expecting = "a field of a row")]
struct Cell<'a> {
    #[serde(borrow)]
    field: Text<'a>,
    #[serde(borrow)]
    value: Text<'a>,
}

#[derive(Deserialize)]
#[serde(expecting = "an object with `data`")]
struct LokiResponse<'a> {
    #[serde(borrow)]
    data: Streams<'a>,
}

#[derive(Deserialize)]
#[serde(expecting = "an object with `result`")]
struct Streams<'a> {
    #[serde(borrow)]
    result: Vec<LokiStream<'a>>,
}

#[derive(Deserialize)]
#[serde(expecting = "a stream, an object with `values`")]
struct LokiStream<'a> {
    #[serde(borrow)]
    values: Vec<LokiLine<'a>>,
}

/// A time and a line, and in newer versions labels.
#[derive(Deserialize)]
#[serde(expecting = "a time and a line")]
struct LokiLine<'a>(IgnoredAny, #[serde(borrow)] Text<'a>, #[serde(default)] IgnoredAny);

#[derive(Deserialize)]
#[serde(expecting = "a log, an object with `message`")]
struct WranglerLog<'a> {
    #[serde(borrow)]
    message: Vec<&'a RawValue>,
}

#[derive(Deserialize)]
#[serde(expecting = "an object with `awslogs`")]
struct LogsEvent<'a> {
    #[serde(borrow)]
    awslogs: DataMessage<'a>,
}

#[cfg(test)]
mod tests {
    use super::super::tests::{collected, fields};
    use crate::webhook::json::quote;

    const REQUEST: &str = r#"{"headers":{"x":"y"},"rawBody":"{\"a\":1}"}"#;

    #[test]
    fn the_results_of_queries_are_read_line_by_line() {
        let line = quote(REQUEST);
        for results in [
            format!(r#"{{"results":[[{{"field":"@ptr","value":"p"}},{{"field":"@message","value":{line}}}]]}}"#),
            format!(
                r#"{{"status":"success","data":{{"resultType":"streams","result":[{{"stream":{{}},"values":[["1",{line}]]}}]}}}}"#
            ),
        ] {
            let (entries, notes) = collected(&results);
            let [Ok(entry)] = &entries[..] else { panic!("{results}: {entries:?}") };
            assert_eq!(fields(&entry.request), "x: y\n");
            assert_eq!(notes, Vec::<String>::new());
        }
    }

    /// As a function that `CloudWatch` subscribes receives it; compressed with `gzip -n`.
    #[test]
    fn the_compressed_events_of_a_subscription_are_read() {
        let data = "H4sIAAAAAAACAy2OQWvDMAyF/0rRuV1sh644t4ylZYduh+S0qRR3cVtDEgfbXRZC/vusriAk9L73kCZotffqoqux15At4DWv8uO+KMt8V8ByAXbotCPAaWvsZefsrSchUYNPGtWeapVcH7AMTquWqCfF307+25k+GNttTRO085F9wRkO//7iR3fhrk1gasqllAsmfhVUS3f4Rq6lTDdMcJFG9viXvIKJ5xXnKyErkWaMxXpijH1ikGeO4e19+4FhQrhqVcfTCFlcfuNAGBHmJYJTw4utx7s0ISIoahmfI8YO5sP8B56xeSchAQAA";
        let (entries, _) = collected(&format!(r#"{{"awslogs":{{"data":"{data}"}}}}"#));
        let [Ok(entry)] = &entries[..] else { panic!("{entries:?}") };
        assert_eq!((fields(&entry.request), &entry.request.body[..]), ("x: y\n".to_owned(), &b"{\"a\":1}"[..]));
        let (entries, _) = collected(&format!(r#"{{"awslogs":{{"data":"{}"}}}}"#, &data[..40]));
        assert!(entries[0].as_ref().unwrap_err().contains("gzip in `awslogs.data`"), "{entries:?}");
    }

    #[test]
    fn what_a_worker_logs_is_read_from_its_events() {
        let request = r#""event":{"request":{"url":"https://h/a","method":"POST","headers":{"x":"y"}}}"#;
        for message in [
            format!("[{}]", quote(REQUEST)),
            format!("[{REQUEST}]"),
            r#"["headers",{"host":"h","x-a":"b"},"body","{\"a\":1}"]"#.to_owned(),
        ] {
            let event = format!(
                r#"{{"outcome":"ok","logs":[{{"message":["hi"],"level":"log"}},{{"message":{message},"level":"log"}}],{request}}}"#
            );
            let (entries, _) = collected(&event);
            let bodies: Vec<_> =
                entries.iter().map(|entry| entry.as_ref().map(|entry| &entry.request.body[..])).collect();
            assert_eq!(bodies, [Ok(&b"{\"a\":1}"[..])], "{event}");
        }
    }

    #[test]
    fn the_requests_in_the_records_of_a_log_are_read() {
        let line = format!("2026-01-01T00:00:00Z INFO {REQUEST}\n");
        let text = serde_json::to_string(&line).unwrap();
        let docker = |text: &str| format!(r#"{{"log":{text},"stream":"stdout","time":"2026-01-01T00:00:00Z"}}"#);
        for json in [
            format!("{}\n{}\n", docker(r#""server up\n""#), docker(&text)),
            format!(r#"{{"MESSAGE":{text},"_SYSTEMD_UNIT":"hooks.service"}}"#),
            format!(r#"{{"textPayload":{text},"timestamp":"2026-01-01T00:00:00Z"}}"#),
            format!(r#"{{"labels":{{"app":"a"}},"line":{text},"timestamp":"2026-01-01T00:00:00Z"}}"#),
            format!(r#"{{"@timestamp":"2026-01-01T00:00:00Z","level":"INFO","message":{text}}}"#),
            format!(r#"{{"preview":false,"offset":0,"_raw":{text}}}"#),
            format!(
                r#"{{"events":[{{"timestamp":1,"message":"START"}},{{"timestamp":1,"message":{text}}}],"nextForwardToken":"f"}}"#
            ),
        ] {
            let (entries, _) = collected(&json);
            let [Ok(entry)] = &entries[..] else { panic!("{json}: {entries:?}") };
            assert_eq!((fields(&entry.request), &entry.request.body[..]), ("x: y\n".to_owned(), &b"{\"a\":1}"[..]));
            assert_eq!(entry.notes, ["unwrapped from a log record"]);
        }
    }
}
