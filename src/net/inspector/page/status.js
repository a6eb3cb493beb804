// Owns the bar at the bottom, with the connection, the counts and the result of the last action, and the message across
// the page when the connection is lost.

import { html, useEffect, useState } from "./html.js";
import { store } from "./store.js";
import { plural } from "./text.js";

const CONNECTIONS = {
  connecting: "connecting…",
  live: "live",
  polling: "polling every 2 s",
  lost: "not connected",
  refused: "not connected",
};

export function StatusBar() {
  const { connection, dropped, lost, missed, notice, rows, shown } = store;
  return html`<footer class="status">
    <span class="connection ${connection}"><span class="dot" aria-hidden="true"></span>${CONNECTIONS[connection]}</span>
    <span class="total"
      >${shown.length === rows.length
        ? plural(rows.length, "delivery", "deliveries")
        : `${shown.length.toLocaleString("en")} of ${plural(rows.length, "delivery", "deliveries")}`}</span
    >
    ${dropped > 0 && html`<span class="dropped muted">${dropped.toLocaleString("en")} older ones are not listed</span>`}
    ${missed > 0 &&
    html`<span class="missed ${lost > 0 ? "bad-text" : "muted"}"
      >${lost > 0
        ? `${lost.toLocaleString("en")} missed; hookdev no longer has them`
        : `${missed.toLocaleString("en")} missed, fetched again`}</span
    >`}
    <span class="notice ${notice?.tone ?? ""}" role="status" title=${notice?.text}>${notice?.text}</span>
    <span class="hints" aria-hidden="true"
      ><kbd>j</kbd><kbd>k</kbd> move <kbd>r</kbd> resend <kbd>e</kbd> edit <kbd>/</kbd> filter <kbd>?</kbd> keys</span
    >
    <${Announcement} />
  </footer>`;
}

/** The counts for screen readers: once in a while, not for each delivery. */
function Announcement() {
  const [text, setText] = useState("");
  useEffect(() => {
    const timer = setInterval(() => {
      const rejected = store.counts.get("rejected") ?? 0;
      setText(store.rows.length === 0 ? "" : `${plural(store.rows.length, "delivery", "deliveries")}, ${rejected} rejected`);
    }, 3000);
    return () => clearInterval(timer);
  }, []);
  return html`<span class="hidden-label" aria-live="polite">${text}</span>`;
}

export function Trouble() {
  if (store.connection === "lost") {
    return html`<p class="trouble" role="alert">
      <strong>Connection lost.</strong> hookdev has ended or can't be reached; this page keeps trying. What you see here stays.
    </p>`;
  }
  if (store.connection === "refused" && store.ready === null) {
    return html`<p class="trouble" role="alert">
      <strong>hookdev refused the token.</strong> It is wrong, or from an earlier start. Open the URL that hookdev printed, or
      press <kbd>o</kbd> in its terminal.
    </p>`;
  }
  if (store.connection === "refused") {
    return html`<p class="trouble" role="alert">
      <strong>hookdev was started again.</strong> Open the URL that it printed, or press <kbd>o</kbd> in its terminal. What you
      see here stays until you close this tab.
    </p>`;
  }
  if (store.connection === "polling") {
    return html`<p class="trouble mild" role="status">
      Four other tabs show this page live. This one asks for new deliveries every 2 s; close another tab and reload to
      make it live.
    </p>`;
  }
  return null;
}
