// Owns what the page knows: the deliveries without bodies, the filter, the selection, the pins. Components read it and
// are drawn again, at most once a frame, after it has changed.

import { bytesOf } from "./api.js";
import { haystack, matches, parseFilter } from "./filter.js";
import { useEffect, useState } from "./html.js";
import { Pins } from "./pins.js";
import { keep, kept } from "./storage.js";
import { verdictOf } from "./verdict.js";

/** How many deliveries are listed at most, unless hookdev keeps more. A page that is open all day must not grow forever. */
const MOST = 100_000;

/** How far apart two deliveries may be that are received at the same time and sent in the other order. */
const OVERLAP = 64;

/** How long arriving deliveries wait to be drawn together: this at least, and longer where a draw takes long, so that drawing
 * takes at most a tenth of a processor that the receiver needs, too. */
const GATHER_MS = { least: 60, perDrawMs: 9, most: 1000 };

/** The ways to show a payload. */
export const PAYLOAD_VIEWS = ["tree", "raw", "hex"];

class Store {
  /** What hookdev said when it was ready. */
  ready = null;
  /** `connecting`, `live`, `polling`, `lost` or `refused`. */
  connection = "connecting";
  /** How many times hookdev has sent a delivery to this tab. */
  arrived = 0;
  /** How many deliveries this tab missed because it was too slow. */
  missed = 0;
  /** The listed deliveries, by ascending `seq`. */
  rows = [];
  /** How many old ones were dropped from the list. */
  dropped = 0;
  /** Those that pass the filter, in the same order. */
  shown = [];
  /** The providers that deliveries came from: the `policy` of each, by name. */
  senders = new Map();
  /** How many deliveries have each verdict. */
  counts = new Map();
  /** What the user types, and the chosen verdict. */
  filter = { text: "", verdict: null };
  /** The words of that text. */
  words = [];
  /** The deliveries whose headers or body contain a word of the text, by word. hookdev may not have been asked for all yet. */
  found = new Map();
  searching = false;
  /** The `seq` of the selected delivery. */
  selected = null;
  /** What is shown beside the list, or in its place on a narrow page: `list` (nothing), `overview`, `delivery`, `edit` or
   * `compare`. */
  view = "list";
  /** The tab of a delivery. */
  tab = "payload";
  /** How a payload is shown, if it can be. */
  payloadView = "tree";
  /** What was typed into the payloads that are edited, by `seq`. */
  drafts = new Map();
  /** The `seq` to compare with. */
  marked = null;
  pins = new Pins();
  /** The results of resending, by `seq`. */
  resends = new Map();
  /** The last result of an action: `{text, tone}`. */
  notice = null;
  helpOpen = false;

  /** What was selected before a reload, until it is listed: `{seq, view, tab}`. */
  #awaited = null;
  #bySeq = new Map();
  /** The repeats of each delivery that has some, by the `seq` of the first. */
  #repeats = new Map();
  #clearedUpTo = 0;
  #lastSeq = 0;
  /** The last delivery before the first that was missed. */
  #missedAfter = 0;
  #listeners = new Set();
  #scheduled = false;
  #gathering = false;
  /** How long the last draw took. */
  #drawMs = 0;

  /** Takes up what this tab had cleared and pinned before, and what was selected before a reload. */
  restore(isReload) {
    this.#clearedUpTo = Number(kept("hookdev.cleared") ?? 0);
    this.#lastSeq = this.#clearedUpTo;
    this.pins.restore();
    const [seq, view, tab] = (kept("hookdev.place") ?? "").split(" ");
    if (isReload) this.#awaited = { seq: Number(seq), view, tab };
    for (const pinned of this.pins.seqs) this.#list(this.pins.get(pinned));
  }

  /** Keeps what is selected, for a reload. */
  keepPlace() {
    const view = this.view === "list" || this.view === "overview" ? this.view : "delivery";
    keep("hookdev.place", `${this.selected ?? 0} ${view} ${this.tab}`);
  }

  /** The newest delivery that hookdev has sent to this tab. */
  get lastSeq() {
    return this.#lastSeq;
  }

  get(seq) {
    return this.#bySeq.get(seq) ?? null;
  }

  subscribe(listener) {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  /** Draws the page again in the next frame. A hidden page has no frames. */
  changed() {
    if (this.#scheduled) return;
    this.#scheduled = true;
    const draw = () => {
      this.#scheduled = false;
      const start = performance.now();
      for (const listener of this.#listeners) listener();
      // After the components, and after the layout and the paint of this frame.
      setTimeout(() => (this.#drawMs = performance.now() - start));
    };
    if (document.hidden) setTimeout(draw, 250);
    else requestAnimationFrame(draw);
  }

  /** Draws it a moment later, because more deliveries may follow at once. */
  #changedSoon() {
    if (this.#scheduled || this.#gathering) return;
    this.#gathering = true;
    setTimeout(() => {
      this.#gathering = false;
      this.changed();
    }, Math.min(GATHER_MS.most, Math.max(GATHER_MS.least, this.#drawMs * GATHER_MS.perDrawMs)));
  }

  setConnection(connection) {
    if (this.connection === connection) return;
    this.connection = connection;
    this.changed();
  }

  setReady(ready) {
    this.ready = ready;
    this.changed();
  }

  /** Records that this tab was too slow and missed this many lines. */
  addMissed(count) {
    if (this.missed === 0) this.#missedAfter = Math.max(this.#clearedUpTo, this.#lastInOrder());
    this.missed += count;
    this.changed();
  }

  /** The last delivery before a gap among the newest ones: those that overlap are not quite sent in order. */
  #lastInOrder() {
    const { rows } = this;
    let last = this.#lastSeq;
    for (let at = rows.length - 1; at > 0 && at > rows.length - OVERLAP; at -= 1) {
      const gap = rows[at].seq - rows[at - 1].seq;
      if (gap > 1 && gap <= OVERLAP) last = rows[at - 1].seq;
    }
    return last;
  }

  /** How many of the missed deliveries did not come when they were asked for again. */
  get lost() {
    const listed = this.rows.length - indexOf(this.rows, this.#missedAfter + 1);
    return this.missed === 0 ? 0 : this.#lastSeq - this.#missedAfter - listed;
  }

  /** Takes a delivery that hookdev sent. */
  add(delivery) {
    const { seq } = delivery;
    this.arrived += 1;
    this.#lastSeq = Math.max(this.#lastSeq, seq);
    if (seq <= this.#clearedUpTo && !this.pins.has(seq)) return;
    this.#list(delivery);
    const most = Math.max(MOST, this.ready?.history ?? 0);
    // Many at once, because what remains has to be moved.
    if (this.rows.length > most + most / 10) this.#dropOldest(this.rows.length - most);
  }

  #list(delivery) {
    const { seq } = delivery;
    const known = this.#bySeq.get(seq);
    const row = slim(delivery);
    if (known) {
      this.#replace(known, { ...row, first: known.first });
    } else {
      this.#noteRepeat(row);
      this.#bySeq.set(seq, row);
      insert(this.rows, row);
      if (row.provider !== null) this.senders.set(row.provider, row.policy);
      this.counts.set(row.verdictName, (this.counts.get(row.verdictName) ?? 0) + 1);
      if (this.#passes(row)) insert(this.shown, row);
      if (this.#awaited?.seq === seq) this.#selectAwaited();
    }
    this.#changedSoon();
  }

  #dropOldest(count) {
    const limit = this.rows[count].seq;
    const stays = (row) => row.seq >= limit || row.seq === this.selected || this.pins.has(row.seq);
    for (const row of this.rows.slice(0, count)) {
      if (stays(row)) continue;
      this.#bySeq.delete(row.seq);
      this.#repeats.delete(row.seq);
      this.resends.delete(row.seq);
      this.drafts.delete(row.seq);
      this.counts.set(row.verdictName, this.counts.get(row.verdictName) - 1);
      this.dropped += 1;
    }
    this.#missedAfter = Math.max(this.#missedAfter, limit - 1);
    this.rows = this.rows.filter(stays);
    this.shown = this.shown.filter(stays);
  }

  /** Changes a delivery: findings and forwards may come later. */
  update(seq, change) {
    const known = this.#bySeq.get(seq);
    if (!known) return;
    this.#replace(known, { ...known, ...change });
    this.#changedSoon();
  }

  /** Takes forwards that ended after their delivery was shown, or that someone resent, here or in the terminal. */
  addForwards({ seq, forwards, warnings, resent }) {
    const known = this.#bySeq.get(seq);
    if (!known) return;
    if (resent) {
      this.update(seq, { resent: [...forwards, ...known.resent] });
      return;
    }
    const urls = new Set(forwards.map((forward) => forward.url));
    const others = known.forwards.filter((forward) => !urls.has(forward.url));
    this.update(seq, { forwards: [...others, ...forwards], warnings: [...known.warnings, ...warnings] });
  }

  #replace(known, row) {
    this.#bySeq.set(row.seq, row);
    this.rows[indexOf(this.rows, row.seq)] = row;
    const place = indexOf(this.shown, row.seq);
    if (this.shown[place] === known) this.shown[place] = row;
  }

  #passes(row) {
    const { verdict } = this.filter;
    if (verdict === "pinned" ? !this.pins.has(row.seq) : verdict !== null && row.verdictName !== verdict) return false;
    return matches(row, this.words, this.found);
  }

  nextPayloadView() {
    this.set({ payloadView: PAYLOAD_VIEWS[(PAYLOAD_VIEWS.indexOf(this.payloadView) + 1) % PAYLOAD_VIEWS.length] });
  }

  setFilter(change) {
    this.filter = { ...this.filter, ...change };
    this.words = parseFilter(this.filter.text);
    this.#filterAgain();
  }

  /** Takes the deliveries in which each of these words was found. Those that hookdev has forgotten since stay found. */
  addFound(words, seqs) {
    this.found = new Map(words.map((word, at) => [word, new Set([...(this.found.get(word) ?? []), ...seqs[at]])]));
    this.searching = false;
    this.#filterAgain();
  }

  #filterAgain() {
    this.shown = this.rows.filter((row) => this.#passes(row));
    this.changed();
  }

  #selectAwaited() {
    const { seq, view, tab } = this.#awaited;
    this.tab = tab;
    this.select(seq, view);
  }

  select(seq, view = "delivery") {
    this.#awaited = null;
    this.selected = seq;
    this.view = seq === null ? "list" : view;
    this.changed();
  }

  set(change) {
    Object.assign(this, change);
    this.changed();
  }

  /** Says the result of an action, in the status bar. */
  say(text, tone = "plain") {
    this.set({ notice: { text, tone } });
  }

  /** Pins a delivery, of which this is the JSON text; returns whether it survives a reload. */
  pin(seq, text) {
    const survives = this.pins.add(seq, text);
    this.#pinsChanged();
    return survives;
  }

  unpin(seq) {
    this.pins.remove(seq);
    this.#pinsChanged();
  }

  #pinsChanged() {
    if (this.filter.verdict === "pinned") this.#filterAgain();
    this.changed();
  }

  /** Removes all deliveries but the pinned ones from this page. hookdev keeps them. */
  clear() {
    this.#clearedUpTo = this.lastSeq;
    this.missed = 0;
    this.dropped = 0;
    keep("hookdev.cleared", String(this.#clearedUpTo));
    this.rows = this.rows.filter((row) => this.pins.has(row.seq));
    this.#bySeq = new Map(this.rows.map((row) => [row.seq, row]));
    this.counts = new Map();
    for (const row of this.rows) this.counts.set(row.verdictName, (this.counts.get(row.verdictName) ?? 0) + 1);
    if (!this.#bySeq.has(this.selected)) this.select(null);
    this.#filterAgain();
  }

  /** Keeps what was typed into the payload of a delivery, or forgets it. */
  keepDraft(seq, text) {
    if (text === null) this.drafts.delete(seq);
    else this.drafts.set(seq, text);
    this.changed();
  }

  addResend(seq, resend) {
    this.resends.set(seq, [resend, ...(this.resends.get(seq) ?? [])]);
    this.changed();
  }

  /** The deliveries with the same id or the same bytes as this one, oldest first. */
  sameAs(seq) {
    const repeats = this.#repeats.get(this.#first(seq)) ?? [];
    return [this.#first(seq), ...repeats].map((each) => this.get(each)).filter((row) => row !== null);
  }

  #first(seq) {
    return this.get(seq)?.first ?? seq;
  }

  #noteRepeat(row) {
    row.first = row.repeat ? this.#first(row.repeat.of) : row.seq;
    if (row.first === row.seq) return;
    if (!this.#repeats.has(row.first)) this.#repeats.set(row.first, []);
    this.#repeats.get(row.first).push(row.seq);
  }
}

/** The part of a delivery that the list needs. Headers are loaded with the body. */
function slim(delivery) {
  const { method, target } = delivery.request;
  const bytes = delivery.request.body_bytes ?? bytesOf(delivery.request).length;
  const verdictName = verdictOf(delivery).name;
  const resent = (delivery.resends ?? []).toReversed();
  const row = { ...delivery, request: { method, target, body_bytes: bytes }, resent, verdictName };
  row.text = haystack(row);
  return row;
}

function insert(rows, row) {
  if (rows.length === 0 || rows[rows.length - 1].seq < row.seq) rows.push(row);
  else rows.splice(indexOf(rows, row.seq), 0, row);
}

/** The place of the first row with at least this `seq`. */
export function indexOf(rows, seq) {
  let low = 0;
  let high = rows.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if (rows[middle].seq < seq) low = middle + 1;
    else high = middle;
  }
  return low;
}

export const store = new Store();

/** Draws the component again after each change of the store. */
export function useStore() {
  const [, draw] = useState(0);
  useEffect(() => store.subscribe(() => draw((count) => count + 1)), []);
  return store;
}
