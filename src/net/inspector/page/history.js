// Owns the other deliveries of the same event: retries by the provider, with the same id or the same bytes.

import { html } from "./html.js";
import { store } from "./store.js";
import { clock, duration } from "./text.js";
import { verdict, Verdict } from "./verdict.js";

export function History({ row }) {
  const same = store.sameAs(row.seq);
  if (same.length < 2) {
    return html`<div class="message small">
      <p>This delivery came once. When the provider sends it again, each attempt is listed here.</p>
    </div>`;
  }
  const first = Date.parse(same[0].received_at);
  const by = same.find((each) => each.repeat)?.repeat.by === "id" ? "the same id" : "the same signed bytes";
  return html`<div class="history">
    <p class="muted">${same.length} deliveries with ${by}</p>
    <table class="rows">
      <thead>
        <tr>
          <th scope="col">Delivery</th>
          <th scope="col">Time</th>
          <th scope="col" class="number">After</th>
          <th scope="col">Verdict</th>
          <th scope="col" class="number">Status</th>
          <th scope="col" class="number">Took</th>
          <th scope="col"><span class="hidden-label">Compare</span></th>
        </tr>
      </thead>
      <tbody>
        ${same.map((each) => {
          const isThis = each.seq === row.seq;
          const compare = () => store.set({ marked: each.seq, view: "compare" });
          return html`<tr key=${each.seq} class=${isThis ? "active" : ""}>
            <th scope="row"><button class="link" onClick=${() => store.select(each.seq)}>#${each.seq}</button></th>
            <td>${clock(each.received_at)}</td>
            <td class="number">${each === same[0] ? "first" : duration(Date.parse(each.received_at) - first)}</td>
            <td><${Verdict} of=${verdict(each.verdictName)} /></td>
            <td class="number">${each.response.status}</td>
            <td class="number">${duration(each.response.elapsed_ms)}</td>
            <td>${isThis ? html`<span class="muted">this one</span>` : html`<button class="quiet" onClick=${compare}>Compare</button>`}</td>
          </tr>`;
        })}
      </tbody>
    </table>
  </div>`;
}
