//! CSV from any program, with the headers in one column and the raw body in another, as databases and log services
//! export rows.

use csv::StringRecord;

use super::{
    Collected, Entry, EntryFault, EntryReader, Format, GzipBudget, Input,
    json_request::{self, HEADERS, is_body, is_named},
    parts::expected,
    position::{LineCounter, Start},
    whole,
};
use crate::webhook::json::quote;

/// Rows with headers and a body.
pub(super) struct CsvRows;

impl Format for CsvRows {
    fn name(&self) -> &'static str {
        "CSV with columns for headers and body"
    }

    fn recognises(&self, head: &[u8]) -> bool {
        let line = head.split(|&byte| byte == b'\n').next().unwrap_or_default();
        let mut reader = csv::ReaderBuilder::new().has_headers(false).from_reader(line);
        let has = |columns: &StringRecord, is_it: fn(&str) -> bool| columns.iter().any(|column| is_it(column.trim()));
        matches!(reader.records().next(), Some(Ok(columns)) if columns.len() > 1 && has(&columns, is_headers) && has(&columns, is_body))
    }

    fn read<'a>(&self, input: Input<'a>, _: &mut GzipBudget) -> Result<Box<dyn EntryReader + 'a>, EntryFault> {
        let input = whole(input)?;
        let mut reader = csv::Reader::from_reader(&*input);
        let columns = reader.headers().cloned().unwrap_or_default();
        let mut lines = LineCounter::new(&input);
        let mut collected = Collected::default();
        for row in reader.into_records() {
            let (line, parsed) = match row {
                Ok(row) => (lines.of_record(row.position()), json_request::parse(&json(&columns, &row))),
                Err(error) => (lines.of_record(error.position()), Err(expected("a row as long as the first one"))),
            };
            match parsed {
                Ok(Some(entry)) => collected.push(Ok(Entry { line: Some(line), ..entry })),
                Ok(None) => collected.count_skipped(),
                Err(error) => collected.push(Err(EntryFault::at(Start::of_line(line), error))),
            }
        }
        Ok(Box::new(collected))
    }
}

fn is_headers(column: &str) -> bool {
    HEADERS.iter().any(|name| is_named(column, name))
}

/// A row as a JSON object.
fn json(columns: &StringRecord, row: &StringRecord) -> String {
    let cells = columns.iter().zip(row).filter(|(_, cell)| !cell.is_empty());
    let members: Vec<String> = cells.map(|(name, cell)| format!("{}:{}", quote(name.trim()), quote(cell))).collect();
    format!("{{{}}}", members.join(","))
}

#[cfg(test)]
mod tests {
    use crate::store::formats::tests::{collected, fields};

    #[test]
    fn each_row_is_a_request() {
        let csv = "id,received_at,Headers,body\n1,2026-11-20T10:00:00Z,\"{\"\"host\"\":\"\"h\"\",\"\"x-a\"\":\"\"b\"\"}\",\"{\"\"n\"\":1.0}\"\n2,,,\n";
        let (entries, _) = collected(csv);
        let [Ok(entry), ..] = &entries[..] else { panic!("{entries:?}") };
        assert_eq!(fields(&entry.request), "host: h\nx-a: b\n");
        assert_eq!(&entry.request.body[..], b"{\"n\":1.0}");
        assert_eq!(entry.received_at.map(|at| at.to_string()).as_deref(), Some("2026-11-20T10:00:00.000Z"));
        assert_eq!(entry.line, Some(2));
    }

    #[test]
    fn lines_are_counted_with_any_line_ends() {
        let csv = "headers,body\n\"{\"\"host\"\":\n\"\"h\"\"}\",a\n{},b\n{x,c\n";
        for text in [csv.to_owned(), csv.replace('\n', "\r\n")] {
            let (entries, _) = collected(&text);
            let lines: Vec<_> = entries.iter().map(|entry| entry.as_ref().map(|entry| entry.line)).collect();
            let error = "line 5: expected headers in `headers`: an object, or a list of pairs or of objects with `name` and `value`";
            assert_eq!(lines, [Ok(Some(2)), Ok(Some(4)), Err(&error.to_owned())], "{text:?}");
        }
    }
}
