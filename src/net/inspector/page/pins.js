// Owns the pinned deliveries: whole, because hookdev forgets old ones, and in the storage of the tab, so that they survive
// a reload. `takeToken` empties that storage when hookdev was started again, because its numbers begin at 1 again.

import { parseLine } from "./api.js";
import { keep, kept } from "./storage.js";

const KEY = "hookdev.pin.";

/** The pinned deliveries, by `seq`: the JSON text of each. */
export class Pins {
  #texts = new Map();

  /** Takes up what was pinned before a reload. */
  restore() {
    const keys = Object.keys(sessionStorage).filter((key) => key.startsWith(KEY));
    for (const key of keys) this.#texts.set(Number(key.slice(KEY.length)), kept(key));
  }

  get size() {
    return this.#texts.size;
  }

  get seqs() {
    return [...this.#texts.keys()];
  }

  has(seq) {
    return this.#texts.has(seq);
  }

  /** The delivery, or `null` if it is not pinned. */
  get(seq) {
    const text = this.text(seq);
    return text === null ? null : parseLine(text);
  }

  text(seq) {
    return this.#texts.get(seq) ?? null;
  }

  /** Pins a delivery; returns whether it survives a reload, too. */
  add(seq, text) {
    this.#texts.set(seq, text);
    return keep(KEY + seq, text);
  }

  remove(seq) {
    this.#texts.delete(seq);
    sessionStorage.removeItem(KEY + seq);
  }
}
