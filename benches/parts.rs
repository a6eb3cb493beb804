//! What each step of handling a delivery costs. `bare` in a group is the plainest way to do the same work, where there
//! is one. Compare within one run only.

use std::{fs, hint::black_box, path::Path, sync::Arc, time::Duration};

use base64::{Engine, engine::general_purpose::STANDARD};
use criterion::{BatchSize, Criterion, criterion_group, criterion_main};
use hmac::{Hmac, KeyInit, Mac};
use http::{HeaderName, HeaderValue, Method};
use jiff::tz::TimeZone;
use serde_json::Value;

use hookdev::{
    render::{
        json,
        palette::Palette,
        payload::{BodyLayout, BodyLimits},
        pretty::Page,
    },
    store::formats,
    webhook::{
        assessment::Judge,
        diagnose::{Clock, RejectedRequest, diagnose},
        keyring::{Keyring, SecretSource},
        place::{self, Lookup},
        provider::{Provider, catalog::Catalog, payload::Payload},
        record::Delivery,
        remedy::Remedy,
        request::{Headers, Request},
        schema::Schema,
        signature::{Receipt, SigningInput, SigningSecret, Verdict},
        time::Timestamp,
    },
};

const NOW: Timestamp = Timestamp::from_unix_seconds(1_735_732_800);

/// A built-in provider, and a valid delivery of one of its events.
struct Sample {
    catalog: Catalog,
    provider: Arc<Provider>,
    keyring: Keyring,
    request: Request,
}

impl Sample {
    fn new() -> Self {
        let catalog = Catalog::builtin();
        let (provider, event) = catalog.event("aspect.task.completed").expect("it is built in");
        let provider = Arc::clone(provider);
        let body = serde_json::from_str::<Value>(&event.fixture).expect("it is JSON").to_string();
        let mut headers = Headers::new();
        headers.push(HeaderName::from_static("host"), HeaderValue::from_static("localhost:4400"));
        headers.push(HeaderName::from_static("user-agent"), HeaderValue::from_static("Svix-Webhooks/1.24"));
        headers.push(HeaderName::from_static("content-type"), HeaderValue::from_static("application/json"));
        let mut request = Request { method: Method::POST, target: "/aspect".to_owned(), headers, body: body.into() };
        let rule = provider.secret.as_ref().expect("it signs its deliveries");
        let secret = SigningSecret::parse(&rule.development, &rule.format).expect("it is well-formed");
        let message = SigningInput { request: &request, id: "msg_0", time: NOW, url: None };
        for (place, value) in provider.schemes[0].sign(&secret, &message).expect("a secret signs") {
            place::write(&mut request, place, &value);
        }
        let mut keyring = Keyring::default();
        keyring.add(&provider.name, secret, SecretSource::Flag);
        Self { catalog, provider, keyring, request }
    }

    fn secrets(&self) -> &[SigningSecret] {
        self.keyring.secrets(&self.provider.name)
    }

    fn judge(&self) -> Judge<'_> {
        Judge {
            catalog: &self.catalog,
            keyring: &self.keyring,
            provider: None,
            accepts_development: true,
            decoded_limit: 1 << 20,
        }
    }

    fn delivery(&self) -> Delivery {
        Delivery {
            seq: 1,
            received_at: NOW,
            repeat: None,
            request: self.request.clone(),
            assessment: self.judge().assess(&self.request, Some(NOW).into()),
            status: 200,
            elapsed: Duration::from_micros(123),
            forwards: Vec::new(),
            not_forwarded: None,
            capture: None,
            capture_error: None,
            sender_closed: false,
        }
    }
}

fn wording(remedy: &Remedy) -> String {
    format!("{remedy:?}")
}

/// A keyed MAC.
fn bare_mac() -> Hmac<sha2::Sha256> {
    Hmac::new_from_slice(b"hookdev-development-secret-aspect").expect("any length is a key")
}

fn bare_signature(mac: &Hmac<sha2::Sha256>, body: &[u8]) -> String {
    let mac = mac.clone().chain_update("msg_0.1735732800.").chain_update(body);
    format!("v1,{}", STANDARD.encode(mac.finalize().into_bytes()))
}

fn signatures(criterion: &mut Criterion) {
    let sample = Sample::new();
    let (body, mac) = (&sample.request.body, bare_mac());
    let mut group = criterion.benchmark_group("sign");
    group.bench_function("bare", |b| b.iter(|| bare_signature(&mac, black_box(body))));
    let message = SigningInput { request: &sample.request, id: "msg_0", time: NOW, url: None };
    let (scheme, secret) = (&sample.provider.schemes[0], &sample.secrets()[0]);
    group.bench_function("scheme", |b| b.iter(|| scheme.sign(secret, black_box(&message))));
    group.finish();

    let mut group = criterion.benchmark_group("verify");
    let signature = bare_signature(&mac, body);
    group.bench_function("bare", |b| {
        b.iter(|| {
            let given = STANDARD.decode(&black_box(&signature)[3..]).expect("it was encoded above");
            mac.clone().chain_update("msg_0.1735732800.").chain_update(body).verify_slice(&given)
        });
    });
    let receipt = Receipt::from(Some(NOW));
    let verify = || sample.provider.verify(sample.secrets(), black_box(&sample.request), None, receipt);
    assert!(matches!(verify(), Verdict::Verified(_)));
    group.bench_function("provider", |b| b.iter(verify));
    group.finish();
}

fn identification(criterion: &mut Criterion) {
    let sample = Sample::new();
    let (request, body) = (&sample.request, &sample.request.body);
    let mut group = criterion.benchmark_group("identify");
    group.bench_function("bare parse", |b| b.iter(|| serde_json::from_slice::<Value>(black_box(body))));
    group.bench_function("parse", |b| b.iter(|| Payload::parse(black_box(request), body)));
    let payload = Payload::parse(request, body);
    group.bench_function("by path", |b| b.iter(|| sample.catalog.by_path(black_box(request))));
    group.bench_function("by content", |b| {
        b.iter(|| sample.catalog.by_content(black_box(&Lookup::of(request, &payload))));
    });
    group.bench_function("event", |b| b.iter(|| sample.provider.event_of(black_box(&Lookup::of(request, &payload)))));
    group.bench_function("assess", |b| {
        b.iter(|| sample.judge().assess(black_box(request), Some(NOW).into()));
    });
    group.finish();
}

fn schemas(criterion: &mut Criterion) {
    let sample = Sample::new();
    let schema: Value =
        serde_json::from_str(sample.provider.files().get("schema.json").expect("it is embedded")).expect("it is JSON");
    let name = sample.provider.schema_of(sample.provider.event("task.completed")).expect("it has one");
    let mut whole = schema.clone();
    whole["$ref"] = format!("#/$defs/{name}").into();
    let reference = jsonschema::validator_for(&whole).expect("it is a schema");
    let value: Value = serde_json::from_slice(&sample.request.body).expect("it is JSON");
    let payload = Payload::parse(&sample.request, &sample.request.body);
    let root = payload.root().expect("it is JSON");
    let definition = sample.provider.schema().expect("it is a schema").definition(name).expect("it is defined");
    assert!(definition.check(root).is_valid() && reference.is_valid(&value));
    let mut group = criterion.benchmark_group("schema");
    group.bench_function("bare", |b| b.iter(|| reference.is_valid(black_box(&value))));
    group.bench_function("check", |b| b.iter(|| definition.check(black_box(root))));
    let text = schema.to_string();
    group.bench_function("build", |b| b.iter(|| Schema::parse(black_box(&text))));
    group.finish();
}

fn rendering(criterion: &mut Criterion) {
    let sample = Sample::new();
    let delivery = sample.delivery();
    let mut line = Vec::new();
    json::delivery(&delivery, wording, &mut line);
    let value: Value = serde_json::from_slice(&line).expect("it is JSON");
    let payload: Value = serde_json::from_slice(&sample.request.body).expect("it is JSON");
    let limits = BodyLimits::FULL;
    let page = Page {
        palette: Palette::new(true),
        width: None,
        zone: TimeZone::UTC,
        body: Some(limits),
        decoded_limit: 1 << 20,
        wording,
        verbose: false,
    };
    let mut group = criterion.benchmark_group("render");
    let mut text = String::new();
    group.bench_function("bare json", |b| {
        b.iter(|| {
            line.clear();
            serde_json::to_writer(&mut line, black_box(&value))
        });
    });
    group.bench_function("json", |b| {
        b.iter(|| {
            line.clear();
            json::delivery(black_box(&delivery), wording, &mut line);
        });
    });
    group.bench_function("bare pretty", |b| {
        b.iter(|| {
            line.clear();
            serde_json::to_writer_pretty(&mut line, black_box(&payload))
        });
    });
    let layout = BodyLayout { palette: Palette::new(true), margin: 2, limits };
    group.bench_function("pretty payload", |b| {
        b.iter(|| {
            text.clear();
            layout.json(black_box(&sample.request.body), &mut text)
        });
    });
    group.bench_function("pretty", |b| {
        b.iter(|| {
            text.clear();
            page.delivery(black_box(&delivery), &mut text);
        });
    });
    group.finish();
}

fn diagnosis(criterion: &mut Criterion) {
    let sample = Sample::new();
    let receipt = Receipt::from(Some(NOW));
    let mut group = criterion.benchmark_group("diagnose");
    // The first is found early, because the body was re-serialised. For the second, every hypothesis is tried.
    let value: Value = serde_json::from_slice(&sample.request.body).expect("it is JSON");
    let spaced = serde_json::to_string_pretty(&value).expect("it is JSON");
    for (name, body) in [("reserialised", spaced), ("unexplained", "{\"another\":\"payload\"}".to_owned())] {
        let request = Request { body: body.into(), ..sample.request.clone() };
        let Verdict::Rejected(rejection) = sample.provider.verify(sample.secrets(), &request, None, receipt) else {
            unreachable!("another body is rejected");
        };
        let (provider, catalog, keyring) = (&sample.provider, &sample.catalog, &sample.keyring);
        let case = RejectedRequest {
            provider,
            request: &request,
            rejection: &rejection,
            receipt,
            clock: Clock::Live,
            catalog,
            keyring,
        };
        group.bench_function(name, |b| b.iter(|| diagnose(black_box(&case))));
    }
    group.finish();
}

fn capture_formats(criterion: &mut Criterion) {
    let mut inputs = vec![("hookdev.ndjson".to_owned(), Vec::new())];
    for _ in 0..2 {
        json::delivery(&Sample::new().delivery(), wording, &mut inputs[0].1);
    }
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/formats");
    for entry in fs::read_dir(folder).expect("the samples are there").flatten() {
        let name = entry.file_name().to_string_lossy().into_owned();
        let text = fs::read(entry.path()).unwrap_or_default();
        // The directory has other files too.
        let readable =
            |text: &[u8]| formats::read(Path::new("-"), text).is_ok_and(|mut all| all.any(|one| one.is_ok()));
        if readable(&text) {
            inputs.push((name, text));
        }
    }
    inputs.sort();
    let mut group = criterion.benchmark_group("read a capture");
    for (name, text) in &inputs {
        group.bench_function(name, |b| {
            b.iter_batched(
                || text.as_slice(),
                |text| formats::read(Path::new("-"), text).map(|entries| entries.flatten().count()),
                BatchSize::SmallInput,
            );
        });
        let values =
            |text: &[u8]| serde_json::Deserializer::from_slice(text).into_iter::<Value>().all(|one| one.is_ok());
        if values(text) {
            group.bench_function(format!("{name}, bare"), |b| b.iter(|| values(black_box(text))));
        }
    }
    group.finish();
}

criterion_group! {
    name = parts;
    config = Criterion::default().warm_up_time(Duration::from_millis(300)).measurement_time(Duration::from_secs(1));
    targets = signatures, identification, schemas, rendering, diagnosis, capture_formats
}
criterion_main!(parts);
