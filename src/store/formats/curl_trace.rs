//! curl's logs of the requests that it sends: `--trace` contains all bytes, `--trace-ascii` prints a dot for each byte
//! that isn't printable ASCII, and `-v` prints no body.

use super::{
    Collected, Entry, EntryFault, EntryReader, Format, GzipBudget, Input, http,
    parts::{self, ParseError, expected},
    position::Start,
    whole,
};
use crate::webhook::{request::Method, words};

/// curl's logs.
pub(super) struct CurlTrace;

impl Format for CurlTrace {
    fn name(&self) -> &'static str {
        "a curl trace"
    }

    fn recognises(&self, head: &[u8]) -> bool {
        let mut is_connecting = false;
        lines(head).any(|line| {
            let line = line.trim_ascii_end();
            let verbose = line.windows(2).position(|start| start == b"* ").map(|start| &line[start + 2..]);
            is_connecting |= verbose.is_some_and(|info| {
                let info = info.trim_ascii_start();
                [&b"Trying "[..], b"Connected to ", b"Re-using existing connection"]
                    .iter()
                    .any(|start| info.starts_with(start))
            });
            matches!(TraceEvent::parse(line), Some(TraceEvent::Header(_)))
                || (is_connecting && sent_line(line).is_some())
        })
    }

    fn read<'a>(&self, input: Input<'a>, _: &mut GzipBudget) -> Result<Box<dyn EntryReader + 'a>, EntryFault> {
        Ok(Box::new(read(&whole(input)?)))
    }
}

fn lines(input: &[u8]) -> impl Iterator<Item = &[u8]> {
    input.split(|&byte| byte == b'\n').map(|line| line.strip_suffix(b"\r").unwrap_or(line))
}

fn read(input: &[u8]) -> Collected {
    let mut log = LogReader::default();
    for (number, line) in (1..).zip(lines(input)) {
        log.line(number, line);
    }
    log.end_message();
    log.collected
}

/// A line of a trace that starts an event.
#[derive(Debug, PartialEq)]
enum TraceEvent {
    /// A dump of part of a request's head, with its size in bytes.
    Header(usize),
    /// A dump of part of the body, as transfer-encoded, with its size in bytes.
    Data(usize),
    Other,
}

impl TraceEvent {
    fn parse(line: &[u8]) -> Option<Self> {
        let line = str::from_utf8(line).ok()?;
        let line = &line[Self::time_length(line)..];
        // `--trace-ids`
        let line = match line.split_once("] ") {
            Some((ids, line)) if ids.starts_with('[') => line,
            _ => line,
        };
        let length = |rest: &str| rest.split(' ').next().and_then(|digits| digits.parse().ok());
        if let Some(rest) = line.strip_prefix("=> Send header, ") {
            length(rest).map(Self::Header)
        } else if let Some(rest) = line.strip_prefix("=> Send data, ") {
            length(rest).map(Self::Data)
        } else {
            ["=> ", "<= ", "== "].iter().any(|start| line.starts_with(start)).then_some(Self::Other)
        }
    }

    /// The length of the timestamp that `--trace-time` puts before a line.
    fn time_length(line: &str) -> usize {
        let time = line.split(' ').next().unwrap_or_default();
        let is_time = time.len() == "12:00:00.123456".len()
            && time.bytes().all(|b| b.is_ascii_digit() || matches!(b, b':' | b'.'));
        if is_time && time.len() < line.len() { time.len() + 1 } else { 0 }
    }
}

/// A request line that `-v` logs.
fn sent_line(line: &[u8]) -> Option<&str> {
    let line = str::from_utf8(line).ok()?.strip_prefix("> ")?;
    let (rest, version) = line.rsplit_once(' ')?;
    let (method, _) = rest.split_once(' ')?;
    (version.starts_with("HTTP/") && method.bytes().all(|b| b.is_ascii_uppercase())).then_some(line)
}

/// The state of reading a log.
#[derive(Default)]
struct LogReader {
    collected: Collected,
    message: Option<LoggedRequest>,
    dump: Option<Dump>,
}

/// A request as logged so far.
struct LoggedRequest {
    /// The line it starts on, from 1.
    line: u64,
    head: Vec<u8>,
    body: Vec<u8>,
    /// The number of dots of `--trace-ascii` in the body.
    dots: usize,
    /// Whether it comes from `-v`, which logs no body.
    is_bodiless: bool,
    broken: Option<(u64, String)>,
}

impl LogReader {
    fn line(&mut self, number: u64, line: &[u8]) {
        if let Some(dump) = self.dump.as_mut().filter(|dump| !dump.is_full())
            && let Some((offset, text)) = row(line)
        {
            dump.rows.push((offset, text.to_vec()));
            return;
        }
        if let Some(event) = TraceEvent::parse(line) {
            self.end_dump();
            match event {
                TraceEvent::Header(length) => self.start_head(number, length),
                TraceEvent::Data(length) => {
                    self.dump = Some(Dump { line: number, length, is_head: false, rows: Vec::new() });
                }
                TraceEvent::Other => {}
            }
        } else if let Some(sent) = sent_line(line) {
            self.end_message();
            let head = format!("{sent}\r\n").into_bytes();
            self.message =
                Some(LoggedRequest { line: number, head, body: Vec::new(), dots: 0, is_bodiless: true, broken: None });
        } else if let (Some(message), Some(field)) =
            (self.message.as_mut().filter(|m| m.is_bodiless), line.strip_prefix(b">"))
        {
            message.head.extend([field.trim_ascii(), b"\r\n"].concat());
        }
    }

    fn start_head(&mut self, line: u64, length: usize) {
        let goes_on = self
            .message
            .as_ref()
            .is_some_and(|message| message.body.is_empty() && !message.head.ends_with(b"\r\n\r\n"));
        if !goes_on {
            self.end_message();
            self.message = Some(LoggedRequest {
                line,
                head: Vec::new(),
                body: Vec::new(),
                dots: 0,
                is_bodiless: false,
                broken: None,
            });
        }
        self.dump = Some(Dump { line, length, is_head: true, rows: Vec::new() });
    }

    fn end_dump(&mut self) {
        let (Some(dump), Some(message)) = (self.dump.take(), self.message.as_mut()) else { return };
        let Some(Dumped { bytes, dots }) = dump.bytes() else {
            let what = format!("a dump of {}", words::bytes(dump.length));
            message.broken.get_or_insert((dump.line, what));
            return;
        };
        if dump.is_head {
            message.head.extend(bytes);
        } else {
            message.body.extend(bytes);
            message.dots += dots;
        }
    }

    fn end_message(&mut self) {
        self.end_dump();
        let Some(message) = self.message.take() else { return };
        let line = message.line;
        match message.entry() {
            Ok(Some(entry)) => self.collected.push(Ok(entry)),
            Ok(None) => self.collected.count_skipped(),
            Err((at, error)) => self.collected.push(Err(EntryFault::at(Start::of_line(at.unwrap_or(line)), error))),
        }
    }
}

impl LoggedRequest {
    fn entry(self) -> Result<Option<Entry>, (Option<u64>, ParseError)> {
        let delivers = self.head.split(|&byte| byte == b' ').next().map(Method::from_bytes);
        if let Some(Ok(method)) = delivers
            && !parts::delivers(&method)
        {
            return Ok(None);
        }
        if let Some((line, what)) = self.broken {
            return Err((Some(line), expected(what)));
        }
        let message = http::single([self.head, self.body].concat().into());
        let mut entry = message.map_err(|fault| (None, expected(format!("an HTTP message: {fault}"))))?;
        let headers = &entry.request.headers;
        let has_body =
            headers.text("content-length").is_some_and(|length| length != "0") || headers.contains("transfer-encoding");
        if self.is_bodiless && has_body {
            return Err((None, expected("a body, which `curl -v` doesn't log; use `curl --trace FILE`")));
        }
        if entry.request.body.is_empty() && !has_body {
            return Ok(None);
        }
        if self.dots > 0 {
            entry.notes.push(format!(
                "`--trace-ascii` prints a dot for each byte that isn't printable ASCII: {} dots in the body may be other bytes; `--trace` logs them all",
                self.dots
            ));
        }
        Ok(Some(entry))
    }
}

/// The rows of one dump.
struct Dump {
    line: u64,
    length: usize,
    is_head: bool,
    rows: Vec<(usize, Vec<u8>)>,
}

struct Dumped {
    bytes: Vec<u8>,
    dots: usize,
}

impl Dump {
    /// Whether the dump has all its bytes: the line after its last row may look like a row.
    fn is_full(&self) -> bool {
        self.rows.last().is_some_and(|(offset, text)| {
            offset + text.len() >= self.length && (hex(text).is_none_or(|bytes| offset + bytes.len() >= self.length))
        })
    }

    /// The dumped bytes; `None` if their number is not the one that the dump states.
    fn bytes(&self) -> Option<Dumped> {
        let bytes: Option<Vec<Vec<u8>>> = self.rows.iter().map(|(_, text)| hex(text)).collect();
        match bytes.map(|bytes| bytes.concat()) {
            Some(bytes) if bytes.len() == self.length => Some(Dumped { bytes, dots: 0 }),
            _ => self.ascii(),
        }
    }

    /// `--trace-ascii` ends a row at each CR LF and omits it, which the next offset shows.
    fn ascii(&self) -> Option<Dumped> {
        let ends = self.rows.iter().skip(1).map(|(offset, _)| *offset).chain([self.length]);
        let mut dumped = Dumped { bytes: Vec::new(), dots: 0 };
        for ((offset, text), end) in self.rows.iter().zip(ends) {
            if *offset != dumped.bytes.len() {
                return None;
            }
            dumped.dots += text.split(|&byte| byte == b'.').skip(1).count();
            dumped.bytes.extend(text);
            match end.checked_sub(dumped.bytes.len())? {
                0 => {}
                2 => dumped.bytes.extend(b"\r\n"),
                _ => return None,
            }
        }
        (dumped.bytes.len() == self.length).then_some(dumped)
    }
}

/// The offset of a row of a dump, and the text after it.
fn row(line: &[u8]) -> Option<(usize, &[u8])> {
    let colon = line.iter().position(|&byte| byte == b':').filter(|colon| (4..=16).contains(colon))?;
    let offset = usize::from_str_radix(str::from_utf8(&line[..colon]).ok()?, 16).ok()?;
    let text = &line[colon + 1..];
    Some((offset, text.strip_prefix(b" ").unwrap_or(text)))
}

/// The bytes of a row of `--trace`: up to 16, followed by the same bytes as text.
fn hex(text: &[u8]) -> Option<Vec<u8>> {
    let byte = |column: &[u8]| match column {
        [high, low, b' '] => u8::from_str_radix(str::from_utf8(&[*high, *low]).ok()?, 16).ok(),
        _ => None,
    };
    let bytes: Vec<u8> = text.chunks(3).take(16).map_while(byte).collect();
    (!bytes.is_empty()).then_some(bytes)
}

#[cfg(test)]
mod tests {
    use crate::store::formats::tests::{collected, fields};

    /// A body and the notes on it.
    type Stored = (Vec<u8>, Vec<String>);

    fn bodies(log: &str) -> Vec<Result<Stored, String>> {
        collected(log).0.into_iter().map(|read| read.map(|entry| (entry.request.body.to_vec(), entry.notes))).collect()
    }

    const BYTES: &[u8] = b"\0\x01\xc3\xa4\"\x7f\r\n\t end\n";

    #[test]
    fn a_trace_has_all_bytes() {
        let log = include_str!("../../../tests/formats/curl-trace-bytes.log");
        let (entries, _) = collected(log);
        let [Ok(entry)] = &entries[..] else { panic!("{entries:?}") };
        let expected = "Host: 127.0.0.1:3000\nUser-Agent: curl/7.88.1\nAccept: */*\nContent-Length: 14\nContent-Type: application/x-www-form-urlencoded\n";
        assert_eq!((entry.request.target.as_str(), fields(&entry.request)), ("/b", expected.to_owned()));
        assert_eq!(bodies(log), [Ok((BYTES.to_vec(), vec![]))]);
        let prefixed: String = log
            .lines()
            .map(|line| {
                let is_event = ["=> ", "<= ", "== "].iter().any(|start| line.starts_with(start));
                if is_event { format!("21:50:34.105242 [0-0] {line}\n") } else { format!("{line}\n") }
            })
            .collect();
        assert_eq!(bodies(&prefixed), bodies(log));
    }

    #[test]
    fn an_ascii_trace_has_dots_and_gets_its_line_ends_back() {
        let log = include_str!("../../../tests/formats/curl-trace-ascii-bytes.log");
        let note = "`--trace-ascii` prints a dot for each byte that isn't printable ASCII: 7 dots in the body may be other bytes; `--trace` logs them all";
        assert_eq!(bodies(log), [Ok((b"....\".\r\n. end.".to_vec(), vec![note.to_owned()]))]);
    }

    #[test]
    fn chunks_are_joined_and_requests_may_follow_each_other() {
        let log = include_str!("../../../tests/formats/curl-trace-chunked.log");
        let body = br#"{"version":"2","resource":{"type":"LibraryTrack","id":"999"},"event":{"type":"AudioAnalysisV6","status":"finished"}}"#;
        assert_eq!(bodies(&format!("{log}{log}")), [Ok((body.to_vec(), vec![])), Ok((body.to_vec(), vec![]))]);
    }

    #[test]
    fn an_incomplete_dump_is_located_and_hides_no_other() {
        let log = include_str!("../../../tests/formats/curl-trace-bytes.log");
        let row = log.lines().find(|line| line.starts_with("0000: 00 01")).unwrap();
        let broken = log.replace(row, "0000: 00 01");
        assert_eq!(
            bodies(&format!("{broken}{log}")),
            [Err("line 14: expected a dump of 14 bytes".to_owned()), Ok((BYTES.to_vec(), vec![]))]
        );
    }

    #[test]
    fn a_verbose_log_has_no_body() {
        let log = "* Connected to h (127.0.0.1) port 80\n> POST /a HTTP/1.1\n> Host: h\n> Content-Length: 5\n> \n} [5 bytes data]\n< HTTP/1.1 200 OK\n> GET / HTTP/2\n> Host: h\n>\n";
        let (entries, notes) = collected(log);
        assert_eq!(
            entries,
            [Err("line 2: expected a body, which `curl -v` doesn't log; use `curl --trace FILE`".to_owned())]
        );
        assert_eq!(notes, ["skipped 1 entry that holds no POST, PUT or PATCH request with a body"]);
    }
}
