//! Messages of queues and buses that carry captured requests: SNS, SQS, `EventBridge`, Kinesis, Pub/Sub, `CloudEvents`
//! and Vercel's invocations. The request inside is read in its own format, and the entry has a note that says so.

use bytes::Bytes;
use serde::Deserialize;
use serde_json::value::RawValue;

use super::{
    Entry, EntryFault, EntryPiece, EntryReader, Format, GzipBudget, Input,
    document::collect_all,
    keys::Outline,
    parts::{self, ParseError, Text, expected, quoted},
    sniff, whole,
};
/// Documents with messages, each of which holds one request or several.
pub(super) struct Envelopes {
    /// See [`Format::name`].
    pub name: &'static str,
    /// Whether a document with these keys is in this format.
    pub matches: fn(&Outline) -> bool,
    /// The path of keys to the array that holds the messages.
    pub array: &'static [&'static str],
    /// The requests in a message.
    pub parse: fn(&str, &mut GzipBudget) -> Result<Requests, ParseError>,
}

/// The requests in a message; an unreadable one doesn't hide the others.
pub(super) type Requests = Vec<Result<Entry, ParseError>>;

impl Format for Envelopes {
    fn name(&self) -> &'static str {
        self.name
    }

    fn recognises(&self, head: &[u8]) -> bool {
        (self.matches)(&Outline::new(head))
    }

    fn read<'a>(&self, input: Input<'a>, gzip: &mut GzipBudget) -> Result<Box<dyn EntryReader + 'a>, EntryFault> {
        let input = whole(input)?;
        gzip.start(input.len());
        Ok(Box::new(collect_all(&input, self.array, |json| (self.parse)(json, gzip))))
    }
}

/// The records of SNS and SQS, as AWS Lambda receives them.
pub(super) static AWS_RECORDS: Envelopes = Envelopes {
    name: "an SNS or SQS event",
    matches: |outline| {
        outline.has_all("Records[].", &["Sns.Message"]) || outline.has_all("Records[].", &["body", "messageId"])
    },
    array: &["Records"],
    parse: |json, gzip| {
        let record: Record<'_> = serde_json::from_str(json)?;
        match (record.sns, record.body) {
            (Some(sns), _) => unwrap(sns.message.0.as_bytes(), "an SNS message", gzip),
            (None, Some(Text(body))) => unwrap(body.as_bytes(), "an SQS message", gzip),
            (None, None) => Err(expected("a record with `body` or `Sns.Message`")),
        }
    },
};

/// The messages of a queue, as `aws sqs receive-message` and the SDKs return them.
pub(super) static SQS_MESSAGES: Envelopes = Envelopes {
    name: "received SQS messages",
    matches: |outline| outline.has_all("Messages[].", &["Body", "MessageId"]),
    array: &["Messages"],
    parse: |json, gzip| {
        let SqsMessage { body: Text(body) } = serde_json::from_str(json)?;
        unwrap(body.as_bytes(), "an SQS message", gzip)
    },
};

/// A notification that SNS sends to an HTTP endpoint or a queue.
pub(super) static SNS: Envelopes = Envelopes {
    name: "an SNS notification",
    matches: |outline| outline.has_all("", &["Type", "TopicArn", "Message"]),
    array: &[],
    parse: |json, gzip| {
        let Notification { message: Text(message) } = serde_json::from_str(json)?;
        unwrap(message.as_bytes(), "an SNS message", gzip)
    },
};

/// An event of `EventBridge`.
pub(super) static EVENTBRIDGE: Envelopes = Envelopes {
    name: "an EventBridge event",
    matches: |outline| outline.has_all("", &["detail-type", "detail"]),
    array: &[],
    parse: |json, gzip| {
        let BusEvent { detail } = serde_json::from_str(json)?;
        unwrap(detail.get().as_bytes(), "an EventBridge event", gzip)
    },
};

/// The records of a Kinesis stream, as AWS Lambda receives them.
pub(super) static KINESIS: Envelopes = Envelopes {
    name: "a Kinesis event",
    matches: |outline| outline.has_all("Records[].", &["kinesis.data"]),
    array: &["Records"],
    parse: |json, gzip| {
        let StreamRecord { kinesis: DataMessage { data: Text(data) } } = serde_json::from_str(json)?;
        unwrap(&encoded("kinesis.data", &data, gzip)?, "a Kinesis record", gzip)
    },
};

/// The records of Firehose, as it sends them to AWS Lambda or an HTTP endpoint.
pub(super) static FIREHOSE: Envelopes = Envelopes {
    name: "a Firehose event",
    matches: |outline| {
        outline.has_all("records[].", &["data"])
            && ["deliveryStreamArn", "requestId"].iter().any(|key| outline.has_all("", &[key]))
    },
    array: &["records"],
    parse: |json, gzip| {
        let DataMessage { data: Text(data) } = serde_json::from_str(json)?;
        unwrap(&encoded("data", &data, gzip)?, "a Firehose record", gzip)
    },
};

/// A `CloudEvent` in its JSON format with data in base64. Data in JSON is read as part of the object.
pub(super) static CLOUDEVENT: Envelopes = Envelopes {
    name: "a CloudEvent",
    matches: |outline| outline.has_all("", &["specversion", "data_base64"]),
    array: &[],
    parse: |json, gzip| {
        let CloudEvent { data: Text(data) } = serde_json::from_str(json)?;
        unwrap(&encoded("data_base64", &data, gzip)?, "a CloudEvent", gzip)
    },
};

/// A message that Google Pub/Sub pushes or that a subscriber pulls.
pub(super) static PUBSUB: Envelopes = Envelopes {
    name: "a Pub/Sub message",
    matches: |outline| {
        outline.has_all("message.", &["data"])
            && ["messageId", "message_id", "publishTime"].iter().any(|key| outline.has_all("message.", &[key]))
    },
    array: &[],
    parse: |json, gzip| {
        let Push { message: DataMessage { data: Text(data) } } = serde_json::from_str(json)?;
        unwrap(&parts::base64("message.data", &data)?, "a Pub/Sub message", gzip)
    },
};

/// The event that a Node function receives from Vercel's runtime.
pub(super) static VERCEL: Envelopes = Envelopes {
    name: "a Vercel event",
    matches: |outline| outline.has_all("", &["Action", "body"]),
    array: &[],
    parse: |json, gzip| {
        let Invocation { body: Text(body) } = serde_json::from_str(json)?;
        unwrap(body.as_bytes(), "a Vercel event", gzip)
    },
};

/// The bytes of a message in base64, which may be compressed with gzip, as those of `CloudWatch`'s subscriptions are.
pub(super) fn encoded(key: &str, text: &str, gzip: &mut GzipBudget) -> Result<Bytes, ParseError> {
    gzip.decompressed(key, parts::base64(key, text)?)
}

#[derive(Deserialize)]
#[serde(expecting = "a record, an object with `body` or `Sns`")]
struct Record<'a> {
    #[serde(borrow, rename = "Sns")]
    sns: Option<Notification<'a>>,
    #[serde(borrow)]
    body: Option<Text<'a>>,
}

#[derive(Deserialize)]
#[serde(expecting = "a message, an object with `Body`")]
struct SqsMessage<'a> {
    #[serde(borrow, rename = "Body")]
    body: Text<'a>,
}

#[derive(Deserialize)]
#[serde(expecting = "a notification, an object with `Message`")]
struct Notification<'a> {
    #[serde(borrow, rename = "Message")]
    message: Text<'a>,
}

#[derive(Deserialize)]
#[serde(expecting = "an event, an object with `detail`")]
struct BusEvent<'a> {
    #[serde(borrow)]
    detail: &'a RawValue,
}

#[derive(Deserialize)]
#[serde(expecting = "a record, an object with `kinesis`")]
struct StreamRecord<'a> {
    #[serde(borrow)]
    kinesis: DataMessage<'a>,
}

#[derive(Deserialize)]
#[serde(expecting = "an event, an object with `data_base64`")]
struct CloudEvent<'a> {
    #[serde(borrow, rename = "data_base64")]
    data: Text<'a>,
}

#[derive(Deserialize)]
#[serde(expecting = "an object with `message`")]
struct Push<'a> {
    #[serde(borrow)]
    message: DataMessage<'a>,
}

#[derive(Deserialize)]
#[serde(expecting = "a message, an object with `data`")]
pub(super) struct DataMessage<'a> {
    #[serde(borrow)]
    pub data: Text<'a>,
}

#[derive(Deserialize)]
#[serde(expecting = "an event, an object with `body`")]
struct Invocation<'a> {
    #[serde(borrow)]
    body: Text<'a>,
}

/// Reads the requests inside a message.
pub(super) fn unwrap(inside: &[u8], message: &str, gzip: &mut GzipBudget) -> Result<Requests, ParseError> {
    unwrap_as(sniff(inside).filter(|format| !format.searches()), inside, message, gzip)
}

pub(super) fn unwrap_as(
    format: Option<&'static dyn Format>,
    inside: &[u8],
    message: &str,
    gzip: &mut GzipBudget,
) -> Result<Requests, ParseError> {
    let Some(format) = format else {
        let start = String::from_utf8_lossy(&inside[..inside.len().min(200)]);
        return Err(expected(format!(
            "a captured request inside {message}, found {}: without its headers nothing can be verified; publish headers and raw body together",
            quoted(&start)
        )));
    };
    let input = Input { head: inside.to_vec(), is_whole: true, directory: None, rest: Box::new(std::io::empty()) };
    let reader = format.read(input, gzip).map_err(|fault| inner(message, &fault))?;
    let unwrapped = |mut entry: Entry| {
        entry.notes.push(format!("unwrapped from {message}"));
        Entry { line: None, ..entry }
    };
    let entries = reader.filter_map(EntryPiece::read);
    Ok(entries.map(|entry| entry.map(unwrapped).map_err(|fault| inner(message, &fault))).collect())
}

fn inner(message: &str, fault: &EntryFault) -> ParseError {
    ParseError::Expected(format!("a captured request inside {message}: {fault}"))
}

#[cfg(test)]
mod tests {
    use super::super::tests::{collected, fields};
    use crate::webhook::json::quote;

    const REQUEST: &str = r#"{"headers":{"x":"y"},"rawBody":"{\"a\":1}"}"#;

    /// The messages that carry a text.
    fn envelopes(inside: &str) -> [String; 10] {
        use base64::{Engine, prelude::BASE64_STANDARD};
        let text = quote(inside);
        let encoded = BASE64_STANDARD.encode(inside);
        [
            format!(r#"{{"Records":[{{"EventSource":"aws:sns","Sns":{{"Type":"Notification","Message":{text}}}}}]}}"#),
            format!(r#"{{"Records":[{{"messageId":"m","eventSource":"aws:sqs","body":{text}}}]}}"#),
            format!(r#"{{"Type":"Notification","MessageId":"m","TopicArn":"arn:aws:sns:x","Message":{text}}}"#),
            format!(r#"{{"version":"0","detail-type":"webhook","source":"a","detail":{inside}}}"#),
            format!(r#"{{"message":{{"data":"{encoded}","messageId":"1"}},"subscription":"s"}}"#),
            format!(r#"{{"Action":"Invoke","body":{text}}}"#),
            format!(r#"{{"Messages":[{{"MessageId":"m","ReceiptHandle":"h","Body":{text}}}]}}"#),
            format!(r#"{{"Records":[{{"kinesis":{{"data":"{encoded}"}},"eventSource":"aws:kinesis"}}]}}"#),
            format!(r#"{{"deliveryStreamArn":"arn","records":[{{"recordId":"1","data":"{encoded}"}}]}}"#),
            format!(r#"{{"specversion":"1.0","type":"t","source":"s","id":"i","data_base64":"{encoded}"}}"#),
        ]
    }

    #[test]
    fn the_request_inside_a_message_is_read_and_noted() {
        for json in envelopes(REQUEST) {
            let (entries, _) = collected(&json);
            let [Ok(entry)] = &entries[..] else { panic!("{json}: {entries:?}") };
            assert_eq!(
                (fields(&entry.request), &entry.request.body[..]),
                ("x: y\n".to_owned(), &b"{\"a\":1}"[..]),
                "{json}"
            );
            assert!(entry.notes.iter().any(|note| note.starts_with("unwrapped from a")), "{json}: {:?}", entry.notes);
        }
        let nested = envelopes(&envelopes(REQUEST)[2])[1].clone();
        let (entries, _) = collected(&nested);
        let notes = &entries[0].as_ref().unwrap().notes;
        assert_eq!(notes, &["unwrapped from an SNS message", "unwrapped from an SQS message"]);
    }

    fn kinesis(data: &[String]) -> String {
        let record = |data: &String| format!(r#"{{"kinesis":{{"data":"{data}"}},"eventSource":"aws:kinesis"}}"#);
        format!(r#"{{"Records":[{}]}}"#, data.iter().map(record).collect::<Vec<_>>().join(","))
    }

    const SPACES: usize = 256 << 10;

    /// A request after spaces, in gzip and base64.
    fn compressed() -> String {
        use base64::{Engine, prelude::BASE64_STANDARD};
        use std::io::{Read, repeat};
        let mut text = repeat(b' ').take(SPACES as u64).chain(REQUEST.as_bytes());
        let mut bytes = Vec::new();
        flate2::read::GzEncoder::new(&mut text, flate2::Compression::fast()).read_to_end(&mut bytes).unwrap();
        BASE64_STANDARD.encode(bytes)
    }

    /// Each message alone is within the limit, in a file of its own or in one within another.
    #[test]
    fn the_compressed_messages_of_a_file_share_a_limit() {
        let records = vec![compressed(); 10];
        let direct = kinesis(&records);
        let nested: Vec<_> = records.iter().map(|record| kinesis(std::slice::from_ref(record))).collect();
        let nested: Vec<_> =
            nested.iter().map(|event| format!(r#"{{"messageId":"m","body":{}}}"#, quote(event))).collect();
        for json in [direct, format!(r#"{{"Records":[{}]}}"#, nested.join(","))] {
            let limit = (json.len() * 64).max(1 << 20);
            let (entries, _) = collected(&json);
            let read = entries.iter().filter(|entry| entry.is_ok()).count();
            assert_eq!(read, limit / (SPACES + REQUEST.len()), "{} bytes", json.len());
            assert_eq!(entries.len(), 10);
            let error = entries[9].as_ref().unwrap_err();
            let what = format!("gzip that expands to at most {} MiB, in `kinesis.data`", limit >> 20);
            assert!(error.contains(&what), "{error}");
        }
    }

    #[test]
    fn every_request_in_a_message_is_read() {
        for inside in [format!("[{REQUEST},{REQUEST}]"), format!("{REQUEST}\n{REQUEST}\n")] {
            let (entries, _) = collected(&envelopes(&inside)[1]);
            let bodies: Vec<_> =
                entries.iter().map(|entry| entry.as_ref().map(|entry| &entry.request.body[..])).collect();
            assert_eq!(bodies, [Ok(&b"{\"a\":1}"[..]); 2], "{inside}");
        }
    }

    #[test]
    fn a_message_without_headers_says_what_to_publish() {
        let (mut entries, _) = collected(&envelopes("{\"a\":1}")[1]);
        assert_eq!(
            entries.remove(0).unwrap_err(),
            "line 1: expected a captured request inside an SQS message, found \"{\\\"a\\\":1}\": without its headers nothing can be \
             verified; publish headers and raw body together"
        );
    }
}
