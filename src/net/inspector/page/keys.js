// Owns the keyboard: what each key does, and the help that lists them. Single letters do nothing while the focus is in
// a field, or with Ctrl, Alt or Meta.

import * as actions from "./actions.js";
import { html, useEffect, useRef } from "./html.js";
import { isNarrow } from "./layout.js";
import { focusAfterDraw, list } from "./list.js";
import { store } from "./store.js";

export const TABS = ["payload", "headers", "why", "forwards", "history"];

const HELP = [
  ["j  k  ↓  ↑", "older, newer delivery"],
  ["g  G", "newest, oldest delivery"],
  ["Enter", "open the selected delivery"],
  ["1 … 5", "payload, headers, why, forwards, history"],
  ["1  1", "payload as raw text, as bytes, as a tree"],
  ["/", "filter; ↓ or Enter goes to what matches"],
  ["r", "resend, byte for byte"],
  ["e", "edit and resend, signed again"],
  ["c", "copy as a curl command"],
  ["d", "download the capture"],
  ["x", "mark for comparison; on another delivery, compare"],
  ["p", "pin or unpin"],
  ["y", "copy a link to the delivery"],
  ["t", "overview: URLs and response times"],
  ["?", "this list"],
  ["Esc", "back: close, clear the filter, return to the list"],
];

/** What single letters do with the selected delivery. */
const DELIVERY_KEYS = {
  r: actions.resend,
  c: actions.copyCurl,
  d: actions.downloadCapture,
  x: actions.compare,
  p: actions.pin,
  y: actions.copyLink,
};

/** Handles keys for the whole page. */
export function useKeys({ filter, detail }) {
  useEffect(() => {
    const pressed = (event) => {
      if (handle(event, filter, detail)) event.preventDefault();
    };
    document.addEventListener("keydown", pressed);
    return () => document.removeEventListener("keydown", pressed);
  }, []);
}

/** Does what a key means; returns whether it means something. */
function handle(event, filter, detail) {
  const { key } = event;
  const isFilter = event.target === filter.current;
  if (event.ctrlKey || event.altKey || event.metaKey || event.isComposing) return false;
  if (key === "Escape") return back(filter);
  if (isFilter && (key === "Enter" || key === "ArrowDown")) {
    list.move(0);
    return true;
  }
  const { tagName } = event.target;
  if (store.helpOpen || tagName === "INPUT" || tagName === "TEXTAREA" || tagName === "SELECT") return false;
  const inGrid = inList(event.target);
  const free = inGrid || event.target === document.body;
  const { selected } = store;
  if (selected !== null && key in DELIVERY_KEYS) {
    DELIVERY_KEYS[key](selected);
    return true;
  }
  if (selected !== null && key >= "1" && key <= "5" && key.length === 1) {
    const isShown = store.view === "delivery" && store.tab === TABS[key - 1];
    if (isShown && key === "1") store.nextPayloadView();
    else store.set({ tab: TABS[key - 1], view: "delivery" });
    if (detail.current?.contains(event.target)) focusPanel();
    return true;
  }
  switch (key) {
    case "j":
      list.move(1);
      return true;
    case "k":
      list.move(-1);
      return true;
    case "ArrowDown":
    case "ArrowUp":
      if (free) list.move(key === "ArrowDown" ? 1 : -1);
      return free;
    case "PageDown":
    case "PageUp":
      if (inGrid) list.page(key === "PageDown" ? 1 : -1);
      return inGrid;
    case "Home":
    case "End":
      if (inGrid) list.edge(key === "Home");
      return inGrid;
    case "g":
    case "G":
      list.edge(key === "g");
      return true;
    case "/":
      // On a narrow page the detail covers it. What is typed next must not be taken for other keys, so it is there at once.
      if (isNarrow()) store.set({ view: "list" });
      filter.current.closest(".toolbar").hidden = false;
      filter.current.focus();
      filter.current.select();
      return true;
    case "e":
      if (selected !== null) store.set({ view: "edit" });
      return selected !== null;
    case "t":
      store.set({ view: "overview" });
      return true;
    case "?":
      store.set({ helpOpen: true });
      return true;
    case "Enter":
      if (!free || selected === null) {
        if (inGrid) list.move(0);
        return inGrid;
      }
      store.set({ view: "delivery" });
      focusPanel();
      return true;
    default:
      return false;
  }
}

/** Focuses what the chosen tab shows, which arrow keys scroll, or move through. */
function focusPanel() {
  focusAfterDraw(() => {
    const panel = document.getElementById("panel");
    return panel?.querySelector(".tree, .lines") ?? panel;
  });
}

/** Goes back one step. */
function back(filter) {
  if (store.helpOpen) store.set({ helpOpen: false });
  else if (document.activeElement === filter.current) {
    if (store.filter.text !== "") store.setFilter({ text: "" });
    else if (store.selected !== null || store.shown.length > 0) list.focus();
    else filter.current.blur();
  } else if (store.view === "edit" || store.view === "compare") {
    store.set({ view: "delivery", marked: store.view === "compare" ? null : store.marked });
    if (isNarrow()) focusPanel();
    else list.focus();
  } else if (store.view === "overview") {
    store.set({ view: store.selected === null || isNarrow() ? "list" : "delivery" });
    list.focus();
  } else if (store.view === "delivery" && (isNarrow() || !inList(document.activeElement))) {
    if (isNarrow()) store.set({ view: "list" });
    list.focus();
  } else if (store.filter.text !== "" || store.filter.verdict !== null) {
    store.setFilter({ text: "", verdict: null });
  } else {
    store.select(null);
    document.activeElement?.blur();
  }
  return true;
}

function inList(element) {
  return element?.closest?.(".list-rows") != null;
}

export function Help() {
  const dialog = useRef(null);
  useEffect(() => {
    if (store.helpOpen && !dialog.current.open) dialog.current.showModal();
    if (!store.helpOpen && dialog.current.open) dialog.current.close();
  });
  const close = () => store.set({ helpOpen: false });
  return html`<dialog ref=${dialog} class="help" aria-labelledby="help-title" onClose=${close}>
    <h2 id="help-title">Keys</h2>
    <dl>
      ${HELP.map(
        ([key, text]) =>
          html`<div>
            <dt>${key.split("  ").map((part) => html`<kbd>${part}</kbd> `)}</dt>
            <dd>${text}</dd>
          </div>`,
      )}
    </dl>
    <p class="muted">Keys are off while you type in a field.</p>
    <button onClick=${close} autofocus>Close</button>
  </dialog>`;
}
