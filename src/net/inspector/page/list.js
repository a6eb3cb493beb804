// Owns the list of deliveries: a grid, newest first, whose rows keep their place on the screen while others arrive.

import { html, useLayoutEffect, useRef, useState } from "./html.js";
import { isNarrow } from "./layout.js";
import { indexOf, store } from "./store.js";
import { clock, duration, size, visible } from "./text.js";
import { Verdict, verdict } from "./verdict.js";
import { Virtual } from "./virtual.js";

const ROW = 30;
/** The height of a row of two lines, for a list that is too narrow for one. */
const COMPACT_ROW = 50;
const COMPACT_WIDTH = 720;

/** The list on the page: `{height, control}`; `null` while the detail covers it. */
let mounted = null;

/** Whether the selected row has to come into view once the list is drawn: a key has chosen it, or the list comes back. */
let isChosen = false;

/** What keys do with the list. */
export const list = {
  /** Moves the selection down by this many rows. */
  move(step) {
    const active = indexFromTop(store.shown, store.selected);
    choose(active < 0 ? 0 : Math.max(0, Math.min(store.shown.length - 1, active + step)));
  },
  /** Moves it by this many pages. */
  page(direction) {
    const rows = mounted ? Math.floor(mounted.control.element.clientHeight / mounted.height) - 1 : 1;
    list.move(direction * Math.max(1, rows));
  },
  /** Moves it to the first or the last row. */
  edge(isTop) {
    choose(isTop ? 0 : store.shown.length - 1);
  },
  /** Focuses the selected row, or the first one, once it is drawn. */
  focus() {
    const seq = store.selected ?? store.shown[store.shown.length - 1]?.seq;
    focusAfterDraw(() => document.querySelector(`.list-rows [data-seq="${seq}"]`));
  },
};

/** Does something once the page is drawn as the store is now. */
function afterDraw(action) {
  requestAnimationFrame(() => requestAnimationFrame(action));
}

let latestFocus = 0;

/**
 * Focuses the element that a function finds once the page is drawn as the store is now, unless another one was asked for or
 * got the focus since: what is typed meanwhile must not go elsewhere.
 */
export function focusAfterDraw(find) {
  const turn = ++latestFocus;
  const before = document.activeElement;
  afterDraw(() => {
    const { activeElement, body } = document;
    if (turn === latestFocus && (activeElement === before || activeElement === body)) find()?.focus({ preventScroll: true });
  });
}

function choose(index) {
  const row = store.shown[store.shown.length - 1 - index];
  if (!row) return;
  isChosen = true;
  store.select(row.seq, isNarrow() && store.view === "list" ? "list" : "delivery");
  if (mounted) list.focus();
}

export function List() {
  const { shown, selected } = store;
  // The rows that are drawn. More arrive in the store before it is drawn again, and would shift all places.
  const rows = [...shown];
  const grid = useRef(null);
  const [compact, setCompact] = useState(false);
  const height = compact ? COMPACT_ROW : ROW;
  const control = useRef(null);
  const anchor = useRef({ seq: 0, offset: 0 });
  const seen = useRef(0);
  const [unseen, setUnseen] = useState(0);
  const active = selected === null ? -1 : indexFromTop(rows, selected);

  const remember = (element) => {
    const index = Math.floor(element.scrollTop / height);
    const row = rows[rows.length - 1 - index];
    anchor.current = { seq: row?.seq ?? 0, offset: element.scrollTop - index * height };
    if (index === 0) seen.current = store.lastSeq;
    const newer = rows.length - indexOf(rows, seen.current + 1);
    setUnseen(index === 0 ? 0 : newer);
  };

  useLayoutEffect(() => {
    mounted = { height, control: control.current };
    return () => (mounted = null);
  });
  useLayoutEffect(() => {
    const observer = new ResizeObserver(([entry]) => {
      if (entry.contentRect.width > 0) setCompact(entry.contentRect.width < COMPACT_WIDTH);
    });
    observer.observe(grid.current);
    return () => observer.disconnect();
  }, []);

  // Keeps the rows where they are when others arrive above them, unless the reader watches the top.
  useLayoutEffect(() => {
    const { element } = control.current;
    const holds = element.scrollTop > 0 || (selected !== null && active >= 0);
    const { seq, offset } = anchor.current;
    if (holds && seq > 0) {
      const index = rows.length - 1 - indexOf(rows, seq);
      if (index >= 0) element.scrollTop = index * height + offset;
      control.current.measure();
    }
    remember(element);
  }, [shown, rows.length, height]);

  // A list that comes back shows the selected row.
  useLayoutEffect(() => {
    if (active >= 0) isChosen = true;
  }, [height]);
  useLayoutEffect(() => {
    if (!isChosen || active < 0) return;
    isChosen = false;
    control.current.show(active);
    remember(control.current.element);
  });

  const toTop = () => {
    control.current.element.scrollTop = 0;
    remember(control.current.element);
  };
  const drawRow = (index, place) => {
    const row = rows[rows.length - 1 - index];
    const isActive = index === active;
    return html`<${Row}
      key=${row.seq}
      row=${row}
      place=${place}
      index=${index}
      isActive=${isActive}
      tabIndex=${isActive || (active < 0 && index === 0) ? 0 : -1}
      isPinned=${store.pins.has(row.seq)}
      isMarked=${store.marked === row.seq}
      compact=${compact}
    />`;
  };
  return html`<div ref=${grid} class="list ${compact ? "compact" : ""}">
    <div class="grid" role="grid" aria-label="Deliveries, newest first" aria-rowcount=${rows.length + 1}>
      <div role="rowgroup" class="list-head-group">
        <div role="row" class="list-row list-head" aria-rowindex="1">
          <span role="columnheader" class="c-verdict">Verdict</span>
          <span role="columnheader" class="c-seq">#</span>
          <span role="columnheader" class="c-time">Time</span>
          <span role="columnheader" class="c-event">Event</span>
          <span role="columnheader" class="c-path">Path</span>
          <span role="columnheader" class="c-status">Status</span>
          <span role="columnheader" class="c-took">Took</span>
          <span role="columnheader" class="c-size">Size</span>
        </div>
      </div>
      <${Virtual}
        class="list-rows"
        role="rowgroup"
        count=${rows.length}
        height=${height}
        active=${active}
        row=${drawRow}
        control=${control}
        onScroll=${remember}
      />
    </div>
    ${rows.length === 0 && html`<p class="list-empty">${emptyText()}</p>`}
    ${unseen > 0 && html`<button class="to-top" onClick=${toTop}>↑ ${unseen.toLocaleString("en")} new</button>`}
  </div>`;
}

function emptyText() {
  if (store.searching) return "searching…";
  return store.rows.length > 0 ? "No delivery matches the filter." : "No deliveries yet.";
}

function Row({ row, place, index, isActive, tabIndex, isPinned, isMarked, compact }) {
  const of = verdict(row.verdictName);
  const classes = ["list-row", isActive && "active", row.verdictName === "rejected" && "bad"];
  const open = () => store.select(row.seq);
  const late = isLate(row);
  const status = html`<span class=${isAccepted(row) ? "" : "bad-text"}>${row.response.status}</span>`;
  const took = html`<span class=${late ? "bad-text" : ""}
    >${duration(row.response.elapsed_ms)}${late && html`<span class="over"> late</span>`}</span
  >`;
  const event = html`${isPinned && html`<span class="tag pin">pinned</span>`}
    ${isMarked && html`<span class="tag mark">compare</span>`}
    <span class="event">${visible(row.event ?? "unknown event")}</span>
    <${Tag} row=${row} />`;
  const common = {
    ref: place,
    role: "row",
    class: classes.filter(Boolean).join(" "),
    "aria-rowindex": index + 2,
    "aria-selected": isActive,
    "data-seq": row.seq,
    tabIndex,
    onClick: open,
  };
  if (compact) {
    return html`<div ...${common}>
      <span role="gridcell" class="c-verdict"><${Verdict} of=${of} /></span>
      <span role="gridcell" class="c-event">${event}</span>
      <span role="gridcell" class="c-seq">#${row.seq}</span>
      <span role="gridcell" class="c-time">${clock(row.received_at)}</span>
      <span role="gridcell" class="c-status">${status}</span>
      <span role="gridcell" class="c-path">${visible(row.request.target)}</span>
      <span role="gridcell" class="c-took">${took}</span>
    </div>`;
  }
  return html`<div ...${common}>
    <span role="gridcell" class="c-verdict"><${Verdict} of=${of} /></span>
    <span role="gridcell" class="c-seq">${row.seq}</span>
    <span role="gridcell" class="c-time">${clock(row.received_at)}</span>
    <span role="gridcell" class="c-event">${event}</span>
    <span role="gridcell" class="c-path">${visible(row.request.target)}</span>
    <span role="gridcell" class="c-status">${status}</span>
    <span role="gridcell" class="c-took">${took}</span>
    <span role="gridcell" class="c-size">${size(row.request.body_bytes)}</span>
  </div>`;
}

/** What else is worth a look, the most important alone: there is room for one. */
function Tag({ row }) {
  const handler = handlerTag(row);
  if (handler !== null) return html`<span class="tag bad">${handler}</span>`;
  if (row.payload.status === "invalid") return html`<span class="tag bad">invalid</span>`;
  if (row.verdict !== "rejected" && !isAccepted(row)) return html`<span class="tag bad">failed</span>`;
  // A word beside the time says that it is late, and the verdict that no provider was recognised.
  if (row.warnings.length > Number(isLate(row)) && row.provider !== null) return html`<span class="tag warn">warning</span>`;
  if (row.handshake) return html`<span class="tag">handshake</span>`;
  if (row.repeat) return html`<span class="tag">repeat</span>`;
  return null;
}

/** What is wrong with the response of a handler, in a word or two; `null` if nothing is. */
function handlerTag(row) {
  const isRejected = row.verdict === "rejected";
  for (const { error, status } of row.forwards) {
    if (error !== null) return "forward failed";
    const isSuccess = status >= 200 && status < 300;
    if (isRejected && isSuccess) return "accepted";
    if (status >= 500) return "failed";
    if (!isRejected && !isSuccess) return status < 400 ? "redirected" : "refused";
  }
  return null;
}

/** The provider's time limit, in milliseconds, if it is known. */
export function limitOf(row) {
  return row.policy?.limit_ms ?? null;
}

/** Whether the provider counts the status of the response as success. */
export function isAccepted({ policy, response: { status } }) {
  return policy?.accepted ?? (status >= 200 && status < 300);
}

export function isLate(row) {
  const most = limitOf(row);
  return most !== null && row.response.elapsed_ms > most;
}

function indexFromTop(shown, seq) {
  const place = indexOf(shown, seq);
  return shown[place]?.seq === seq ? shown.length - 1 - place : -1;
}
