// Owns the response times: per event in a table, and over time in a chart against the provider's limit.

import { Chart } from "./chart.js";
import { html, useEffect, useMemo, useRef, useState } from "./html.js";
import { limitOf } from "./list.js";
import { store } from "./store.js";
import { duration, limit, visible } from "./text.js";

/** How many of the newest deliveries count. */
const NEWEST = 2000;
/** How long the figures stay as they are while deliveries arrive. */
const STEADY_MS = 2000;

export function Times() {
  const rowsNow = useSteadyRows();
  const groups = useMemo(() => byProvider(rowsNow), [rowsNow]);
  const [chosen, choose] = useState(null);
  const names = [...groups.keys()].sort();
  const name = chosen !== null && groups.has(chosen) ? chosen : busiest(groups);
  if (name === null) return null;
  const rows = groups.get(name);
  const most = limitOf(rows[0]);
  return html`<h2>Response times</h2>
    <p class="muted">
      How long each response took, forwards included.${" "}
      ${name !== "" && (most === null ? `${title(name, groups)} publishes no limit.` : `${title(name, groups)} gives up after ${limit(most)}.`)}
    </p>
    ${names.length > 1 &&
    html`<div class="segments" role="group" aria-label="Provider">
      ${names.map(
        (each) =>
          html`<button key=${each} aria-pressed=${each === name} onClick=${() => choose(each)}>${title(each, groups)}</button>`,
      )}
    </div>`}
    <${Chart} rows=${rows} most=${most} choose=${(seq) => store.select(seq)} />
    <table class="times">
      <caption class="hidden-label">
        Response times of ${title(name, groups)} by event
      </caption>
      <thead>
        <tr>
          <th scope="col">Event</th>
          <th scope="col" class="number">Count</th>
          <th scope="col" class="number">Median</th>
          <th scope="col" class="number">p95</th>
          <th scope="col" class="number">Slowest</th>
          <th scope="col" class="number">Late</th>
        </tr>
      </thead>
      <tbody>
        ${summaries(rows, most).map(
          (each) =>
            html`<tr key=${each.event}>
              <th scope="row">${visible(each.event)}</th>
              <td class="number">${each.count.toLocaleString("en")}</td>
              <td class="number">${duration(each.median)}</td>
              <td class="number">${duration(each.high)}</td>
              <td class="number">
                <button class="link" onClick=${() => store.select(each.slowest.seq)}>
                  ${duration(each.slowest.response.elapsed_ms)}
                </button>
              </td>
              <td class="number ${each.late > 0 ? "bad-text" : ""}">${each.late.toLocaleString("en")}</td>
            </tr>`,
        )}
      </tbody>
    </table>`;
}

/** The newest deliveries, as they were a moment ago. */
function useSteadyRows() {
  const newest = () => store.rows.slice(-NEWEST);
  const [rows, setRows] = useState(newest);
  const timer = useRef(null);
  useEffect(() => {
    timer.current ??= setTimeout(() => {
      timer.current = null;
      setRows(newest());
    }, STEADY_MS);
  }, [store.rows, store.rows.length]);
  useEffect(() => () => clearTimeout(timer.current), []);
  return rows;
}

function byProvider(rows) {
  const groups = new Map();
  for (const row of rows) {
    const name = row.provider ?? "";
    if (!groups.has(name)) groups.set(name, []);
    groups.get(name).push(row);
  }
  return groups;
}

function busiest(groups) {
  let most = null;
  for (const [name, rows] of groups) {
    if (most === null || rows.length > groups.get(most).length) most = name;
  }
  return most;
}

function title(name, groups) {
  return name === "" ? "Unrecognised" : (groups.get(name)[0].policy?.title ?? name);
}

function summaries(rows, most) {
  const events = new Map();
  for (const row of rows) {
    const event = row.event ?? "unknown event";
    if (!events.has(event)) events.set(event, []);
    events.get(event).push(row);
  }
  return [...events]
    .map(([event, ofEvent]) => {
      const sorted = ofEvent.toSorted((left, right) => left.response.elapsed_ms - right.response.elapsed_ms);
      const at = (share) => sorted[Math.min(sorted.length - 1, Math.floor(share * sorted.length))].response.elapsed_ms;
      const late = most === null ? 0 : sorted.filter((row) => row.response.elapsed_ms > most).length;
      return { event, count: sorted.length, median: at(0.5), high: at(0.95), slowest: sorted[sorted.length - 1], late };
    })
    .sort((left, right) => right.count - left.count);
}
