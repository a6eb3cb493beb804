//! An example of each key of a manifest, for the documentation. A test checks that none is missing, and that each is
//! TOML.

use super::keys::{ManifestKey, ManifestTable};

/// Examples as a manifest writes them: `TABLE.KEY`, and the value.
const EXAMPLES: &[(&str, &str)] = &[
    ("manifest.name", r#""acme""#),
    ("manifest.title", r#""Acme""#),
    ("manifest.about", r#""Orders of a shop""#),
    ("manifest.notes", r#"["No timestamp is signed, so a replayed delivery still verifies."]"#),
    ("manifest.sources", r#"["https://acme.example/docs/webhooks", "github:acme/sdk src/webhooks.ts"]"#),
    ("manifest.summary", r#""order {order.number}""#),
    ("manifest.secret", r#"{ env = "ACME_WEBHOOK_SECRET" }"#),
    ("manifest.scheme", r#""standard-webhooks""#),
    ("manifest.delivery", r#"{ success = ["2xx"], timeout = "10s" }"#),
    ("manifest.recognise", r#"{ event = "header:x-acme-event" }"#),
    ("manifest.fresh", r#"{ "data.id" = "{uuid}", created = "{unix_ms}" }"#),
    ("manifest.event", r#"[{ name = "order.placed", about = "A customer placed an order" }]"#),
    (
        "manifest.handshake",
        r#"[{ name = "ping", about = "Verifies the URL", match = { type = "ping" }, respond = {} }]"#,
    ),
    ("secret.env", r#""ACME_WEBHOOK_SECRET""#),
    ("secret.encoding", r#""base64""#),
    ("secret.prefix", r#""whsec_""#),
    ("secret.other_keys", r#"["sk_", "pk_"]"#),
    ("secret.development", r#""hookdev-development-secret-acme""#),
    ("key-pair.public", r#""MCowBQYDK2VwAyEA…""#),
    ("key-pair.private", r#""MC4CAQAwBQYDK2VwBCIEI…""#),
    ("scheme.name", r#""v1""#),
    ("scheme.algorithm", r#""hmac-sha256""#),
    ("scheme.content", r#""{timestamp}.{body}""#),
    ("scheme.signature", r#"{ header = "x-acme-signature", value = "sha256={hex}" }"#),
    ("scheme.id", r#"{ header = "x-acme-delivery" }"#),
    ("scheme.timestamp", r#"{ header = "x-acme-timestamp", tolerance = "5m" }"#),
    ("scheme.encoded", r#""before-compression""#),
    ("scheme.claims", r#"{ sha256 = "{sha256-base64:body}", iss = "{key}" }"#),
    ("scheme.signs_body", "false"),
    ("scheme.sent_along", "true"),
    ("scheme.secret", r#"{ encoding = "hex", development = "00ff" }"#),
    ("signature.header", r#"["acme-signature", "x-acme-signature"]"#),
    ("signature.query", r#""token""#),
    ("signature.body", r#""signature.value""#),
    ("signature.form", r#""signature""#),
    ("signature.value", r#""t={timestamp},v1={hex}""#),
    ("signature.separator", r#"",""#),
    ("signature.repeated", r#"" ""#),
    ("signature.configurable_header", "true"),
    ("id.header", r#""x-acme-delivery""#),
    ("id.query", r#""id""#),
    ("id.body", r#""event.id""#),
    ("id.form", r#""id""#),
    ("timestamp.header", r#""x-acme-timestamp""#),
    ("timestamp.query", r#""time""#),
    ("timestamp.body", r#""signature.timestamp""#),
    ("timestamp.form", r#""timestamp""#),
    ("timestamp.unit", r#""ms""#),
    ("timestamp.tolerance", r#"{ past = "5m", future = "any" }"#),
    ("tolerance.past", r#""5m""#),
    ("tolerance.future", r#""any""#),
    ("manifest.register", r#"{ manual = ["Open the settings and enter {url}."] }"#),
    ("register.api", r#""https://api.acme.example""#),
    ("register.key", r#""ACME_API_KEY""#),
    ("register.resource", r#""PROJECT""#),
    ("register.unproven", "true"),
    (
        "register.create",
        r#"{ method = "POST", path = "/v1/hooks", json = { url = "{url}", description = "{mark}" }, take = { id = "/id", secret = "/secret" } }"#,
    ),
    ("register.list", r#"{ path = "/v1/hooks", items = "/data", id = "/id", mark = "/description" }"#),
    ("register.update", r#"{ method = "PATCH", path = "/v1/hooks/{id}", json = { url = "{url}" } }"#),
    ("register.delete", r#"{ method = "DELETE", path = "/v1/hooks/{id}", ok = ["2xx", "404"] }"#),
    ("register.read", r#"{ method = "GET", path = "/v1/{resource}", take = { previous = "/callback" } }"#),
    ("register.set", r#"{ method = "POST", path = "/v1/{resource}", json = { callback = "{url}" } }"#),
    ("register.restore", r#"{ method = "POST", path = "/v1/{resource}", json = { callback = "{previous}" } }"#),
    ("register.manual", r#"["Open the settings and enter {url}."]"#),
    ("call.method", r#""POST""#),
    ("call.path", r#""/v1/hooks/{id}""#),
    ("call.headers", r#"{ authorization = "Bearer {key}" }"#),
    ("call.json", r#"{ url = "{url}" }"#),
    ("call.form", r#"{ url = "{url}" }"#),
    ("call.take", r#"{ id = "/data/id" }"#),
    ("call.ok", r#"["2xx", "404"]"#),
    ("take.id", r#""/data/id""#),
    ("take.secret", r#""/data/secret""#),
    ("take.previous", r#""/data/webhook""#),
    ("list.path", r#""/v1/hooks?limit=100""#),
    ("list.headers", r#"{ authorization = "Bearer {key}" }"#),
    ("list.items", r#""/data""#),
    ("list.id", r#""/id""#),
    ("list.mark", r#""/description""#),
    ("recognise.event", r#""header:x-acme-event""#),
    ("recognise.payload", r#""form:payload""#),
    ("recognise.list", r#"["body:entry", "body:entry.0.changes"]"#),
    ("recognise.headers", r#"["x-acme-signature"]"#),
    ("recognise.schema", r#""event""#),
    ("delivery.method", r#""PUT""#),
    ("delivery.encodings", r#"[{ type = "application/x-www-form-urlencoded" }]"#),
    ("delivery.indented", "true"),
    ("delivery.repeat_on_timeout", "1"),
    ("delivery.user_agent", r#""Acme-Hooks/2""#),
    ("delivery.headers", r#"{ x-acme-event = "{event}", x-acme-delivery = "{id}" }"#),
    ("delivery.id", r#""msg_{base62:27}""#),
    ("delivery.success", r#"["200", "204"]"#),
    ("delivery.timeout", r#""10s""#),
    ("delivery.retry", r#"{ waits = ["1m", "10m", "1h"] }"#),
    ("delivery.max_body", r#""256KiB""#),
    ("delivery.logs", r#"["GET https://api.example.com/webhooks/{id}/deliveries"]"#),
    ("delivery.redelivery", r#""POST https://api.example.com/deliveries/{id}/redeliver""#),
    ("encoding.type", r#""multipart/form-data""#),
    ("encoding.headers", r#"{ x-acme-form = "1" }"#),
    ("retry.waits", r#"["1m", "10m", "1h"]"#),
    ("retry.renews_timestamp", "true"),
    ("retry.retry_after", "true"),
    ("retry.stop", r#"["410", "4xx"]"#),
    ("event.name", r#""order.placed""#),
    ("event.about", r#""A customer placed an order""#),
    ("event.match", r#"{ "header:x-acme-event" = "order", action = "placed" }"#),
    ("event.present", r#"["error"]"#),
    ("event.headers", r#"{ x-acme-priority = "high" }"#),
    ("event.schema", r#""order""#),
    ("event.fixture", r#""events/order.json""#),
    ("event.raw", "true"),
    ("event.summary", r#""order {order.number}  {order.total}""#),
    ("event.unsigned", "true"),
    ("event.illustrative", "true"),
    ("event.variants", r#"[{ "order.currency" = "USD" }]"#),
    ("handshake.name", r#""url_verification""#),
    ("handshake.about", r#""Verifies the URL""#),
    ("handshake.match", r#"{ type = "url_verification" }"#),
    ("handshake.method", r#""GET""#),
    ("handshake.query", r#"{ challenge = "{digits:10}" }"#),
    ("handshake.headers", r#"{ x-hook-secret = "{hex:64}" }"#),
    ("handshake.fixture", r#""handshakes/url_verification.json""#),
    ("handshake.signed", "false"),
    ("handshake.secret", r#""header:x-hook-secret""#),
    ("handshake.respond", r#"{ status = 200, text = "{query:challenge}" }"#),
    ("response.status", "200"),
    ("response.type", r#""text/plain""#),
    ("response.text", r#""{body:challenge}""#),
    ("response.json", r#"{ token = "{body:token}", mac = "{hmac-sha256:body:token}" }"#),
    ("response.headers", r#"{ x-hook-secret = "{header:x-hook-secret}" }"#),
];

impl ManifestTable {
    /// The table's keys as Markdown: what each means, and an example of it.
    #[must_use]
    pub fn markdown(&self) -> String {
        let row = |key: &ManifestKey| {
            let required = if key.is_required { " (required)" } else { "" };
            let example = self.example(key).unwrap_or_default();
            let cell = |text: &str| text.replace('|', "\\|");
            format!("| `{}` | {}{required} | `{}` |\n", key.name, cell(key.about), cell(example))
        };
        format!("| key | means | example |\n| --- | --- | --- |\n{}", self.keys.iter().map(row).collect::<String>())
    }

    fn example(&self, key: &ManifestKey) -> Option<&'static str> {
        let name = format!("{}.{}", self.name, key.name);
        EXAMPLES.iter().find(|(of, _)| *of == name).map(|(_, example)| *example)
    }
}

#[cfg(test)]
mod tests {
    use super::{super::keys::TABLES, *};

    #[test]
    fn every_key_has_an_example_and_each_example_is_toml() {
        let mut keys = 0;
        for table in TABLES {
            for key in table.keys {
                keys += 1;
                let example =
                    table.example(key).unwrap_or_else(|| panic!("{}.{} has no example", table.name, key.name));
                let line = format!("{} = {example}", key.name);
                assert!(line.parse::<toml::Table>().is_ok(), "{line}");
            }
        }
        assert_eq!(keys, EXAMPLES.len(), "an example is of no key");
    }
}
