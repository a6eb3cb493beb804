// Owns the explanation of a delivery: its rejection, the findings and what to change, schema errors, warnings.

import { html } from "./html.js";
import { store } from "./store.js";
import { prose, sentence, short, visible } from "./text.js";
import { Shape, verdict } from "./verdict.js";

/** Everything that is wrong or odd about a delivery: `{text, hint, detail, code, tone}`. As in the terminal, the reason for
 * a rejection comes first, because a finding may be no more than an observation. */
export function causes(row) {
  const found = [];
  if (row.rejection !== null) found.push({ text: row.rejection.message, code: row.rejection.code, tone: "bad" });
  for (const { code, message, hint, detail } of row.findings) {
    found.push({ text: message, hint, detail, code, tone: row.verdict === "rejected" ? "bad" : "warn" });
  }
  for (const { pointer, message } of row.payload.errors) {
    const where = pointer === "" ? { text: `payload: ${message}` } : { text: message, place: pointer };
    found.push({ ...where, tone: "bad", isSchema: true });
  }
  found.push(...row.forwards.flatMap((forward) => failureOf(forward, row)));
  for (const warning of row.warnings) found.push({ text: warning, tone: "warn" });
  return found;
}

/** What is wrong with a forward, as a list of one cause or none. A handler that refuses a rejected delivery is right to. */
function failureOf({ url, status, error, excerpt, hint }, { verdict: result }) {
  if (error !== null) return [{ text: `Forward to ${short(url)} failed: ${error}`, tone: "bad" }];
  if (status >= 200 && status < 300) return [];
  if (result === "rejected" && status >= 400 && status < 500) return [];
  return [{ text: `Your handler responded ${status}`, quote: excerpt, hint, tone: "bad" }];
}

const MEANING = {
  verified: (row) => `The signature is valid (secret: ${row.secret}).`,
  development: () =>
    "The signature is valid, but the secret is hookdev's public development secret, with which anyone can sign.",
  unsigned: () => "The provider sends this event without a signature, so nothing proves who sent it.",
  rejected: () => "The delivery is rejected.",
  unrecognised: () => "No provider was recognised, so there was nothing to verify.",
};

const PAYLOAD = {
  valid: "The payload matches the event's schema.",
  invalid: "The payload does not match the event's schema.",
  unreadable: "The payload was not checked: it can't be read as JSON or as a form.",
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
    <p class="meaning">${PAYLOAD[row.payload.unreadable ? "unreadable" : row.payload.status]}</p>
    ${schema.length > 0 &&
    html`<ol class="causes">
        ${schema.map((each) => html`<${Cause} of=${each} />`)}
      </ol>
      <p><button onClick=${() => store.set({ tab: "payload" })}>Show them in the payload</button></p>`}
    ${row.capture && html`<p class="muted">Captured in <code>${visible(row.capture)}</code></p>`}
  </div>`;
}

/** What is wrong, the lines of the handler's response that say most, and what to change. */
export function CauseText({ of }) {
  const text = of.place ? html`<code>${visible(of.place)}</code>: ${prose(of.text)}` : prose(sentence(of.text));
  return html`<p>${text}</p>
    ${of.quote?.length > 0 && html`<pre class="quote">${visible(of.quote.join("\n"))}</pre>`}
    <${Hint} text=${of.hint} />`;
}

export function Hint({ text }) {
  return text && html`<p class="hint"><span class="hint-label">Hint</span> ${prose(text)}</p>`;
}

function Cause({ of }) {
  return html`<li class=${of.tone}>
    <${CauseText} of=${of} />
    ${of.detail && html`<p class="muted">${prose(of.detail)}</p>`}
    ${of.code && html`<code class="code">${visible(of.code)}</code>`}
  </li>`;
}
