// Owns what was passed on: each forward and each resend, the request beside its response.

import { hasFailed, isDelivered } from "./actions.js";
import { HeaderTable } from "./headers.js";
import { Differences } from "./compare.js";
import { html } from "./html.js";
import { store } from "./store.js";
import { clock, duration, prose, sentence, size, visible } from "./text.js";
import { Hint } from "./why.js";

/** How much of a body is shown here, in characters. */
const EXCERPT = 20000;

export function Forwards({ row, loaded }) {
  const resends = store.resends.get(row.seq) ?? [];
  const elsewhere = resentElsewhere(row);
  const request = loaded.whole?.request;
  const forwards = loaded.whole?.forwards ?? row.forwards;
  if (resends.length + elsewhere.length + forwards.length === 0) {
    return html`<div class="message small"><p><${NotForwarded} row=${row} /></p></div>`;
  }
  return html`<div class="forwards">
    ${resends.map((resend) => html`<${Resent} key=${resend.at} resend=${resend} />`)}
    ${elsewhere.map(
      (forward, index) =>
        html`<div key=${`elsewhere-${index}`} class="resent">
          <p>
            ${forward.error === null ? "Resent elsewhere to" : "A resend elsewhere failed, to"} ${visible(forward.url)}:${" "}
            <span class=${forward.error !== null || forward.status >= 300 ? "bad-text" : "good-text"}
              >${forward.status ?? visible(forward.error)}</span
            >${" "}in ${duration(forward.elapsed_ms)}
          </p>
          <${Hint} text=${forward.hint} />
        </div>`,
    )}
    ${forwards.map(
      (forward, index) =>
        html`<${Exchange}
          key=${index}
          title=${visible(forward.url)}
          status=${forward.status}
          elapsed=${forward.elapsed_ms}
          incomplete=${forward.incomplete_status}
          error=${forward.error}
          hint=${forward.hint}
          request=${sent(request, forward)}
          response=${forward.response ?? forward}
          problem=${loaded.problem}
        />`,
    )}
  </div>`;
}

/** The resends of a delivery in the terminal, or in another tab. */
function resentElsewhere(row) {
  const here = attemptsHere(row);
  const isHere = ({ url, elapsed_ms: elapsed }) => here.some((each) => each.url === url && each.elapsed_ms === elapsed);
  return row.resent.filter((forward) => !isHere(forward));
}

function attemptsHere(row) {
  return (store.resends.get(row.seq) ?? []).flatMap(({ attempts }) => attempts);
}

/** How many requests are shown for a delivery: its forwards and all resends. */
export function countForwards(row) {
  return row.forwards.length + attemptsHere(row).length + resentElsewhere(row).length;
}

function NotForwarded({ row }) {
  if (row.not_forwarded) return html`${prose(sentence(row.not_forwarded))}`;
  if (store.ready?.targets.length > 0) return "Not forwarded: there was no target when it arrived.";
  return html`Not forwarded. Start hookdev with <code>--forward http://localhost:3000/...</code> to pass deliveries on.`;
}

function Resent({ resend }) {
  const edited = resend.resigned ? "edited and signed again" : "edited";
  const words = resend.changes.length === 0 ? "byte for byte" : edited;
  const title = resend.attempts.some(isDelivered) ? "Resent at" : "Not delivered at";
  return html`<section class="resent">
    <h3>${title} ${clock(resend.at)}, ${words}</h3>
    <${Result} result=${resend} />
  </section>`;
}

/** The result of a resend: what changed, and each attempt. */
export function Result({ result }) {
  const isBody = (change) => Number(change.where.startsWith("body"));
  const changes = result.changes.toSorted((left, right) => isBody(right) - isBody(left));
  return html`${changes.length > 0 &&
    html`<h4>Changed</h4>
      <${Differences} differences=${changes} left="before" right="sent" />`}
    ${result.attempts.map(
      (attempt, index) =>
        html`<${Exchange}
          key=${index}
          title=${visible(attempt.url)}
          status=${attempt.status}
          elapsed=${attempt.elapsed_ms}
          incomplete=${attempt.incomplete_status}
          error=${hasFailed(attempt) ? attempt.reason : null}
          hint=${attempt.hint}
          request=${sent(result.request, attempt)}
          response=${attempt.response}
        />`,
    )}`;
}

/** A request as a handler got it, once that is known. */
function sent(request, { sent_headers: headers }) {
  return request && headers && { ...request, headers };
}

function Exchange({ title, status, incomplete = null, elapsed, error, request, response, hint, problem }) {
  const isBad = error !== null || status === null || status >= 300;
  const sent = html`<div>
    <h4>Request</h4>
    ${request ? html`<${Message} of=${request} />` : problem && html`<p class="muted">${problem}</p>`}
  </div>`;
  const received = html`<div class="response">
    <h4>Response</h4>
    ${incomplete === null && (response?.headers || bodyOf(response ?? {}) !== null)
      ? html`<${Message} of=${response} />`
      : html`<p class="muted">${incomplete !== null ? "incomplete" : status === null ? "none" : "not kept"}</p>`}
  </div>`;
  return html`<section class="exchange">
    <h3>
      <span class="target">${title}</span>
      <span class="result ${isBad ? "bad-text" : "good-text"}">${status ?? incomplete ?? "no response"}</span>
      <span class="muted">${duration(elapsed)}</span>
    </h3>
    ${error && html`<p class="reason bad">${visible(error)}</p>`}
    <${Hint} text=${hint} />
    <div class="sides">${sent}${received}</div>
  </section>`;
}

function Message({ of }) {
  const body = bodyOf(of);
  return html`${of.headers && html`<${HeaderTable} headers=${of.headers} />`}
    ${body === null
      ? html`<p class="muted">${of.body_bytes ? size(of.body_bytes) : "empty body"}</p>`
      : html`<pre class="body" tabindex="0">${visible(body.slice(0, EXCERPT))}</pre>
          ${body.length > EXCERPT && html`<p class="muted">…and ${size(body.length - EXCERPT)} more</p>`}`}`;
}

/** A body as text; `null` if there is none. */
function bodyOf(message) {
  if (typeof message.body === "string") return message.body === "" ? null : message.body;
  if (typeof message.body_base64 === "string") return `binary, in Base64: ${message.body_base64}`;
  return null;
}
