//! `captures files DIRECTORY COUNT` writes COUNT captured deliveries as one JSON file each; `captures lines FILE COUNT`
//! writes them as NDJSON.
//!
//! `captures verify PATH` reads, parses and verifies them on all cores. It fails unless all are valid.

use std::{
    error::Error,
    fs::{self, File},
    io::{self, BufRead, BufReader, BufWriter, Write},
    path::Path,
};

use rayon::prelude::*;
use serde_json::{Value, json};

const TIMESTAMP: &str = "1735732800";

fn main() -> Result<(), Box<dyn Error>> {
    let arguments: Vec<_> = std::env::args().skip(1).collect();
    let arguments: Vec<_> = arguments.iter().map(String::as_str).collect();
    match arguments[..] {
        ["files", directory, count] => write_files(Path::new(directory), count.parse()?),
        ["lines", file, count] => write_lines(Path::new(file), count.parse()?),
        ["verify", path] => verify(Path::new(path)),
        _ => Err("usage: captures files DIRECTORY COUNT | lines FILE COUNT | verify PATH".into()),
    }
}

fn write_files(directory: &Path, count: usize) -> Result<(), Box<dyn Error>> {
    fs::create_dir_all(directory)?;
    for number in 0..count {
        fs::write(directory.join(format!("{number:07}.json")), serde_json::to_vec_pretty(&capture(number))?)?;
    }
    Ok(())
}

fn write_lines(file: &Path, count: usize) -> Result<(), Box<dyn Error>> {
    let mut lines = BufWriter::new(File::create(file)?);
    for number in 0..count {
        writeln!(lines, "{}", capture(number))?;
    }
    Ok(lines.flush()?)
}

/// A capture in hookdev's format.
fn capture(number: usize) -> Value {
    let id = format!("msg_{number:07}");
    json!({
        "kind": "delivery",
        "hookdev": 1,
        "seq": number,
        "received_at": "2025-01-01T12:00:00Z",
        "request": {
            "method": "POST",
            "target": "/aspect",
            "headers": [
                ["host", "localhost:4400"],
                ["user-agent", "Svix-Webhooks/1.24"],
                ["content-type", "application/json"],
                ["svix-id", id],
                ["svix-timestamp", TIMESTAMP],
                ["svix-signature", yardstick::sign(&id, TIMESTAMP, yardstick::BODY)],
            ],
            "body": yardstick::BODY,
        },
    })
}

fn verify(path: &Path) -> Result<(), Box<dyn Error>> {
    let (all, valid) = if path.is_dir() {
        let mut files: Vec<_> = fs::read_dir(path)?.map(|entry| Ok(entry?.path())).collect::<io::Result<_>>()?;
        files.sort_unstable();
        (files.len(), files.par_iter().filter(|file| fs::read(file).is_ok_and(|bytes| is_valid(&bytes))).count())
    } else {
        let file = BufReader::with_capacity(1 << 20, File::open(path)?);
        let lines: Vec<_> = file.split(b'\n').collect::<io::Result<_>>()?;
        (lines.len(), lines.par_iter().filter(|line| is_valid(line)).count())
    };
    if valid == all { Ok(()) } else { Err(format!("{valid} of {all} captures are valid").into()) }
}

fn is_valid(capture: &[u8]) -> bool {
    let Ok(capture) = serde_json::from_slice::<Value>(capture) else { return false };
    let request = &capture["request"];
    let headers = request["headers"].as_array().map_or(&[][..], Vec::as_slice);
    let header = |name: &str| {
        let header = headers.iter().find(|header| header[0] == name);
        header.and_then(|header| header[1].as_str()).unwrap_or_default()
    };
    let body = request["body"].as_str().unwrap_or_default();
    yardstick::verify(header("svix-id"), header("svix-timestamp"), header("svix-signature"), body.as_bytes())
}
