// Owns how a verdict looks: a word, a shape and a colour, so that each of them is enough.

import { html } from "./html.js";

const DISC = "M8 1.500a6.500 6.500 0 1 0 0 13a6.500 6.500 0 0 0 0-13z";
const OCTAGON = "M5.300 1.500h5.400l3.800 3.800v5.400l-3.800 3.800h-5.400l-3.800-3.800v-5.400z";
const DIAMOND = "M8 .900l7.100 7.100-7.100 7.100-7.100-7.100z";
const CHECK = "M4.900 8.200l2.200 2.200 4.100-4.600";
const CROSS = "M5.600 5.600l4.800 4.800M10.400 5.600l-4.800 4.800";
const DASH = "M5.200 8h5.600";
const QUESTION = "M6.300 6.500c0-2.400 3.500-2.300 3.500-.200 0 1.300-1.800 1.300-1.800 2.600M8 10.900v.100";

const VERDICTS = {
  verified: { name: "verified", label: "verified", outline: DISC, mark: CHECK, filled: true },
  development: { name: "development", label: "verified, dev", outline: DISC, mark: CHECK, filled: false },
  unsigned: { name: "unsigned", label: "unsigned", outline: DISC, mark: DASH, filled: false },
  rejected: { name: "rejected", label: "rejected", outline: OCTAGON, mark: CROSS, filled: true },
  unrecognised: { name: "unrecognised", label: "unrecognised", outline: DIAMOND, mark: QUESTION, filled: false },
};

export const VERDICT_NAMES = Object.keys(VERDICTS);

export function verdict(name) {
  return VERDICTS[name];
}

/** Verified with the public development secret, which anyone can sign with, is a verdict of its own here. */
export function verdictOf(delivery) {
  const name = delivery.verdict === "verified" && delivery.secret === "development" ? "development" : delivery.verdict;
  return VERDICTS[name] ?? VERDICTS.unrecognised;
}

export function Shape({ of }) {
  return html`<svg class="shape ${of.name} ${of.filled ? "filled" : "hollow"}" viewBox="0 0 16 16" aria-hidden="true">
    <path class="outline" d=${of.outline} /><path class="mark" d=${of.mark} />
  </svg>`;
}

export function Verdict({ of }) {
  return html`<span class="verdict ${of.name}"><${Shape} of=${of} /><span class="word">${of.label}</span></span>`;
}
