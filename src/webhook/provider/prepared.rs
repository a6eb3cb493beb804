//! An event prepared for sending many times: fixture, variant and overrides are merged once, and each
//! delivery only gets its id and fresh values.

use bytes::Bytes;

use super::{
    Provider,
    compose::{BodyContent, BodySource, DeliveryDraft, SendContext},
    event::Event,
};
use crate::webhook::{
    fresh::{Fresh, FreshSource, seed_of},
    json::{self, Path},
    overrides::{self, Override, OverrideError, PayloadTemplate},
    place::Place,
    time::Timestamp,
};

/// An event from which deliveries are drafted.
#[derive(Clone, Debug)]
pub struct PreparedEvent {
    /// The event's name, without the provider's name.
    event: String,
    /// Whether the provider sends it without a signature.
    pub unsigned: bool,
    /// The template of a delivery's id.
    id: Option<Fresh>,
    /// Values outside the body that are new in each delivery.
    extras: Vec<(Place, Fresh)>,
    ingredients: Ingredients,
}

/// A draft whose id and fresh values are marks.
pub(super) struct Marked<'a> {
    pub draft: DeliveryDraft,
    /// The mark of the id.
    pub id: String,
    /// The other marks, each with the path that it is for and its template.
    pub values: Vec<(String, &'a str, &'a Fresh)>,
}

#[derive(Clone, Debug)]
enum Ingredients {
    /// A payload with blanks, and for each blank a unique label and its template.
    Payload(PayloadTemplate, Vec<(String, Fresh)>),
    /// The user's own bytes.
    Bytes(Bytes),
}

impl Provider {
    /// Prepares an event.
    ///
    /// # Errors
    ///
    /// If an override does not fit the payload.
    pub fn prepare(&self, event: &Event, source: BodySource<'_>) -> Result<PreparedEvent, OverrideError> {
        let ingredients = match source {
            BodySource::Bytes(bytes) => Ingredients::Bytes(bytes.clone()),
            // Bytes that are sent as they are, or a handshake without a body.
            BodySource::Fixture(None, []) if event.raw.is_some() || event.fixture.is_empty() => {
                Ingredients::Bytes(event.raw.clone().unwrap_or_default())
            }
            BodySource::Fixture(variant, overrides) => self.payload(event, variant.unwrap_or_default(), overrides)?,
        };
        let extras = event.handshake.as_ref().map(|handshake| handshake.extras.clone()).unwrap_or_default();
        let (id, unsigned) = (self.delivery.id.clone(), event.unsigned);
        Ok(PreparedEvent { event: event.name.clone(), unsigned, id, extras, ingredients })
    }

    /// Prepares a payload. While it is edited, each fresh value is replaced by a mark: an override that sets or
    /// removes the value removes the mark, and one that moves it moves the mark.
    fn payload(
        &self,
        event: &Event,
        variant: &[(Path, String)],
        overrides: &[Override],
    ) -> Result<Ingredients, OverrideError> {
        let mut text = event.fixture.clone().into_owned();
        for (path, value) in variant {
            text = overrides::replace(&text, path, value)?;
        }
        let (mut marks, mut values) = (Vec::new(), Vec::new());
        let seed = seed_of(&text);
        let fresh: Vec<(Path, &Fresh)> = match (&self.list, json::parse(&text)) {
            (Some(list), Ok(root)) => {
                let in_each = |(path, fresh)| list.in_each(&root, path).into_iter().map(move |path| (path, fresh));
                self.fresh.iter().map(|(path, fresh)| (path, fresh)).flat_map(in_each).collect()
            }
            _ => self.fresh.iter().map(|(path, fresh)| (path.clone(), fresh)).collect(),
        };
        for (path, fresh) in &fresh {
            // A payload of another shape may lack the field.
            if json::parse(&text).is_ok_and(|root| root.get(path).is_some()) {
                let label = path.to_string();
                let mark = mark(&seed, &label);
                text = overrides::replace(&text, path, &mark)?;
                marks.push(mark);
                values.push((label, (*fresh).clone()));
            }
        }
        let text = overrides::apply(&text, overrides)?;
        let sent = match json::parse(&text) {
            Ok(_) if self.delivery.indented => text.trim().to_owned(),
            Ok(root) => {
                let mut compact = String::with_capacity(text.len());
                json::compact(&text, &root, &mut compact);
                compact
            }
            Err(_) => String::new(),
        };
        Ok(Ingredients::Payload(PayloadTemplate::marked(sent, &marks)?, values))
    }
}

/// A text that is also a valid number, so that it can replace either, and that does not occur by chance.
fn mark(seed: &[u8; 32], label: &str) -> String {
    let digits = Fresh::try_from("1{digits:40}".to_owned());
    let source = FreshSource::new(Timestamp::from_unix_seconds(0), seed);
    digits.map(|digits| digits.make(&source, label)).unwrap_or_default()
}

impl PreparedEvent {
    /// A draft with a mark in the place of its id and of each fresh value, and what each mark stands for. A mark is a
    /// text of digits that does not occur otherwise.
    pub(super) fn marked(&self) -> Marked<'_> {
        let seed = match &self.ingredients {
            Ingredients::Bytes(bytes) => seed_of(&String::from_utf8_lossy(bytes)),
            Ingredients::Payload(template, _) => seed_of(&template.fill::<&str>(&[])),
        };
        let id = mark(&seed, "id");
        let mut marks = Vec::new();
        let content = match &self.ingredients {
            Ingredients::Bytes(bytes) => BodyContent::Bytes(bytes.clone()),
            Ingredients::Payload(template, values) => {
                marks.extend(
                    values.iter().map(|(label, fresh)| (mark(&seed, &format!("body {label}")), label.as_str(), fresh)),
                );
                BodyContent::Payload(template.fill_with(|index, value| value.push_str(&marks[index].0)).into())
            }
        };
        let draft = DeliveryDraft {
            id: id.clone(),
            event: self.event.clone(),
            unsigned: self.unsigned,
            content,
            extras: Vec::new(),
            seed,
        };
        Marked { draft, id, values: marks }
    }

    /// The template of the delivery's id.
    pub(super) const fn id(&self) -> Option<&Fresh> {
        self.id.as_ref()
    }

    /// The same event with this payload, which has no fresh values.
    ///
    /// # Errors
    ///
    /// If the event's payload is JSON, and this one is not.
    pub fn with_payload(&self, payload: Bytes) -> Result<Self, OverrideError> {
        let ingredients = match self.ingredients {
            Ingredients::Bytes(_) => Ingredients::Bytes(payload),
            Ingredients::Payload(..) => {
                Ingredients::Payload(PayloadTemplate::marked(String::from_utf8_lossy(&payload), &[])?, Vec::new())
            }
        };
        Ok(Self { ingredients, ..self.clone() })
    }

    /// Drafts a delivery.
    #[must_use]
    pub fn draft(&self, context: &SendContext) -> DeliveryDraft {
        let seed = context.id.as_deref().map_or(context.entropy, seed_of);
        let source = FreshSource::new(context.now, &seed);
        let id = context.id.clone().or_else(|| self.id.as_ref().map(|id| id.make(&source, "id"))).unwrap_or_default();
        let extra = |(place, fresh): &(Place, Fresh)| {
            (place.clone(), fresh.make(&source.clone().with_id(&id), &place.to_string()))
        };
        let extras = self.extras.iter().map(extra).collect();
        let body = match &self.ingredients {
            Ingredients::Bytes(bytes) => BodyContent::Bytes(bytes.clone()),
            Ingredients::Payload(template, values) => {
                let source = source.clone().with_id(&id);
                let text = template.fill_with(|index, value| {
                    let (label, fresh) = &values[index];
                    fresh.write(&source, label, value);
                });
                BodyContent::Payload(text.into())
            }
        };
        DeliveryDraft { id, event: self.event.clone(), unsigned: self.unsigned, content: body, extras, seed }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::webhook::provider::files::ProviderFiles;

    const MANIFEST: &str = "name = 'acme'\ntitle = 'Acme'\nabout = 'A test'\n[delivery]\nsuccess = ['2xx']\nid = 'x{digits:9}'\n\
        [recognise]\nevent = 'type'\n[fresh]\nat = '{unix}'\n'list.1.id' = 'of {id}'\nabsent = '{now}'\n\
        [[event]]\nname = 'ping'\nabout = 'An event'\n";
    const PING: &str = r#"{ "type": "ping", "at": 1, "list": [ "a", { "id": "2" } ] }"#;

    /// The payloads of drafts with these ids.
    fn payloads(overrides: &[Override], ids: &[&'static str]) -> Vec<String> {
        let files =
            [("provider.toml", MANIFEST), ("events/ping.json", PING)].map(|(path, text)| (path.into(), text.into()));
        let provider = Provider::load(ProviderFiles::new("acme", files.into())).unwrap();
        let prepared = provider.prepare(&provider.events[0], BodySource::Fixture(None, overrides)).unwrap();
        let context = |seconds, id: &str| SendContext {
            now: Timestamp::from_unix_seconds(seconds),
            id: Some(id.to_owned()),
            entropy: [0; 32],
        };
        ids.iter().zip(7..).map(|(id, now)| prepared.draft(&context(now, id)).payload().unwrap().to_owned()).collect()
    }

    #[test]
    fn each_draft_has_its_own_values_in_the_same_payload() {
        let expected = [
            "{\"type\":\"ping\",\"at\":7,\"list\":[\"a\",{\"id\":\"of A\"}]}",
            r#"{"type":"ping","at":8,"list":["a",{"id":"of \"B\""}]}"#,
        ];
        assert_eq!(payloads(&[], &["A", "\"B\""]), expected);
    }

    #[test]
    fn a_value_that_the_user_sets_or_removes_is_not_replaced() {
        let overrides = [Override::set("at=5").unwrap(), Override::remove("list.1.id").unwrap()];
        assert_eq!(payloads(&overrides, &["A"]), [r#"{"type":"ping","at":5,"list":["a",{}]}"#]);
    }

    #[test]
    fn a_fresh_value_that_the_user_moves_is_replaced_in_its_new_position() {
        let expected = [r#"{"type":"ping","at":7,"list":[{"id":"of A"}]}"#];
        assert_eq!(payloads(&[Override::remove("list.0").unwrap()], &["A"]), expected);
    }
}
