// Owns the search in headers and bodies, which the page does not hold: hookdev is asked, some time after the last key,
// and again while deliveries arrive.

import { getJson } from "./api.js";
import { useEffect } from "./html.js";
import { store } from "./store.js";
import { pause } from "./stream.js";

const TYPING_MS = 180;
/** How long hookdev is left alone between two searches for the same words. */
const REFRESH_MS = 1000;

export function useSearch(words) {
  useEffect(() => {
    store.set({ searching: words.length > 0 });
    if (words.length === 0) return undefined;
    const controller = new AbortController();
    keepSearching(words, controller.signal);
    return () => controller.abort();
  }, [words.join(" ")]);
}

/** Asks once the keys rest, and again whenever deliveries have arrived since. */
async function keepSearching(words, signal) {
  let searched = null;
  for (let wait = TYPING_MS; ; wait = REFRESH_MS) {
    await pause(wait);
    if (signal.aborted) return;
    if (store.arrived === searched) continue;
    searched = store.arrived;
    await search(words, signal);
  }
}

async function search(words, signal) {
  try {
    const query = new URLSearchParams(words.map((word) => ["word", word]));
    const { seqs } = await getJson(`/api/search?${query}`, { signal });
    store.addFound(words, seqs);
  } catch (error) {
    if (error.name === "AbortError") return;
    store.set({ searching: false });
    store.say(`Headers and bodies were not searched: ${error.message}`, "bad");
  }
}
