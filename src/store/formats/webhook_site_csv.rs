//! webhook.site's CSV export. Its columns depend on the requests: each header has its own column, whose name starts
//! with `headers`.

use bytes::Bytes;
use csv::{ByteRecord, ErrorKind};

use super::{
    Collected, Entry, EntryFault, EntryReader, Format, GzipBudget, Input, Position,
    parts::{self, Fields, ParseError, expected, quoted},
    position::{LineCounter, Start},
    webhook_site::ExportedRequest,
    whole,
};
use crate::webhook::request::Headers;

/// webhook.site's CSV.
pub(super) struct WebhookSiteCsv;

impl Format for WebhookSiteCsv {
    fn name(&self) -> &'static str {
        "webhook.site CSV"
    }

    fn recognises(&self, head: &[u8]) -> bool {
        let line = head.split(|&byte| byte == b'\n').next().unwrap_or_default();
        let mut record = ByteRecord::new();
        let mut reader = csv::ReaderBuilder::new().has_headers(false).from_reader(line);
        matches!(reader.read_byte_record(&mut record), Ok(true)) && ColumnIndexes::of(&record).is_some()
    }

    fn read<'a>(&self, input: Input<'a>, _: &mut GzipBudget) -> Result<Box<dyn EntryReader + 'a>, EntryFault> {
        Ok(Box::new(read(&whole(input)?)?))
    }
}

fn read(input: &[u8]) -> Result<Collected, EntryFault> {
    let mut reader = csv::Reader::from_reader(input);
    let columns = reader.byte_headers().ok().and_then(ColumnIndexes::of);
    let columns =
        columns.ok_or_else(|| EntryFault::Malformed(Position::Line(1), "expected column names".to_owned()))?;
    let mut lines = LineCounter::new(input);
    let mut collected = Collected::default();
    for record in reader.into_byte_records() {
        let (line, parsed) = match record {
            Ok(record) => (lines.of_record(record.position()), columns.entry(&record)),
            Err(error) => (lines.of_record(error.position()), Err(expected(expected_record(&error)))),
        };
        match parsed {
            Ok(Some(entry)) => collected.push(Ok(entry)),
            Ok(None) => collected.count_skipped(),
            Err(error) => collected.push(Err(EntryFault::at(Start::of_line(line), error))),
        }
    }
    Ok(collected)
}

fn expected_record(error: &csv::Error) -> String {
    match error.kind() {
        ErrorKind::UnequalLengths { expected_len, len, .. } => format!("{expected_len} fields, found {len}"),
        _ => "a CSV record".to_owned(),
    }
}

/// The indexes of the columns.
#[derive(Debug, Default, PartialEq)]
struct ColumnIndexes {
    kind: Option<usize>,
    method: usize,
    url: Option<usize>,
    content: usize,
    size: Option<usize>,
    created_at: Option<usize>,
    /// The column with all headers, as JSON.
    headers: Option<usize>,
    /// The columns with one header each, and its name.
    header: Vec<(usize, String)>,
}

impl ColumnIndexes {
    /// The columns with these names; `None` if they are those of another table.
    fn of(names: &ByteRecord) -> Option<Self> {
        let names: Vec<String> = names
            .iter()
            .map(|name| String::from_utf8_lossy(name).trim().to_ascii_lowercase().replace(' ', "_"))
            .collect();
        let column = |name: &str| names.iter().position(|known| known == name);
        column("uuid").or_else(|| column("token_id"))?;
        Some(Self {
            kind: column("type"),
            method: column("method")?,
            url: column("url"),
            content: column("content")?,
            size: column("size"),
            created_at: column("created_at"),
            headers: column("headers"),
            header: names.iter().enumerate().filter_map(|(at, name)| Some((at, header(name)?))).collect(),
        })
    }

    fn entry(&self, record: &ByteRecord) -> Result<Option<Entry>, ParseError> {
        let bytes = |column: usize| record.get(column).unwrap_or_default();
        let text = |name: &str, column: usize| {
            str::from_utf8(bytes(column)).map_err(|_| expected(format!("UTF-8 in the column `{name}`")))
        };
        let optional = |name: &str, column: Option<usize>| {
            column.map(|column| text(name, column)).transpose().map(|text| text.filter(|text| !text.is_empty()))
        };
        if optional("type", self.kind)?.is_some_and(|kind| kind != "web") {
            return Ok(None);
        }
        let number =
            |size: &str| size.parse().map_err(|_| expected(format!("a number in `size`, found {}", quoted(size))));
        let mut headers = match optional("headers", self.headers)? {
            Some(json) => serde_json::from_str::<Fields<'_>>(json)
                .map_err(|_| expected("an object of headers in `headers`"))?
                .headers()?,
            None => Headers::new(),
        };
        for (column, name) in &self.header {
            if let Some(value) = optional(name, Some(*column))? {
                let (name, value) = parts::foreign_field(name, value)?;
                headers.push(name, value);
            }
        }
        ExportedRequest {
            method: text("method", self.method)?,
            url: optional("url", self.url)?.unwrap_or("/"),
            headers,
            content: Bytes::copy_from_slice(bytes(self.content)),
            size: optional("size", self.size)?.map(number).transpose()?,
            created_at: optional("created_at", self.created_at)?,
        }
        .entry()
    }
}

/// The header of a column: `svix-id` for `headers.svix-id` or `headers.svix-id.0`, also with brackets.
fn header(column: &str) -> Option<String> {
    let path = column.strip_prefix("headers").or_else(|| column.strip_prefix("header"))?;
    let mut keys = path.split(['.', '[', ']', '/', ':']).filter(|key| !key.is_empty());
    let name = keys.next()?.trim_start_matches('_');
    let index_only = keys.all(|key| key.bytes().all(|byte| byte.is_ascii_digit()));
    (index_only && !name.is_empty()).then(|| name.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::formats::tests::{collected, fields};

    const COLUMNS: &str =
        "uuid,type,token_id,ip,method,url,content,size,created_at,headers.x-a.0,headers.x-a.1,headers[x-b]";

    #[test]
    fn a_row_is_a_request() {
        let row = "u,web,t,127.0.0.1,POST,https://webhook.site/t?q=1,\"{\r\n \"\"a\"\": 1}\",11,2019-10-03 19:06:35,1,2,\"3, 4\"";
        let (entries, notes) = collected(&format!("{COLUMNS}\r\n{row}\r\n"));
        let [Ok(entry)] = &entries[..] else { panic!("{entries:?}") };
        assert_eq!(entry.received_at.unwrap().to_string(), "2019-10-03T19:06:35.000Z");
        assert_eq!(
            (entry.request.target.as_str(), fields(&entry.request)),
            ("/t?q=1", "x-a: 1\nx-a: 2\nx-b: 3, 4\n".to_owned())
        );
        assert_eq!((&entry.request.body[..], &entry.notes, notes), (&b"{\r\n \"a\": 1}"[..], &vec![], vec![]));
    }

    #[test]
    fn headers_may_be_in_one_column() {
        let (entries, _) =
            collected("uuid,method,content,headers\nu,POST,{},\"{\"\"x-a\"\":[\"\"1\"\",\"\"2\"\"]}\"\n");
        assert_eq!(fields(&entries[0].as_ref().unwrap().request), "x-a: 1\nx-a: 2\n");
    }

    #[test]
    fn a_broken_row_is_located_and_hides_no_other() {
        let row = "u,web,t,127.0.0.1,POST,https://h/,\"{\n}\",3,2019-10-03 19:06:35,,,";
        let get = row.replace("POST", "GET");
        let size = row.replace(",3,", ",x,");
        let (entries, notes) = collected(&format!("{COLUMNS}\n{row}\nu,web\n{get}\n{size}\n{row}\n"));
        let errors: Vec<_> = entries.into_iter().map(|entry| entry.err().unwrap_or_default()).collect();
        assert_eq!(
            errors,
            ["", "line 4: expected 12 fields, found 2", r#"line 7: expected a number in `size`, found "x""#, ""]
        );
        assert_eq!(notes, ["skipped 1 entry that holds no POST, PUT or PATCH request with a body"]);
    }

    #[test]
    fn the_columns_of_other_tables_are_not_recognised() {
        for other in ["id,name,content", "uuid,name", "method,path,status", "", "a"] {
            assert_eq!(ColumnIndexes::of(&ByteRecord::from(other.split(',').collect::<Vec<_>>())), None, "{other}");
        }
        assert_eq!(header("headers.svix-id.0"), Some("svix-id".to_owned()));
        for other in ["headers", "headers.", "headers.a.b", "head", "query.a"] {
            assert_eq!(header(other), None, "{other}");
        }
    }
}
