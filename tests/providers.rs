//! The contract of every provider directory: those in `fixtures`, and the ones that `HOOKDEV_PROVIDERS` names. Payloads
//! are validated by the `jsonschema` crate with formats asserted, and hookdev's own validator must agree with it.

mod vectors;

use std::{
    collections::{BTreeMap, BTreeSet},
    env,
    path::{Path, PathBuf},
};

use hookdev::{
    store::providers,
    webhook::{
        json,
        provider::{
            Provider,
            compose::{BodySource, SendContext},
            event::Event,
            files,
            payload::Payload,
            self_test::self_test,
        },
        request::Request,
        schema::SchemaDefinition,
        time::Timestamp,
    },
};
use jsonschema::Validator;
use serde_json::{Map, Value, json};

const SHIPPED: [&str; 53] = [
    "agora",
    "anthropic",
    "asana",
    "aspect",
    "assemblyai",
    "auphonic",
    "circleci",
    "clerk",
    "cloudflare-stream",
    "cloudinary",
    "cyanite",
    "deepgram",
    "discord",
    "elevenlabs",
    "fal",
    "frameio",
    "github",
    "gitlab",
    "hubspot",
    "hume",
    "jewelmusic",
    "kie",
    "lemonsqueezy",
    "linear",
    "livekit",
    "livepeer",
    "mailgun",
    "mux",
    "notion",
    "openai",
    "paddle",
    "pagerduty",
    "polar",
    "replicate",
    "resend",
    "retell",
    "sendgrid",
    "sentry",
    "shopify",
    "slack",
    "square",
    "standard-webhooks",
    "stripe",
    "svix",
    "transloadit",
    "twilio",
    "twitch",
    "typeform",
    "uploadcare",
    "vercel",
    "webflow",
    "whatsapp",
    "zoom",
];

/// The events that they document, by name.
const EVENTS: &[&str] = &[
    "agora.rtc.broadcaster_join",
    "agora.rtc.broadcaster_leave",
    "agora.rtc.channel_create",
    "agora.rtc.channel_destroy",
    "anthropic.agent.created",
    "anthropic.deployment_run.failed",
    "anthropic.deployment_run.succeeded",
    "anthropic.session.status_idled",
    "anthropic.session.thread_created",
    "asana.hook_secret",
    "asana.story.added",
    "asana.task.added",
    "asana.task.changed",
    "asana.task.deleted",
    "aspect.task.completed",
    "aspect.task.failed",
    "aspect.task.progress",
    "assemblyai.completed",
    "assemblyai.error",
    "assemblyai.redacted_audio_ready",
    "assemblyai.session",
    "auphonic.done",
    "auphonic.error",
    "circleci.job-completed",
    "circleci.workflow-completed",
    "clerk.user.created",
    "clerk.user.deleted",
    "clerk.user.updated",
    "cloudflare-stream.error",
    "cloudflare-stream.ready",
    "cloudinary.eager",
    "cloudinary.moderation",
    "cloudinary.upload",
    "cyanite.v1.in_depth_analysis.failed",
    "cyanite.v1.in_depth_analysis.finished",
    "cyanite.v1.musical_analysis.failed",
    "cyanite.v1.musical_analysis.finished",
    "cyanite.v1.spotify_track_analysis.failed",
    "cyanite.v1.spotify_track_analysis.finished",
    "cyanite.v1.test",
    "cyanite.v2.failed",
    "cyanite.v2.finished",
    "deepgram.Metadata",
    "deepgram.Results",
    "deepgram.transcription",
    "discord.APPLICATION_AUTHORIZED",
    "discord.APPLICATION_DEAUTHORIZED",
    "discord.ENTITLEMENT_CREATE",
    "discord.interaction_ping",
    "discord.ping",
    "elevenlabs.call_initiation_failure",
    "elevenlabs.post_call_audio",
    "elevenlabs.post_call_transcription",
    "elevenlabs.speech_to_text_transcription",
    "elevenlabs.voice_removal_notice",
    "fal.ERROR",
    "fal.OK",
    "fal.OK.payload_error",
    "frameio.comment.created",
    "frameio.file.ready",
    "frameio.project.created",
    "github.issues.opened",
    "github.ping",
    "github.pull_request.opened",
    "github.push",
    "gitlab.issue",
    "gitlab.merge_request",
    "gitlab.note",
    "gitlab.push",
    "hubspot.contact.creation",
    "hubspot.contact.propertyChange",
    "hubspot.deal.creation",
    "hume.chat_ended",
    "hume.chat_started",
    "hume.tool_call",
    "jewelmusic.fraud.action_required",
    "jewelmusic.fraud.bot_detection",
    "jewelmusic.fraud.resolved",
    "jewelmusic.fraud.suspicious_activity",
    "jewelmusic.release.created",
    "jewelmusic.release.live",
    "jewelmusic.release.rejected",
    "jewelmusic.release.submitted",
    "jewelmusic.royalty.payment.completed",
    "jewelmusic.royalty.payment.pending",
    "jewelmusic.royalty.reported",
    "jewelmusic.royalty.threshold.reached",
    "jewelmusic.track.analyzed",
    "jewelmusic.track.processed",
    "jewelmusic.track.transcribed",
    "jewelmusic.track.uploaded",
    "kie.complete",
    "kie.error",
    "kie.first",
    "lemonsqueezy.license_key_created",
    "lemonsqueezy.order_created",
    "lemonsqueezy.subscription_created",
    "linear.Comment.create",
    "linear.Issue.create",
    "linear.Issue.update",
    "livekit.egress_ended",
    "livekit.participant_joined",
    "livekit.room_started",
    "livepeer.asset.ready",
    "livepeer.recording.ready",
    "livepeer.stream.started",
    "mailgun.delivered",
    "mailgun.failed",
    "mailgun.opened",
    "mux.video.asset.errored",
    "mux.video.asset.ready",
    "mux.video.live_stream.active",
    "notion.comment.created",
    "notion.page.content_updated",
    "notion.page.created",
    "notion.verification",
    "openai.batch.completed",
    "openai.fine_tuning.job.succeeded",
    "openai.realtime.call.incoming",
    "openai.response.completed",
    "openai.response.failed",
    "paddle.customer.created",
    "paddle.subscription.created",
    "paddle.transaction.completed",
    "pagerduty.incident.acknowledged",
    "pagerduty.incident.annotated",
    "pagerduty.incident.resolved",
    "pagerduty.incident.triggered",
    "pagerduty.service.updated",
    "polar.customer.created",
    "polar.order.created",
    "polar.order.paid",
    "replicate.failed",
    "replicate.starting",
    "replicate.succeeded",
    "resend.email.bounced",
    "resend.email.delivered",
    "resend.email.sent",
    "retell.call_analyzed",
    "retell.call_ended",
    "retell.call_started",
    "sendgrid.bounce",
    "sendgrid.delivered",
    "sendgrid.dropped",
    "sendgrid.processed",
    "sentry.comment.created",
    "sentry.event_alert.triggered",
    "sentry.issue.created",
    "shopify.app/uninstalled",
    "shopify.orders/create",
    "shopify.products/update",
    "slack.app_mention",
    "slack.message",
    "slack.reaction_added",
    "slack.url_verification",
    "square.payment.created",
    "square.payment.updated",
    "square.webhooks.test_notification",
    "standard-webhooks.contact.created",
    "standard-webhooks.contact.updated",
    "standard-webhooks.example.event",
    "stripe.checkout.session.completed",
    "stripe.customer.subscription.created",
    "stripe.invoice.paid",
    "svix.endpoint.created",
    "svix.endpoint.disabled",
    "svix.message.attempt.exhausted",
    "transloadit.ASSEMBLY_CANCELED",
    "transloadit.ASSEMBLY_COMPLETED",
    "transloadit.REQUEST_ABORTED",
    "transloadit.error",
    "twilio.message.delivered",
    "twilio.message.received",
    "twilio.message.undelivered",
    "twitch.channel.follow",
    "twitch.channel.subscribe",
    "twitch.revocation",
    "twitch.stream.online",
    "twitch.webhook_callback_verification",
    "typeform.form_response",
    "typeform.form_response_partial",
    "uploadcare.file.deleted",
    "uploadcare.file.infected",
    "uploadcare.file.stored",
    "uploadcare.file.uploaded",
    "vercel.deployment.created",
    "vercel.deployment.error",
    "vercel.deployment.succeeded",
    "webflow.form_submission",
    "webflow.page_created",
    "webflow.site_publish",
    "whatsapp.messages.image",
    "whatsapp.messages.text",
    "whatsapp.statuses.delivered",
    "whatsapp.subscribe",
    "zoom.meeting.ended",
    "zoom.meeting.started",
    "zoom.recording.completed",
    "zoom.url_validation",
];

/// The built-in providers.
fn shipped() -> Vec<Provider> {
    providers::read(&Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures")).expect("sound folders")
}

/// All providers to test.
fn providers() -> Vec<Provider> {
    let folders = env::var_os("HOOKDEV_PROVIDERS").unwrap_or_default();
    let named: Vec<PathBuf> = env::split_paths(&folders).filter(|path| !path.as_os_str().is_empty()).collect();
    let named = named.iter().flat_map(|folder| providers::read(folder).unwrap_or_else(|error| panic!("{error}")));
    shipped().into_iter().chain(named).collect()
}

/// Both validators of one provider's payloads.
struct Judges<'a> {
    provider: &'a Provider,
    schema: Value,
    root: Validator,
    definitions: BTreeMap<String, Validator>,
}

impl<'a> Judges<'a> {
    /// `None` for a provider without a schema.
    fn of(provider: &'a Provider) -> Option<Self> {
        let schema: Value = serde_json::from_str(provider.files().get(files::SCHEMA)?).expect("JSON");
        let build =
            |schema: &Value| jsonschema::options().should_validate_formats(true).build(schema).expect("a JSON Schema");
        let names = schema["$defs"].as_object().expect("$defs").keys();
        let definitions = names.map(|name| {
            let only = json!({
                "$schema": schema["$schema"], "$defs": schema["$defs"], "$ref": format!("#/$defs/{name}"),
            });
            (name.clone(), build(&only))
        });
        Some(Self { provider, root: build(&schema), definitions: definitions.collect(), schema: schema.clone() })
    }

    /// Whether a payload satisfies a definition; both validators must agree.
    #[track_caller]
    fn agree_by(&self, definition: &str, payload: &Value) -> bool {
        let ours = self.provider.schema().expect("a schema").definition(definition).expect("a definition");
        self.agree(ours, &self.definitions[definition], payload, definition)
    }

    /// The same for the root of the schema.
    #[track_caller]
    fn agree_by_root(&self, payload: &Value) -> bool {
        self.agree(self.provider.schema().expect("a schema").root(), &self.root, payload, "the root")
    }

    #[track_caller]
    fn agree(&self, ours: SchemaDefinition<'_>, oracle: &Validator, payload: &Value, by: &str) -> bool {
        let text = payload.to_string();
        let report = ours.check(&json::parse(&text).expect("JSON"));
        let expected = oracle.is_valid(payload);
        assert_eq!(report.errors.is_empty(), expected, "{}: {text} by {by}: {report:?}", self.provider.name);
        expected
    }

    /// The paths of all keys that a definition requires, as pointers.
    fn required(&self, definition: &Value, at: &str) -> Vec<String> {
        let target = definition["$ref"].as_str().map(|reference| {
            self.schema.pointer(reference.strip_prefix('#').expect("a local $ref")).expect("a definition")
        });
        let mut paths = target.map(|target| self.required(target, at)).unwrap_or_default();
        let keys = definition["required"].as_array().into_iter().flatten().filter_map(Value::as_str);
        paths.extend(keys.map(|key| format!("{at}/{key}")));
        for (key, property) in definition["properties"].as_object().into_iter().flatten() {
            paths.extend(self.required(property, &format!("{at}/{key}")));
        }
        if definition.get("items").is_some() {
            paths.extend(self.required(&definition["items"], &format!("{at}/0")));
        }
        paths
    }
}

/// The events of a provider that have a payload: all but the handshakes, which no schema describes.
fn events(provider: &Provider) -> impl Iterator<Item = &Event> {
    provider.events.iter().filter(|event| event.handshake.is_none())
}

/// The payloads of an event in the directory: the fixture, and the fixture with each variant's changes.
fn written(event: &Event) -> Vec<Value> {
    let fixture: Value = serde_json::from_str(&event.fixture).expect("JSON");
    let varied = event.variants.iter().map(|variant| {
        let mut payload = fixture.clone();
        for (path, text) in variant {
            *payload.pointer_mut(&path.pointer()).expect("a value to vary") = json!(text);
        }
        payload
    });
    std::iter::once(fixture.clone()).chain(varied).collect()
}

/// The payloads of an event as they are sent, with fresh ids and times.
fn drafted(provider: &Provider, event: &Event) -> Vec<Value> {
    let variants = event.variants.iter().map(|variant| Some(variant.as_slice()));
    let draft = |variant| {
        let moment = SendContext { now: Timestamp::from_unix_seconds(1_772_442_920), id: None, entropy: [42; 32] };
        let draft = provider.draft(event, BodySource::Fixture(variant, &[]), &moment).expect("a draft");
        // A fixture that is sent byte for byte has nothing fresh in it.
        serde_json::from_str(draft.payload().unwrap_or(&event.fixture)).expect("JSON")
    };
    std::iter::once(None).chain(variants).map(draft).collect()
}

#[test]
fn the_events_are_those_that_the_providers_document() {
    let shipped = shipped();
    let mut names: Vec<&str> =
        shipped.iter().flat_map(|provider| &provider.events).map(|event| event.full_name.as_str()).collect();
    names.sort_unstable();
    assert_eq!(names, EVENTS);
}

#[test]
fn every_provider_meets_its_own_manifest() {
    for provider in providers() {
        assert_eq!(self_test(&provider), [], "{}", provider.name);
        assert_eq!(provider.cautions(), [], "{}", provider.name);
    }
}

#[test]
fn every_payload_matches_its_definition_and_the_root_schema() {
    for provider in providers() {
        let Some(judges) = Judges::of(&provider) else { continue };
        for event in events(&provider) {
            for payload in written(event).iter().chain(&drafted(&provider, event)) {
                assert!(judges.agree_by_root(payload), "{}: {payload}", event.full_name);
                let Some(definition) = &event.schema else { continue };
                assert!(judges.agree_by(definition, payload), "{}: {payload}", event.full_name);
            }
        }
    }
}

#[test]
fn every_documented_analysis_of_cyanite_has_a_fixture() {
    let shipped = shipped();
    let cyanite = shipped.iter().find(|provider| provider.name == "cyanite").expect("cyanite");
    let analyses = |event: &str| {
        let event = cyanite.event(event).expect("an event");
        written(event).iter().map(|payload| payload["event"]["type"].as_str().expect("a type").to_owned()).collect()
    };
    for event in ["v2.finished", "v2.failed"] {
        let types: Vec<String> = analyses(event);
        assert_eq!(types, ["AudioAnalysisV6", "FastMusicalAnalysis", "FullScaleMusicalAnalysis", "InDepthAnalysis"]);
    }
    for event in ["v1.musical_analysis.finished", "v1.musical_analysis.failed"] {
        assert_eq!(analyses(event), ["FAST_MUSICAL_ANALYSIS", "FULL_SCALE_MUSICAL_ANALYSIS"]);
    }
}

#[test]
fn a_payload_without_a_required_key_violates_its_schema() {
    let mut dropped = BTreeMap::new();
    for provider in providers() {
        let Some(judges) = Judges::of(&provider) else { continue };
        for event in events(&provider) {
            let Some(definition) = &event.schema else { continue };
            for pointer in judges.required(&judges.schema["$defs"][definition], "") {
                let (parent, key) = pointer.rsplit_once('/').expect("a key");
                let mut payload = written(event).remove(0);
                let parent = payload.pointer_mut(parent).and_then(Value::as_object_mut).expect("an object");
                assert!(parent.remove(key).is_some(), "{}: {pointer}", event.full_name);
                assert!(!judges.agree_by(definition, &payload), "{} without {pointer}", event.full_name);
                *dropped.entry(provider.name.clone()).or_insert(0) += 1;
            }
        }
    }
    // Counted by hand in the schemas: each event's required keys, including those of the first item of a list.
    let expected = [
        ("agora", 37),
        ("anthropic", 41),
        ("asana", 35),
        ("aspect", 3 * 20),
        ("assemblyai", 19),
        ("auphonic", 2 * 3),
        ("circleci", 55),
        ("clerk", 66),
        ("cloudflare-stream", 22),
        ("cloudinary", 21),
        ("cyanite", 2 * 7 + 2 + 4 * 3 + 2 * 5),
        ("deepgram", 29),
        ("discord", 33),
        ("elevenlabs", 18 + 5 + 6),
        ("fal", 14),
        ("frameio", 36),
        ("github", 116),
        ("gitlab", 119),
        ("hubspot", 24),
        ("hume", 22),
        ("jewelmusic", 15 * 4 + 16),
        ("kie", 18),
        ("lemonsqueezy", 92),
        ("linear", 46),
        ("livekit", 22),
        ("livepeer", 28),
        ("mailgun", 45),
        ("mux", 51),
        ("notion", 55),
        ("openai", 28),
        ("paddle", 88),
        ("pagerduty", 158),
        ("polar", 110),
        ("replicate", 36),
        ("resend", 27),
        ("retell", 23),
        ("sendgrid", 20),
        ("sentry", 64),
        ("shopify", 56),
        ("slack", 48),
        ("square", 53),
        ("standard-webhooks", 11),
        ("stripe", 79),
        ("svix", 17),
        ("transloadit", 17),
        ("twilio", 17),
        ("twitch", 60),
        ("typeform", 36),
        ("uploadcare", 44),
        ("vercel", 51),
        ("webflow", 23),
        ("whatsapp", 54),
        ("zoom", 33),
    ];
    for (name, count) in expected {
        assert_eq!(dropped.get(name), Some(&count), "{name}");
    }
}

/// A document with each of its values replaced by one of each other kind, and each of its members and items removed.
fn mutants(document: &Value) -> Vec<Value> {
    let kinds = json!([null, true, 0, -1, 1.5, 1e300, "", "x", "2", "2025-01-01T12:00:00Z", [], {}, [1], {"a": 1}]);
    let mut mutants = kinds.as_array().expect("an array").clone();
    match document {
        Value::Object(members) => {
            for (key, value) in members {
                let others: Map<String, Value> =
                    members.iter().filter(|(other, _)| *other != key).map(|(k, v)| (k.clone(), v.clone())).collect();
                let with = |value| others.clone().into_iter().chain([(key.clone(), value)]).collect::<Map<_, _>>();
                mutants.push(others.clone().into());
                mutants.extend(self::mutants(value).into_iter().map(|mutant| with(mutant).into()));
            }
        }
        Value::Array(items) => {
            for (place, item) in items.iter().enumerate() {
                let mut others = items.clone();
                others.remove(place);
                mutants.push(others.into());
                for mutant in self::mutants(item) {
                    let mut with = items.clone();
                    with[place] = mutant;
                    mutants.push(with.into());
                }
            }
        }
        _ => {}
    }
    mutants
}

#[test]
fn every_change_of_a_payload_is_judged_like_the_jsonschema_crate_does() {
    let mut verdicts = BTreeMap::new();
    for provider in providers() {
        let Some(judges) = Judges::of(&provider) else { continue };
        for event in events(&provider) {
            for payload in written(event) {
                for mutant in mutants(&payload) {
                    judges.agree_by_root(&mutant);
                    let Some(definition) = &event.schema else { continue };
                    let valid = judges.agree_by(definition, &mutant);
                    *verdicts.entry((provider.name.clone(), valid)).or_insert(0) += 1;
                }
            }
        }
    }
    for name in SHIPPED {
        let of = |valid| verdicts.get(&(name.to_owned(), valid)).copied().unwrap_or(0);
        // Frame.io's payloads have only ids and constants, all of them required: no change keeps one valid.
        let has_valid = name != "frameio";
        assert!(of(false) > 50 && (of(true) > 1) == has_valid, "{name}: {} invalid and {} valid", of(false), of(true));
    }
}

/// The payload of a request for a standard validator: JSON, or an object of a form's fields.
fn standard(provider: &Provider, request: &Request) -> Option<Value> {
    let decoded = provider.decode(request, 1 << 20).expect("a body that can be decoded");
    if let Some(json) = decoded.json_in_form() {
        return serde_json::from_str(json).ok();
    }
    let body = decoded.bytes();
    let is_form = request.media_type().is_some_and(|media| media.contains("form"));
    if !is_form {
        return serde_json::from_slice(body).ok();
    }
    let payload = Payload::parse(request, body);
    Some(payload.fields().map(|(name, text)| (name.to_owned(), json!(text))).collect::<Map<_, _>>().into())
}

/// What the source of a vector rests on: the bases in the order of their strength.
#[track_caller]
fn basis_of(source: &str) -> &'static str {
    const OURS: [&str; 6] =
        ["computed with ", "signed with ", "written by hand", "built in Python", "nothing to ", "what "];
    let has_changed = source.contains(", changed; refused by ");
    // A repository and a path in it, or a page.
    let is_file = source.split(' ').take(2).any(|word| word.contains('/'));
    let is_document = ["documentation", "documented", "own sign test"].iter().any(|words| source.contains(words));
    if source.starts_with("signed by ") || source.contains("; accepted by ") {
        "code"
    } else if has_changed || OURS.iter().any(|ours| source.starts_with(ours)) {
        "rule"
    } else if is_file || is_document {
        "published"
    } else {
        panic!("an unknown kind of source: {source}")
    }
}

/// The strongest evidence among the sources of a file's vectors.
fn strongest<'a>(sources: impl Iterator<Item = &'a str>) -> Option<&'static str> {
    let found: BTreeSet<&str> = sources.map(basis_of).collect();
    ["published", "code", "rule"].into_iter().find(|basis| found.contains(basis))
}

#[test]
fn every_file_of_vectors_says_what_its_signatures_rest_on() {
    let mut files = BTreeMap::new();
    for provider in shipped() {
        let vectors = vectors::of(&provider);
        let basis = vectors::basis(&provider);
        assert_eq!(basis.as_deref(), strongest(vectors.iter().map(|it| &*it.source)), "{}", provider.name);
        files.entry(basis).or_insert_with(Vec::new).push(provider.name.clone());
    }
    // Two send a token, the documentation of the third shows a signature without its body, and no code of GitLab's own
    // was run.
    assert_eq!(files[&Some("rule".to_owned())], ["assemblyai", "cloudflare-stream", "deepgram", "gitlab"]);
}

#[test]
fn every_vector_agrees_with_the_jsonschema_crate() {
    let mut statuses = BTreeMap::new();
    for provider in providers() {
        let Some(judges) = Judges::of(&provider) else { continue };
        for vector in vectors::of(&provider) {
            let event = vector.event.as_deref().and_then(|name| provider.event(name));
            let status = match (provider.schema_of(event), standard(&provider, &vector.request())) {
                (Some(definition), Some(payload)) if judges.agree_by(definition, &payload) => "valid",
                (Some(_), Some(_)) => "invalid",
                _ => "unknown",
            };
            assert_eq!(status, vector.payload, "{} {}", provider.name, vector.id);
            *statuses.entry((provider.name.clone(), status)).or_insert(0) += 1;
        }
    }
    for name in SHIPPED {
        for status in ["valid", "invalid"] {
            assert!(
                statuses.contains_key(&(name.to_owned(), status)),
                "no vector of {name} has a payload that is {status}"
            );
        }
    }
}
