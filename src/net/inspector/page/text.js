// Owns how untrusted text, times and sizes are written. Characters that would hide or reorder text are shown by their
// code points.

import { html } from "./html.js";

/** Control characters, and those that are invisible or change the direction of text. */
const HIDDEN =
  /[\u0000-\u0008\u000b-\u001f\u007f-\u009f\u00ad\u061c\u180e\u200b-\u200f\u2028-\u202e\u2060-\u206f\ufeff\ufff9-\ufffb]/g;

/** Text as it is, with hidden characters as boxes such as `U+202E`. */
export function visible(text) {
  if (typeof text !== "string" || text.search(HIDDEN) < 0) return text;
  const parts = [];
  let end = 0;
  for (const found of text.matchAll(HIDDEN)) {
    parts.push(text.slice(end, found.index));
    const code = found[0].charCodeAt(0).toString(16).toUpperCase().padStart(4, "0");
    parts.push(html`<span class="hidden-character">U+${code}</span>`);
    end = found.index + found[0].length;
  }
  parts.push(text.slice(end));
  return parts;
}

/** A message of hookdev's, with what it quotes in backticks as code. */
export function prose(text) {
  const parts = String(text).split("`");
  if (parts.length % 2 === 0) return visible(text);
  return parts.map((part, index) => (index % 2 === 1 ? html`<code>${visible(part)}</code>` : visible(part)));
}

/** A message of hookdev's as a sentence of its own. An identifier in backticks stays as it is. */
export function sentence(text) {
  return text.charAt(0).toUpperCase() + text.slice(1);
}

const two = (number) => String(number).padStart(2, "0");

/** `10:04:12.318`, in the reader's time zone. */
export function clock(timestamp) {
  const date = new Date(timestamp);
  if (Number.isNaN(date.getTime())) return "";
  const ms = String(date.getMilliseconds()).padStart(3, "0");
  return `${two(date.getHours())}:${two(date.getMinutes())}:${two(date.getSeconds())}.${ms}`;
}

/** `0.4 ms`, `34 ms`, `4.1 s`. */
export function duration(ms) {
  if (ms === null || ms === undefined) return "";
  if (ms < 10) return `${ms.toFixed(1)} ms`;
  if (ms < 1000) return `${Math.round(ms)} ms`;
  if (ms < 60000) return `${(ms / 1000).toFixed(ms < 10000 ? 1 : 0)} s`;
  return `${Math.round(ms / 60000)} min`;
}

/** A limit without needless digits: `3 s`. */
export function limit(ms) {
  return ms % 1000 === 0 ? `${ms / 1000} s` : `${ms} ms`;
}

export function size(bytes) {
  if (bytes === null || bytes === undefined) return "";
  if (bytes < 1024) return `${bytes} B`;
  if (bytes < 1024 * 1024) return `${(bytes / 1024).toFixed(1)} KiB`;
  return `${(bytes / 1024 / 1024).toFixed(1)} MiB`;
}

export function plural(count, one, many = `${one}s`) {
  return `${count.toLocaleString("en")} ${count === 1 ? one : many}`;
}

/** A URL without its scheme, as people read it. */
export function short(url) {
  return url.replace(/^https?:\/\//, "").replace(/\/$/, "");
}
