// Owns the comparison of two deliveries. hookdev finds the differences; this shows them.

import { exactText, getExact } from "./api.js";
import { html, useEffect, useState } from "./html.js";
import { store } from "./store.js";
import { clock, plural, visible } from "./text.js";

export function Compare({ left, right }) {
  const [{ differences, problem }, setResult] = useState({});
  useEffect(() => {
    getExact(`/api/diff?left=${left}&right=${right}`).then(
      (result) => setResult(result),
      (error) => setResult({ problem: error.message }),
    );
  }, [left, right]);
  const close = () => store.set({ view: "delivery", marked: null });
  const swap = () => {
    store.set({ marked: right });
    store.select(left, "compare");
  };
  return html`<div class="compare">
    <div class="bar">
      <h2>#${left} and #${right}</h2>
      <span class="muted">${differences && (differences.length ? plural(differences.length, "difference") : "")}</span>
      <button onClick=${swap}>Swap</button><button onClick=${close}>Close<kbd>Esc</kbd></button>
    </div>
    ${problem && html`<p class="problem">${problem}</p>`}
    ${differences &&
    (differences.length
      ? html`<${Differences} differences=${differences} left=${label(left)} right=${label(right)} />`
      : html`<div class="message small"><p>The two are equal: method, target, headers and body.</p></div>`)}
  </div>`;
}

function label(seq) {
  const row = store.get(seq);
  return row ? `#${seq} at ${clock(row.received_at)}` : `#${seq}`;
}

export function Differences({ differences, left, right }) {
  return html`<table class="differences">
    <thead>
      <tr>
        <th scope="col">Where</th>
        <th scope="col">${left}</th>
        <th scope="col">${right}</th>
      </tr>
    </thead>
    <tbody>
      ${differences.map(
        (each, index) =>
          html`<tr key=${index}>
            <th scope="row">${visible(each.where)}</th>
            <td class="left"><${Side} of=${each} side="left" /></td>
            <td class="right"><${Side} of=${each} side="right" /></td>
          </tr>`,
      )}
    </tbody>
  </table>`;
}

function Side({ of, side }) {
  if (of.absent === side) return html`<span class="muted">absent</span>`;
  return html`<span class="value">${visible(exactText(of[side]))}</span>`;
}
