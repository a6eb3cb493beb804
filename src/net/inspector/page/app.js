// Owns the page as a whole: starts the stream, lays out header, list, detail and status bar, and follows `#seq=N` links.

import { takeToken } from "./api.js";
import { Compare } from "./compare.js";
import { Delivery } from "./delivery.js";
import { html, render, useEffect, useRef } from "./html.js";
import { Help, useKeys } from "./keys.js";
import { Splitter, useNarrow } from "./layout.js";
import { List } from "./list.js";
import { FirstEvent, Overview } from "./overview.js";
import { useSearch } from "./search.js";
import { StatusBar, Trouble } from "./status.js";
import { store, useStore } from "./store.js";
import { follow } from "./stream.js";
import { Toolbar } from "./toolbar.js";

function App() {
  useStore();
  const narrow = useNarrow();
  const filter = useRef(null);
  const detail = useRef(null);
  useKeys({ filter, detail });
  useSearch(store.words);
  useEffect(() => {
    document.title = store.rows.length > 0 ? `hookdev (${store.rows.length.toLocaleString("en")})` : "hookdev";
  }, [store.rows.length]);
  const isEmpty = store.rows.length === 0 && store.view === "list";
  const showsList = !isEmpty && (!narrow || store.view === "list");
  const showsDetail = !isEmpty && (!narrow || store.view !== "list");
  const isCovered = narrow && store.view !== "list";
  return html`<${Toolbar} filter=${filter} narrow=${narrow} hidden=${isCovered} />
    <${Trouble} />
    <main class=${narrow ? "narrow" : "wide"}>
      ${isEmpty && html`<${FirstEvent} />`} ${showsList && html`<${List} />`}
      ${showsList && showsDetail && html`<${Splitter} />`}
      ${showsDetail &&
      html`<section ref=${detail} class="detail" aria-label="Details" tabindex="-1"><${Detail} /></section>`}
    </main>
    <${StatusBar} />
    <${Help} />`;
}

function Detail() {
  const { view, selected } = store;
  if (view === "compare" && selected !== null) {
    return html`<${Compare} key=${`${store.marked}-${selected}`} left=${store.marked} right=${selected} />`;
  }
  if (view === "overview" || selected === null) return html`<${Overview} />`;
  return html`<${Delivery} key=${selected} seq=${selected} />`;
}

function NoToken() {
  return html`<main class="message">
    <h1>Open this page from the terminal</h1>
    <p>
      hookdev prints a URL that ends with a token. Open that URL, or press <kbd>o</kbd> in the terminal where
      <code> hookdev listen --inspect</code> runs. The token changes at each start.
    </p>
  </main>`;
}

/** Selects the delivery of a `#seq=N` link. */
function followLink() {
  const seq = Number(new URLSearchParams(location.hash.slice(1)).get("seq"));
  if (!Number.isInteger(seq) || seq <= 0) return;
  history.replaceState(null, "", location.pathname);
  store.select(seq);
}

/** A URL with a token is opened; one without is a reload, which shows what was shown before. */
const isReload = !new URLSearchParams(location.hash.slice(1)).has("token");
if (takeToken()) {
  store.restore(isReload);
  followLink();
  addEventListener("hashchange", () => {
    if (new URLSearchParams(location.hash.slice(1)).has("token")) location.reload();
    else followLink();
  });
  addEventListener("pagehide", () => store.keepPlace());
  render(html`<${App} />`, document.body);
  follow(store);
} else {
  addEventListener("hashchange", () => location.reload());
  render(html`<${NoToken} />`, document.body);
}
