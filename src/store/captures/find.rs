//! Finds a delivery of the present run in its capture, by its number.

use std::{
    fs,
    io::{self, BufRead, BufReader, Read},
    path::{Path, PathBuf},
};

use super::is_capture_name;
use crate::{
    store::opened,
    webhook::{
        capture::{self, MAX_SIZE, VERSION},
        request::Request,
    },
};

/// The request of a delivery, by its number, in a directory of captures or a log. Runs before this one may have used the
/// number too; the newest is taken.
///
/// # Errors
///
/// If the captures can't be read.
pub fn find(captures: &Path, seq: u64) -> io::Result<Option<Request>> {
    let object = if captures.is_dir() { in_directory(captures, seq)? } else { in_log(captures, seq)? };
    let capture = object.map(|object| capture::read(&object)).transpose();
    capture
        .map(|capture| capture.flatten().map(|capture| capture.request))
        .map_err(|_| io::ErrorKind::InvalidData.into())
}

/// The newest capture in a directory, by the time in its name.
///
/// # Errors
///
/// If the directory can't be read.
pub fn newest(dir: &Path) -> io::Result<Option<PathBuf>> {
    let mut newest: Option<String> = None;
    for entry in fs::read_dir(dir)? {
        let Ok(name) = entry?.file_name().into_string() else { continue };
        if is_capture_name(&name) && newest.as_ref().is_none_or(|newest| *newest < name) {
            newest = Some(name);
        }
    }
    Ok(newest.map(|name| dir.join(name)))
}

fn in_directory(dir: &Path, seq: u64) -> io::Result<Option<Vec<u8>>> {
    let number = format!("Z-{seq:06}-");
    let mut newest: Option<String> = None;
    for entry in fs::read_dir(dir)? {
        let Ok(name) = entry?.file_name().into_string() else { continue };
        if is_capture_name(&name) && name.contains(&number) && newest.as_ref().is_none_or(|newest| *newest < name) {
            newest = Some(name);
        }
    }
    newest.map(|name| object(&dir.join(name))).transpose()
}

/// The content of a capture.
fn object(file: &Path) -> io::Result<Vec<u8>> {
    let mut object = Vec::new();
    opened::open(file)?.take(MAX_SIZE as u64).read_to_end(&mut object)?;
    Ok(object)
}

fn in_log(log: &Path, seq: u64) -> io::Result<Option<Vec<u8>>> {
    let start = format!(r#"{{"kind":"delivery","hookdev":{VERSION},"seq":{seq},"#);
    let (mut reader, mut line, mut newest) = (BufReader::new(opened::open(log)?), Vec::new(), None);
    while reader.read_until(b'\n', &mut line)? > 0 {
        if line.starts_with(start.as_bytes()) {
            newest = Some(line.clone());
        }
        line.clear();
    }
    Ok(newest)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn object(seq: u64, body: &str) -> String {
        let request = format!(r#"{{"method":"POST","target":"/","headers":[],"body":"{body}"}}"#);
        format!(r#"{{"kind":"delivery","hookdev":1,"seq":{seq},"received_at":null,"request":{request}}}"#)
    }

    fn body(captures: &Path, seq: u64) -> Option<String> {
        find(captures, seq).unwrap().map(|request| String::from_utf8(request.body.to_vec()).unwrap())
    }

    #[test]
    fn the_newest_of_a_number_is_found() {
        let dir = tempfile::tempdir().unwrap();
        let log = dir.path().join("log.ndjson");
        let lines = [object(1, "old"), object(12, "twelve"), object(1, "new"), object(2, "two")];
        fs::write(&log, lines.join("\n")).unwrap();
        let captures = dir.path().join("captures");
        fs::create_dir(&captures).unwrap();
        for (time, seq, text) in
            [("20250101T120000.000Z", 1, "old"), ("20250102T120000.000Z", 1, "new"), ("20250102T120001.000Z", 2, "two")]
        {
            fs::write(captures.join(format!("{time}-{seq:06}-x.json")), object(seq, text)).unwrap();
        }
        for place in [&log, &captures] {
            assert_eq!([1, 2, 3].map(|seq| body(place, seq)), [Some("new".to_owned()), Some("two".to_owned()), None]);
        }
    }
}
