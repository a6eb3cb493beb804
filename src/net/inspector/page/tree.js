// Owns the payload as a tree. hookdev makes its rows from the body's own text, so that numbers, escapes and repeated
// keys look as they were sent; nothing here parses a value.

import { getJson } from "./api.js";
import { CopyButton } from "./copy.js";
import { html, useEffect, useMemo, useRef, useState } from "./html.js";
import { plural, prose, visible } from "./text.js";
import { Virtual } from "./virtual.js";

const ROW = 20;
/** The longest value that is drawn in a row; the selected one is shown whole. */
const LONGEST = 400;

export function Tree({ row: { seq }, onNone }) {
  const [rows, setRows] = useState(null);
  const [next, setNext] = useState(null);
  const [problem, setProblem] = useState(null);
  const [closed, setClosed] = useState(() => new Set());
  const [current, setCurrent] = useState(0);
  const control = useRef(null);

  const load = async (from, signal) => {
    try {
      const page = await getJson(`/api/deliveries/${seq}/tree?from=${from}`, { signal });
      setRows((old) => (from === 0 ? page.rows : [...old, ...page.rows]));
      setNext(page.next);
    } catch (error) {
      if (error.name === "AbortError") return;
      // No tree, or no longer: the page may still have the text.
      if (error.status === 422 || error.status === 404) onNone(error.message);
      else setProblem(error.message);
    }
  };
  useEffect(() => {
    const controller = new AbortController();
    load(0, controller.signal);
    return () => controller.abort();
  }, [seq]);

  const shown = useMemo(() => (rows ? open(rows, closed) : []), [rows, closed]);
  const notes = useMemo(() => (rows ?? []).flatMap((row, index) => (row.note !== null ? [index] : [])), [rows]);
  if (problem) return html`<p class="problem">${problem}</p>`;
  if (!rows) return null;

  const toggle = (index) => {
    const changed = new Set(closed);
    if (!changed.delete(index)) changed.add(index);
    setClosed(changed);
  };
  const show = (index) => {
    const opened = new Set(closed);
    for (let parent = index; parent >= 0; parent--) {
      if (rows[parent].depth < rows[index].depth) opened.delete(parent);
    }
    setClosed(opened);
    setCurrent(index);
    requestAnimationFrame(() => requestAnimationFrame(() => control.current?.show(open(rows, opened).indexOf(index))));
  };
  const place = shown.indexOf(current);
  const move = (step) => {
    const to = Math.max(0, Math.min(shown.length - 1, place + step));
    setCurrent(shown[to]);
    control.current.show(to);
  };
  const pressed = (event) => {
    const isOpen = isContainer(rows[current]) && !closed.has(current);
    const keys = {
      ArrowDown: () => move(1),
      ArrowUp: () => move(-1),
      ArrowRight: () => (isContainer(rows[current]) && !isOpen ? toggle(current) : move(1)),
      ArrowLeft: () => (isOpen ? toggle(current) : setCurrent(parentOf(rows, current))),
      Home: () => move(-shown.length),
      End: () => move(shown.length),
    };
    if (!(event.key in keys) || event.ctrlKey || event.altKey || event.metaKey) return;
    keys[event.key]();
    event.preventDefault();
    event.stopPropagation();
  };
  const draw = (position, at) => {
    const index = shown[position];
    return html`<${Line}
      key=${index}
      id=${`tree-${index}`}
      place=${at}
      row=${rows[index]}
      isClosed=${closed.has(index)}
      isEmpty=${isEmpty(rows, index)}
      isCurrent=${index === current}
      toggle=${() => toggle(index)}
      choose=${() => setCurrent(index)}
    />`;
  };
  return html`<div class="tree-view">
    ${notes.length > 0 &&
    html`<p class="notes bad">
      ${plural(notes.length, "schema error")}${notes.slice(0, 5).map(
        (index) => html` <button class="link" onClick=${() => show(index)}>${visible(rows[index].pointer) || "the payload"}</button>`,
      )}
    </p>`}
    <${Virtual}
      class="tree"
      role="tree"
      aria-label="Payload"
      aria-activedescendant=${`tree-${current}`}
      tabindex="0"
      count=${shown.length}
      height=${ROW}
      active=${place}
      row=${draw}
      control=${control}
      onKeyDown=${pressed}
    />
    ${next !== null &&
    html`<p class="more"><button onClick=${() => load(next)}>More</button> <span class="muted">${plural(rows.length, "row")} so far</span></p>`}
    <${Current} row=${rows[current]} />
  </div>`;
}

function Line({ id, place, row, isClosed, isEmpty: hasNothing, isCurrent, toggle, choose }) {
  const opens = isContainer(row) && !hasNothing;
  const bracket = row.kind === "array" ? ["[", "]"] : ["{", "}"];
  const value = row.value !== null && row.value.length > LONGEST ? `${row.value.slice(0, LONGEST)}…` : row.value;
  const clicked = () => {
    choose();
    if (opens) toggle();
  };
  return html`<div
    ref=${place}
    id=${id}
    role="treeitem"
    aria-level=${row.depth + 1}
    aria-expanded=${opens ? !isClosed : undefined}
    aria-selected=${isCurrent}
    class="tree-row depth-${Math.min(row.depth, 20)} ${isCurrent ? "active" : ""} ${row.note !== null ? "noted" : ""}"
    onClick=${clicked}
  >
    <span class="twist" aria-hidden="true">${opens ? (isClosed ? "▸" : "▾") : ""}</span>
    ${row.key !== null && html`<bdi class="key">${visible(row.key)}</bdi><span class="colon">: </span>`}
    ${isContainer(row)
      ? html`<span class="bracket">${hasNothing ? bracket.join("") : isClosed ? bracket.join(" … ") : bracket[0]}</span>`
      : html`<bdi class="value ${row.kind}">${visible(value)}</bdi>`}
    ${row.note !== null && html`<span class="note">✕ ${prose(row.note)}</span>`}
  </div>`;
}

/** The selected value, whole, with its place. */
function Current({ row }) {
  if (!row || row.kind === "end") return html`<div class="current"></div>`;
  const pointer = row.pointer ?? "";
  return html`<div class="current">
    <div class="bar">
      <code class="pointer">${pointer === "" ? "the payload" : visible(pointer)}</code>
      ${pointer !== "" && html`<${CopyButton} text=${pointer} what="the path" label="Copy path" />`}
      ${!isContainer(row) && html`<${CopyButton} text=${row.value} what="the value" label="Copy value" />`}
    </div>
    ${row.note !== null && html`<p class="bad-text">${prose(row.note)}</p>`}
    ${!isContainer(row) && html`<bdi class="whole-value">${visible(row.value)}</bdi>`}
  </div>`;
}

function isContainer(row) {
  return row.kind === "object" || row.kind === "array";
}

/** The rows that are not within a closed one. */
function open(rows, closed) {
  const shown = [];
  let hiddenBelow = Infinity;
  rows.forEach((row, index) => {
    if (row.kind === "end" && isEmpty(rows, index - 1)) return;
    if (hiddenBelow < row.depth || (hiddenBelow === row.depth && row.kind === "end")) return;
    hiddenBelow = closed.has(index) ? row.depth : Infinity;
    shown.push(index);
  });
  return shown;
}

/** Whether an object or array is followed by its end. Both are drawn in one row. */
function isEmpty(rows, index) {
  return index >= 0 && isContainer(rows[index]) && rows[index + 1]?.kind === "end" && rows[index + 1].depth === rows[index].depth;
}

function parentOf(rows, index) {
  for (let parent = index - 1; parent >= 0; parent--) {
    if (rows[parent].depth < rows[index].depth) return parent;
  }
  return 0;
}
