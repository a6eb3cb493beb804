// Owns editing a payload before it is sent again. hookdev signs the edited one; the page shows what changed.

import { isDelivered, resend } from "./actions.js";
import { jsonProblem } from "./api.js";
import { Result } from "./forwards.js";
import { html, useEffect, useRef, useState } from "./html.js";
import { store } from "./store.js";
import { visible } from "./text.js";

export function EditForm({ row, loaded }) {
  const { seq } = row;
  const field = useRef(null);
  const [result, setResult] = useState(null);
  const [isSending, setSending] = useState(false);
  const [to, setTo] = useState("");
  const original = loaded.whole?.request.body;
  const [problem, setProblem] = useState(null);
  const check = (text) => setProblem(jsonProblem(original) === null ? jsonProblem(text) : null);
  const typed = (text) => {
    store.keepDraft(seq, text);
    check(text);
  };
  const reset = () => {
    store.keepDraft(seq, null);
    field.current.value = original;
    check(original);
    field.current.focus();
  };
  useEffect(() => {
    if (typeof original !== "string") return;
    field.current.focus();
    check(field.current.value);
  }, [original]);
  const close = () => store.set({ view: "delivery" });
  const targets = store.ready?.targets ?? [];
  const send = async () => {
    setSending(true);
    setResult(null);
    const edited = withLineBreaks(field.current.value, original);
    setResult(await resend(seq, to === "" ? null : to, edited === original ? null : edited));
    setSending(false);
  };
  const pressed = (event) => {
    if (event.key === "Enter" && (event.ctrlKey || event.metaKey)) {
      event.preventDefault();
      send();
    }
  };
  return html`<div class="edit">
    <div class="bar">
      <h2>Edit and resend #${seq}</h2>
      <button onClick=${close}>Close<kbd>Esc</kbd></button>
    </div>
    ${loaded.problem && html`<p class="problem">${loaded.problem}</p>`}
    ${loaded.whole && typeof original !== "string"
      ? html`<p class="problem">This body is binary or compressed, so it can't be edited here. If it is compressed text, download the capture (d) and run hookdev send FILE --edit.</p>`
      : loaded.whole &&
        html`<label class="hidden-label" for="edit-body">Body of ${visible(row.event ?? "the delivery")}</label>
          <textarea
            ref=${field}
            id="edit-body"
            spellcheck=${false}
            autocomplete="off"
            defaultValue=${store.drafts.get(seq) ?? original}
            aria-describedby="edit-problem"
            onInput=${(event) => typed(event.target.value)}
            onKeyDown=${pressed}
          ></textarea>
          <p id="edit-problem" class="bad-text" role="status">${problem !== null && html`No longer JSON: ${visible(problem)}`}</p>
          <div class="bar">
            ${targets.length > 1 &&
            html`<select aria-label="Target" onChange=${(event) => setTo(event.target.value)}>
              <option value="">all targets that match</option>
              ${targets.map((name) => html`<option value=${name}>${name}</option>`)}
            </select>`}
            <button class="primary" onClick=${send} disabled=${isSending}>
              ${isSending ? "Sending…" : "Sign and resend"}<kbd>Ctrl Enter</kbd>
            </button>
            ${store.drafts.has(seq) && html`<button onClick=${reset}>Undo all changes</button>`}
            ${mixedLineBreaks(original) &&
            html`<span class="muted">The body mixes LF and CRLF; the edited one has only LF.</span>`}
          </div>`}
    ${result &&
    html`<div class="edit-result">
      <p class="meaning">${outcome(row, result)}</p>
      <${Result} result=${result} />
    </div>`}
  </div>`;
}

/** What was sent, in a sentence. */
function outcome(row, { attempts, changes, renewal }) {
  if (!attempts.some(isDelivered)) return "Not delivered.";
  if (changes.length === 0) return "Sent byte for byte as it was received: nothing was edited.";
  if (renewal !== null) return `Sent with your changes; ${renewal}.`;
  if (row.provider === null) return "Sent with your changes. It is not signed, because no provider was recognised.";
  return "Sent with your changes. The provider sends this event without a signature.";
}

/** A text field has only LF. A body that had only CRLF gets them back. */
function withLineBreaks(text, original) {
  return original.includes("\r\n") && !mixedLineBreaks(original) ? text.replaceAll("\n", "\r\n") : text;
}

function mixedLineBreaks(text) {
  return text.includes("\r\n") && /(^|[^\r])\n/.test(text);
}
