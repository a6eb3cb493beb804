// Owns the explanation of a delivery: its rejection, the findings and what to change, schema errors, warnings.

import { html } from "./html.js";
import { store } from "./store.js";
import { prose, short, visible } from "./text.js";
import { Shape, verdict } from "./verdict.js";

/** Everything that is wrong or odd about a delivery, the cause first: `{text, hint, detail, code, tone}`. */
export function causes(row) {
  const found = [];
  for (const { code, message, hint, detail } of row.findings) {
    found.push({ text: message, hint, detail, code, tone: row.verdict === "rejected" ? "bad" : "warn" });
  }
  if (row.rejection !== null && row.findings.length === 0) {
    found.push({ text: row.rejection.message, code: row.rejection.code, tone: "bad" });
  }
  for (const { pointer, message } of row.payload.errors) {
    found.push({ text: message, code: pointer === "" ? "payload" : pointer, tone: "bad", isSchema: true });
  }
  found.push(...row.forwards.flatMap(failureOf));
  for (const warning of row.warnings) found.push({ text: warning, tone: "warn" });
  return found;
}

/** What is wrong with a forward, as a list of one cause or none. */
function failureOf({ url, status, error, excerpt, hint }) {
  if (error !== null) return [{ text: `Not forwarded to ${short(url)}: ${error}`, tone: "bad" }];
  if (status >= 200 && status < 300) return [];
  return [{ text: `Your handler responded ${status}`, quote: excerpt, hint, tone: "bad" }];
}

const MEANING = {
  verified: (row) => `The signature is valid (secret: ${row.secret}).`,
  development: () =>
    "The signature is valid, but the secret is hookdev's public development secret, with which anyone can sign.",
  unsigned: () => "The provider sends this event without a signature, so nothing proves who sent it.",
  rejected: (row) => `The signature is not valid: ${row.rejection?.message ?? "no reason was given"}.`,
  unrecognised: () => "No provider was recognised, so there was nothing to verify.",
};

const PAYLOAD = {
  valid: "The payload matches the event's schema.",
  invalid: "The payload does not match the event's schema.",
  unknown: "The payload was not checked: there is no schema for it.",
};

export function Why({ row }) {
  const of = verdict(row.verdictName);
  const found = causes(row);
  const signature = found.filter((each) => !each.isSchema);
  const schema = found.filter((each) => each.isSchema);
  return html`<div class="why">
    <p class="meaning"><${Shape} of=${of} />${prose(MEANING[of.name](row))}</p>
    <ol class="causes">
      ${signature.map((each) => html`<${Cause} of=${each} />`)}
    </ol>
    <p class="meaning">${PAYLOAD[row.payload.status]}</p>
    ${schema.length > 0 &&
    html`<ol class="causes">
        ${schema.map((each) => html`<${Cause} of=${each} />`)}
      </ol>
      <p><button onClick=${() => store.set({ tab: "payload" })}>Show them in the payload</button></p>`}
    ${row.capture && html`<p class="muted">Captured in <code>${visible(row.capture)}</code></p>`}
  </div>`;
}

/** The lines of a response that say most. */
export function Quote({ of }) {
  return of.quote?.length > 0 && html`<pre class="quote">${visible(of.quote.join("\n"))}</pre>`;
}

function Cause({ of }) {
  return html`<li class=${of.tone}>
    <p>${prose(of.text)}</p>
    <${Quote} of=${of} />
    ${of.hint && html`<p class="hint"><span class="hint-label">Try</span> ${prose(of.hint)}</p>`}
    ${of.detail && html`<p class="muted">${prose(of.detail)}</p>`}
    ${of.code && html`<code class="code">${visible(of.code)}</code>`}
  </li>`;
}
