// Owns the detail of one delivery: its summary, what can be done with it, and the tabs.

import * as actions from "./actions.js";
import { getJson } from "./api.js";
import { EditForm } from "./edit.js";
import { countForwards, Forwards } from "./forwards.js";
import { Headers } from "./headers.js";
import { History } from "./history.js";
import { html, useEffect, useState } from "./html.js";
import { TABS } from "./keys.js";
import { BackButton } from "./layout.js";
import { isAccepted, isLate, limitOf } from "./list.js";
import { Payload } from "./payload.js";
import { store } from "./store.js";
import { clock, duration, limit, size, visible } from "./text.js";
import { verdict, Verdict } from "./verdict.js";
import { CauseText, causes, Why } from "./why.js";

const TITLES = { payload: "Payload", headers: "Headers", why: "Why", forwards: "Forwards", history: "History" };

/** How long a key that moves through the list may rest before a delivery is loaded. */
const REST_MS = 40;

export function Delivery({ seq }) {
  const row = store.get(seq);
  const loaded = useWhole(seq, row?.forwards);
  if (row === null) return html`<div class="message"><p>Delivery #${seq} is not in this list.</p></div>`;
  if (store.view === "edit") return html`<${EditForm} row=${row} loaded=${loaded} />`;
  return html`<div class="delivery">
    <header class="summary">
      <div class="summary-line">
        <${BackButton} />
        <h2>${visible(row.event ?? "unknown event")}</h2>
        <${Verdict} of=${verdict(row.verdictName)} />
      </div>
      <${Facts} row=${row} />
      <${Reason} row=${row} />
      <${Actions} row=${row} />
    </header>
    <${Tabs} row=${row} />
    <div class="tab-panel" role="tabpanel" id="panel" aria-labelledby=${`tab-${store.tab}`} tabindex="0">
      <${Panel} row=${row} loaded=${loaded} />
    </div>
  </div>`;
}

/** Loads the whole delivery: `{whole}` once it is there, or `{problem}`. */
function useWhole(seq, forwards) {
  const [loaded, setLoaded] = useState({});
  useEffect(() => {
    const controller = new AbortController();
    const timer = setTimeout(async () => {
      try {
        setLoaded({ whole: await getJson(`/api/deliveries/${seq}`, { signal: controller.signal }) });
      } catch (error) {
        if (error.name === "AbortError") return;
        const whole = store.pins.get(seq);
        setLoaded(whole ? { whole } : { problem: error.message });
      }
    }, REST_MS);
    return () => {
      clearTimeout(timer);
      controller.abort();
    };
  }, [seq, forwards]);
  return loaded;
}

function Facts({ row }) {
  const most = limitOf(row);
  return html`<p class="facts">
    <span>#${row.seq}</span>
    <time datetime=${row.received_at} title=${row.received_at}>${clock(row.received_at)}</time>
    <span class="request-line" title=${row.request.target}>${row.request.method} ${visible(row.request.target)}</span>
    <span>${size(row.request.body_bytes)}</span>
    <span class=${isAccepted(row) ? "" : "bad-text"}>${row.response.status}</span>
    <span class=${isLate(row) ? "bad-text" : ""}
      >${duration(row.response.elapsed_ms)}${most === null ? "" : ` of ${limit(most)}`}</span
    >
    ${row.secret && html`<span>secret: ${visible(row.secret)}</span>`}
  </p>`;
}

/** How many of the things that are wrong are shown above the tabs. */
const MOST_REASONS = 3;

/** The first things that are wrong, and what to change. */
function Reason({ row }) {
  const found = causes(row);
  if (found.length === 0) return null;
  const more = found.length - MOST_REASONS;
  return html`<div class="reason ${found[0].tone}">
    ${found.slice(0, MOST_REASONS).map((each) => html`<div><${CauseText} of=${each} /></div>`)}
    ${more > 0 &&
    html`<button class="link" onClick=${() => store.set({ tab: "why" })}>and ${more} more</button>`}
  </div>`;
}

function Actions({ row }) {
  const { seq } = row;
  const pinned = store.pins.has(seq);
  const targets = store.ready?.targets ?? [];
  const compareText = store.marked !== null && store.marked !== seq ? `Compare with #${store.marked}` : "Compare";
  const choose = (event) => {
    actions.resend(seq, event.target.value);
    event.target.value = "";
  };
  return html`<div class="actions">
    <button class="primary" onClick=${() => actions.resend(seq)}>Resend<kbd>r</kbd></button>
    ${targets.length > 1 &&
    html`<select aria-label="Resend to one target" onChange=${choose}>
      <option value="">to…</option>
      ${targets.map((name) => html`<option value=${name}>${name}</option>`)}
    </select>`}
    <button onClick=${() => store.set({ view: "edit" })}>Edit<kbd>e</kbd></button>
    <button onClick=${() => actions.copyCurl(seq)}>curl<kbd>c</kbd></button>
    <button onClick=${() => actions.downloadCapture(seq)}>Download<kbd>d</kbd></button>
    <button onClick=${() => actions.compare(seq)} aria-pressed=${store.marked === seq}>${compareText}<kbd>x</kbd></button>
    <button onClick=${() => actions.pin(seq)} aria-pressed=${pinned}>${pinned ? "Unpin" : "Pin"}<kbd>p</kbd></button>
    <button onClick=${() => actions.copyLink(seq)}>Link<kbd>y</kbd></button>
  </div>`;
}

function Tabs({ row }) {
  const counts = {
    why: causes(row).length,
    forwards: countForwards(row),
    history: store.sameAs(row.seq).length,
  };
  if (counts.history < 2) counts.history = 0;
  const pressed = (event) => {
    const step = { ArrowRight: 1, ArrowLeft: -1 }[event.key];
    if (!step) return;
    const next = (TABS.indexOf(store.tab) + step + TABS.length) % TABS.length;
    store.set({ tab: TABS[next] });
    event.currentTarget.children[next].focus();
    event.preventDefault();
  };
  return html`<div class="tabs" role="tablist" aria-label="Parts of the delivery" onKeyDown=${pressed}>
    ${TABS.map(
      (tab) =>
        html`<button
          key=${tab}
          role="tab"
          id=${`tab-${tab}`}
          aria-controls="panel"
          aria-selected=${store.tab === tab}
          tabindex=${store.tab === tab ? 0 : -1}
          onClick=${() => store.set({ tab })}
        >
          ${TITLES[tab]}${counts[tab] > 0 && html`<span class="count">${counts[tab]}</span>`}
        </button>`,
    )}
  </div>`;
}

function Panel({ row, loaded }) {
  switch (store.tab) {
    case "headers":
      return html`<${Headers} row=${row} loaded=${loaded} />`;
    case "why":
      return html`<${Why} row=${row} />`;
    case "forwards":
      return html`<${Forwards} row=${row} loaded=${loaded} />`;
    case "history":
      return html`<${History} row=${row} />`;
    default:
      return html`<${Payload} row=${row} loaded=${loaded} />`;
  }
}
