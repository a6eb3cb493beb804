// Owns the search in headers and bodies, which the page does not hold: hookdev is asked, some time after the last key.

import { getJson } from "./api.js";
import { useEffect } from "./html.js";
import { store } from "./store.js";

const TYPING_MS = 180;
/** How long after an arrival hookdev is asked again. */
const REFRESH_MS = 1000;

export function useSearch(text, lastSeq) {
  const wanted = text.trim();
  // A new text.
  useEffect(() => {
    if (wanted === "") {
      if (store.found !== null || store.searching) store.setFound(null, false);
      return undefined;
    }
    store.set({ searching: true });
    return search(wanted, TYPING_MS);
  }, [wanted]);
  // New deliveries.
  useEffect(() => {
    if (wanted === "" || store.searching) return undefined;
    return search(wanted, REFRESH_MS);
  }, [lastSeq]);
}

/** Asks after a while; returns what ends it. */
function search(text, delay) {
  const controller = new AbortController();
  const timer = setTimeout(async () => {
    try {
      const options = { signal: controller.signal };
      const { seqs } = await getJson(`/api/search?text=${encodeURIComponent(text)}`, options);
      store.setFound(new Set(seqs), false);
    } catch (error) {
      if (error.name === "AbortError") return;
      store.setFound(store.found, false);
      store.say(`Headers and bodies were not searched: ${error.message}`, "bad");
    }
  }, delay);
  return () => {
    clearTimeout(timer);
    controller.abort();
  };
}
