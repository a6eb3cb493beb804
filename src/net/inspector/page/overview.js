// Owns what is shown while no delivery is selected: the URLs to give to providers, how to get a first event, the times.

import { CopyButton } from "./copy.js";
import { html } from "./html.js";
import { BackButton } from "./layout.js";
import { store } from "./store.js";
import { limit } from "./text.js";
import { Times } from "./times.js";

/** The page before the first delivery. */
export function FirstEvent() {
  const { connection, ready } = store;
  const waiting = connection === "refused" ? "Not connected to hookdev" : "Connecting to hookdev…";
  return html`<div class="first-event">
    <div class="first-event-inner">
      <h2>${ready ? "Waiting for the first delivery" : waiting}</h2>
      ${ready &&
      html`<p>Send yourself a signed test event:</p>
        <${Command} text=${ready.send} />
        <p>Or use the URLs below. ${urlsText(ready)}</p>
        <${Urls} ready=${ready} />`}
    </div>
  </div>`;
}

export function Overview() {
  const { ready } = store;
  return html`<div class="overview">
    ${ready &&
    html`<div class="summary-line"><${BackButton} /><h2>URLs</h2></div>
      <p class="muted">${urlsText(ready)}</p>
      <${Urls} ready=${ready} />
      ${ready.send && html`<h3>Send a test event</h3>
        <${Command} text=${ready.send} />`}`}
    <${Times} />
  </div>`;
}

function urlsText(ready) {
  return ready.tunnel
    ? "Give each provider its public URL."
    : "They work on this machine; providers on the internet need a tunnel (hookdev listen --tunnel).";
}

function Command({ text }) {
  return html`<p class="command"><code>${text}</code><${CopyButton} text=${text} what="the command" /></p>`;
}

/** Those that hookdev lists, and the others that deliveries came from. */
function providers(ready) {
  const listed = new Set(ready.providers.map(({ name }) => name));
  const others = [...store.senders].filter(([name]) => !listed.has(name));
  return ready.providers.concat(
    others.map(([name, policy]) => ({
      name,
      title: policy?.title ?? name,
      url: new URL(name, ready.providers[0]?.url ?? ready.url).href,
      limit_ms: policy?.limit_ms ?? null,
    })),
  );
}

function Urls({ ready }) {
  return html`<table class="urls">
    <thead>
      <tr>
        <th scope="col">Provider</th>
        <th scope="col">URL</th>
        <th scope="col">Time limit</th>
        <th scope="col"><span class="hidden-label">Copy</span></th>
      </tr>
    </thead>
    <tbody>
      ${providers(ready).map(
        ({ name, title, url, limit_ms: most }) =>
          html`<tr key=${name}>
            <th scope="row">${title}</th>
            <td><code>${url}</code></td>
            <td class="number">${most === null ? "no limit published" : limit(most)}</td>
            <td><${CopyButton} text=${url} what=${`the URL for ${title}`} /></td>
          </tr>`,
      )}
    </tbody>
  </table>`;
}
