// Owns the search in headers and bodies, which the page does not hold: hookdev is asked, some time after the last key.

import { getJson } from "./api.js";
import { useEffect } from "./html.js";
import { store } from "./store.js";

const TYPING_MS = 180;
/** How long after an arrival hookdev is asked again. */
const REFRESH_MS = 1000;

export function useSearch(words, lastSeq) {
  // New words.
  useEffect(() => {
    store.set({ searching: words.length > 0 });
    return words.length > 0 ? search(words, TYPING_MS) : undefined;
  }, [words.join(" ")]);
  // New deliveries.
  useEffect(() => {
    if (words.length === 0 || store.searching) return undefined;
    return search(words, REFRESH_MS);
  }, [lastSeq]);
}

/** Asks after a while; returns what ends it. */
function search(words, delay) {
  const controller = new AbortController();
  const timer = setTimeout(async () => {
    try {
      const query = new URLSearchParams(words.map((word) => ["word", word]));
      const { seqs } = await getJson(`/api/search?${query}`, { signal: controller.signal });
      store.addFound(words, seqs);
    } catch (error) {
      if (error.name === "AbortError") return;
      store.set({ searching: false });
      store.say(`Headers and bodies were not searched: ${error.message}`, "bad");
    }
  }, delay);
  return () => {
    clearTimeout(timer);
    controller.abort();
  };
}
