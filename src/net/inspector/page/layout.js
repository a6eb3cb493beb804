// Owns what code has to know of the layout: whether the page is too narrow for list and detail side by side, and where the
// line between the two is.

import { html, useEffect, useState } from "./html.js";
import { keep, kept } from "./storage.js";
import { store } from "./store.js";

const query = matchMedia("(max-width: 799px)");

export function isNarrow() {
  return query.matches;
}

/** The same, for components, which are drawn again when it changes. */
export function useNarrow() {
  const [narrow, setNarrow] = useState(query.matches);
  useEffect(() => {
    const changed = () => setNarrow(query.matches);
    query.addEventListener("change", changed);
    return () => query.removeEventListener("change", changed);
  }, []);
  return narrow;
}

/** Returns to the list, on a page that has no room beside it. */
export function BackButton() {
  const back = () => store.set({ view: "list" });
  return isNarrow() && html`<button class="back" onClick=${back} aria-label="Back to the list">‹</button>`;
}

/** The list's share of the width, in percent. */
const SHARE = { key: "hookdev.share", least: 25, most: 75, middle: 50, step: 2 };

/** The line between list and detail, which a pointer drags and arrow keys move. */
export function Splitter() {
  const [share, setShare] = useState(Number(kept(SHARE.key) ?? SHARE.middle));
  const move = (wanted) => {
    const to = Math.round(Math.min(SHARE.most, Math.max(SHARE.least, wanted)));
    keep(SHARE.key, String(to));
    setShare(to);
  };
  useEffect(() => document.documentElement.style.setProperty("--list-share", `${share}%`), [share]);
  const dragged = (event) => {
    if (event.buttons === 1) move((event.clientX / document.documentElement.clientWidth) * 100);
  };
  const pressed = (event) => {
    const step = { ArrowLeft: -SHARE.step, ArrowRight: SHARE.step }[event.key];
    if (step === undefined) return;
    move(share + step);
    event.preventDefault();
  };
  return html`<div
    class="splitter"
    role="separator"
    tabindex="0"
    aria-orientation="vertical"
    aria-label="Width of the list"
    aria-valuemin=${SHARE.least}
    aria-valuemax=${SHARE.most}
    aria-valuenow=${share}
    onPointerDown=${(event) => event.currentTarget.setPointerCapture(event.pointerId)}
    onPointerMove=${dragged}
    onDblClick=${() => move(SHARE.middle)}
    onKeyDown=${pressed}
  ></div>`;
}
