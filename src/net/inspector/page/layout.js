// Owns the one question of layout that code has to ask: whether the page is too narrow for list and detail side by side.

import { html, useEffect, useState } from "./html.js";
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
