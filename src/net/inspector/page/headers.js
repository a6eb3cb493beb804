// Owns the table of headers: names as spelled, in the order in which they arrived.

import { CopyButton } from "./copy.js";
import { html } from "./html.js";
import { visible } from "./text.js";

export function Headers({ row, loaded }) {
  if (loaded.problem) return html`<p class="problem">${loaded.problem}</p>`;
  if (!loaded.whole) return null;
  const { headers } = loaded.whole.request;
  const text = headers.map(([name, value]) => `${name}: ${value}`).join("\n");
  return html`<div class="headers">
    <div class="bar">
      <span class="muted">${headers.length} headers, as received</span>
      <${CopyButton} text=${text} what="all headers" />
    </div>
    <p class="request-target">${row.request.method} ${visible(row.request.target)}</p>
    <${HeaderTable} headers=${headers} />
  </div>`;
}

export function HeaderTable({ headers }) {
  return html`<table class="pairs">
    <tbody>
      ${headers.map(
        ([name, value], index) =>
          html`<tr key=${index}>
            <th scope="row">${visible(name)}</th>
            <td>${visible(value)}</td>
          </tr>`,
      )}
    </tbody>
  </table>`;
}
