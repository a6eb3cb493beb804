// Owns raw text and hex: rows of one height, of which only those in view are drawn, so that a body of megabytes is no
// burden.

import { html, useLayoutEffect, useMemo, useRef, useState } from "./html.js";
import { size, visible } from "./text.js";
import { Virtual } from "./virtual.js";

const ROW = 18;
/** The most that is shown, in bytes: browsers limit the height of an element. */
const MOST = 8 * 1024 * 1024;

export function Raw({ bytes }) {
  const box = useRef(null);
  const columns = useColumns(box);
  const lines = useMemo(() => wrap(new TextDecoder("utf-8", { ignoreBOM: true }).decode(bytes.subarray(0, MOST)), columns), [bytes, columns]);
  const row = (index, place) => {
    const { number, text } = lines[index];
    return html`<div key=${index} ref=${place} class="line">
      <span class="line-number">${number}</span><bdi class="line-text">${visible(text)}</bdi>
    </div>`;
  };
  return html`<div class="bytes" ref=${box}>
    <${Cut} bytes=${bytes} />
    <${Virtual} class="lines" count=${lines.length} height=${ROW} row=${row} tabindex="0" aria-label="Raw body" role="group" />
  </div>`;
}

export function Hex({ bytes }) {
  const box = useRef(null);
  const width = useColumns(box) < 66 ? 8 : 16;
  const most = Math.min(bytes.length, MOST);
  const row = (index, place) => {
    const from = index * width;
    const part = bytes.subarray(from, Math.min(from + width, most));
    const digits = Array.from(part, (byte) => byte.toString(16).padStart(2, "0"));
    const half = digits.slice(0, width / 2).join(" ");
    const text = Array.from(part, (byte) => (byte >= 0x20 && byte < 0x7f ? String.fromCharCode(byte) : "·")).join("");
    return html`<div key=${index} ref=${place} class="line">
      <span class="line-number">${from.toString(16).padStart(6, "0")}</span>
      <span class="hex-digits">${half.padEnd(width * 1.5 - 1)}  ${digits.slice(width / 2).join(" ").padEnd(width * 1.5 - 1)}</span>
      <span class="hex-text">${text}</span>
    </div>`;
  };
  return html`<div class="bytes" ref=${box}>
    <${Cut} bytes=${bytes} />
    <${Virtual} class="lines hex" count=${Math.ceil(most / width)} height=${ROW} row=${row} tabindex="0" aria-label="Bytes" role="group" />
  </div>`;
}

function Cut({ bytes }) {
  return bytes.length > MOST && html`<p class="muted">The first ${size(MOST)} of ${size(bytes.length)}. Save the body for the rest.</p>`;
}

/** How many characters of the fixed-width font fit into a line. */
function useColumns(box) {
  const [columns, setColumns] = useState(80);
  useLayoutEffect(() => {
    const probe = document.createElement("span");
    probe.className = "probe";
    probe.textContent = "0".repeat(100);
    box.current.append(probe);
    const character = probe.getBoundingClientRect().width / 100;
    probe.remove();
    const observer = new ResizeObserver(([entry]) => {
      setColumns(Math.max(20, Math.floor((entry.contentRect.width - 76) / character)));
    });
    observer.observe(box.current);
    return () => observer.disconnect();
  }, []);
  return columns;
}

/** Cuts text into rows; the rows after the first of a line have no number. */
function wrap(text, columns) {
  const rows = [];
  let number = 0;
  for (const line of text.split("\n")) {
    number += 1;
    const content = line.replaceAll("\t", "    ");
    let from = 0;
    do {
      let to = from + columns;
      // Keeps the two halves of a character together.
      if (to < content.length && (content.charCodeAt(to - 1) & 0xfc00) === 0xd800) to += 1;
      rows.push({ number: from === 0 ? number : "", text: content.slice(from, to) });
      from = to;
    } while (from < content.length);
  }
  return rows;
}
