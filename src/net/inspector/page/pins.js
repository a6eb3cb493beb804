// Owns the pinned deliveries: whole, because hookdev forgets old ones, and in the storage of the tab, so that they survive
// a reload. `takeToken` empties that storage when hookdev was started again, because its numbers begin at 1 again.

import { parseLine } from "./api.js";

const KEY = "hookdev.pin.";

/** The pinned deliveries, by `seq`: the JSON text of each. */
export class Pins {
  #texts = new Map();

  /** Takes up what was pinned before a reload. */
  restore() {
    const keys = Object.keys(sessionStorage).filter((key) => key.startsWith(KEY));
    for (const key of keys) this.#texts.set(Number(key.slice(KEY.length)), sessionStorage.getItem(key));
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

  /** Pins a delivery; returns whether it survives a reload, too: browsers limit the storage of a tab to some MiB. */
  add(seq, text) {
    this.#texts.set(seq, text);
    try {
      sessionStorage.setItem(KEY + seq, text);
      return true;
    } catch {
      return false;
    }
  }

  remove(seq) {
    this.#texts.delete(seq);
    sessionStorage.removeItem(KEY + seq);
  }
}
