// Owns the three views of a body: a tree in its own spelling, the raw text, and the bytes.

import { bytesOf, getBytes } from "./api.js";
import { Hex, Raw } from "./bytes.js";
import { download } from "./copy.js";
import { html, useEffect, useState } from "./html.js";
import { PAYLOAD_VIEWS, store } from "./store.js";
import { size } from "./text.js";
import { Tree } from "./tree.js";

export function Payload({ row, loaded }) {
  const view = store.payloadView;
  const [noTree, setNoTree] = useState(null);
  const type = loaded.whole?.request.headers.find(([name]) => name.toLowerCase() === "content-type")?.[1];
  const isBinary = typeof loaded.whole?.request.body_base64 === "string";
  const shown = view === "tree" && noTree !== null ? (isBinary ? "hex" : "raw") : view;
  const save = async () => {
    try {
      download(await bodyOf(row.seq), `${row.seq}-body.bin`);
    } catch (error) {
      store.say(`The body was not saved: ${error.message}`, "bad");
    }
  };
  return html`<div class="payload">
    <div class="bar">
      <div class="segments" role="group" aria-label="View of the payload">
        ${PAYLOAD_VIEWS.map(
          (name) =>
            html`<button
              key=${name}
              aria-pressed=${shown === name}
              disabled=${name === "tree" && noTree !== null}
              onClick=${() => store.set({ payloadView: name })}
            >
              ${name}
            </button>`,
        )}
      </div>
      <span class="muted">${noTree !== null && view === "tree" ? noTree : [type, size(row.request.body_bytes)].filter(Boolean).join(", ")}</span>
      <button class="quiet" onClick=${save}>Save the body</button>
    </div>
    ${shown === "tree"
      ? html`<${Tree} row=${row} onNone=${setNoTree} />`
      : html`<${Bytes} seq=${row.seq} as=${shown} />`}
  </div>`;
}

function Bytes({ seq, as }) {
  const [{ body, problem }, setResult] = useState({});
  useEffect(() => {
    const controller = new AbortController();
    bodyOf(seq, { signal: controller.signal }).then(
      (loaded) => setResult({ body: loaded }),
      (error) => error.name === "AbortError" || setResult({ problem: error.message }),
    );
    return () => controller.abort();
  }, [seq]);
  if (!body) return problem ? html`<p class="problem">${problem}</p>` : null;
  if (body.length === 0) return html`<p class="muted empty-body">The body is empty.</p>`;
  return as === "hex" ? html`<${Hex} bytes=${body} />` : html`<${Raw} bytes=${body} />`;
}

/** The body. That of a pinned delivery is here even if hookdev no longer keeps it. */
async function bodyOf(seq, options) {
  try {
    return await getBytes(`/api/deliveries/${seq}/body`, options);
  } catch (error) {
    const pinned = error.name === "AbortError" ? null : store.pins.get(seq);
    if (pinned === null) throw error;
    return bytesOf(pinned.request);
  }
}
