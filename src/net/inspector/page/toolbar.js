// Owns the line at the top: the URL to send to, the filter, the verdicts with their counts.

import { copy } from "./copy.js";
import { html } from "./html.js";
import { store } from "./store.js";
import { short } from "./text.js";
import { Shape, VERDICT_NAMES, verdict } from "./verdict.js";

export function Toolbar({ filter, narrow, hidden }) {
  const typed = (event) => store.setFilter({ text: event.target.value });
  const url = store.ready?.tunnel ?? store.ready?.url;
  return html`<header class="toolbar" hidden=${hidden}>
    <h1 class="brand">hookdev</h1>
    ${url &&
    !narrow &&
    html`<button class="quiet url" onClick=${() => copy(url, "the URL")} title="Copy the URL">
      ${store.ready.tunnel && html`<span class="tag accent">public</span>`}${short(url)}
    </button>`}
    <div class="filter">
      <label class="hidden-label" for="filter">Filter deliveries</label>
      <input
        ref=${filter}
        id="filter"
        type="text"
        autocomplete="off"
        spellcheck=${false}
        placeholder=${narrow ? "Filter" : "Filter by event, verdict, path, header or body"}
        value=${store.filter.text}
        onInput=${typed}
      />
      ${store.filter.text === "" ? html`<kbd aria-hidden="true">/</kbd>` : html`<${Matches} />`}
    </div>
    <${Verdicts} />
    <div class="tools">
      <button onClick=${() => store.clear()} disabled=${store.rows.length === 0}>Clear</button>
      <button
        aria-pressed=${store.view === "overview"}
        onClick=${() => store.set({ view: store.view === "overview" ? "list" : "overview" })}
      >
        Overview
      </button>
      <button onClick=${() => store.set({ helpOpen: true })} aria-label="Keys">?</button>
    </div>
  </header>`;
}

/** How many deliveries match, or that headers and bodies are still searched. */
function Matches() {
  const text = store.searching ? "searching…" : store.shown.length.toLocaleString("en");
  return html`<span class="matches">${text}</span>`;
}

function Verdicts() {
  const names = VERDICT_NAMES.filter((name) => store.counts.get(name) > 0 || store.filter.verdict === name);
  const choose = (name) => store.setFilter({ verdict: store.filter.verdict === name ? null : name });
  const pins = store.pins.size;
  return html`<div class="verdicts" role="group" aria-label="Filter by verdict">
    ${names.map((name) => {
      const of = verdict(name);
      const count = (store.counts.get(name) ?? 0).toLocaleString("en");
      return html`<button
        key=${name}
        class="chip ${name}"
        aria-pressed=${store.filter.verdict === name}
        onClick=${() => choose(name)}
        title=${`Only ${of.label}`}
      >
        <${Shape} of=${of} /><span class="word">${of.label}</span><span class="count">${count}</span>
      </button>`;
    })}
    ${(pins > 0 || store.filter.verdict === "pinned") &&
    html`<button
      class="chip"
      aria-pressed=${store.filter.verdict === "pinned"}
      onClick=${() => choose("pinned")}
      title="Only pinned"
    >
      pinned<span class="count">${pins}</span>
    </button>`}
  </div>`;
}
