// Owns the chart of response times, which uPlot draws on a canvas. Its numbers are also in the table of times.js.

import { html, useLayoutEffect, useRef } from "./html.js";
import { clock, limit } from "./text.js";

const HEIGHT = 180;
const scheme = matchMedia("(prefers-color-scheme: dark)");

export function Chart({ rows, most, choose }) {
  const box = useRef(null);
  const plot = useRef(null);
  const latest = useRef({ rows, choose });
  latest.current = { rows, choose };
  useLayoutEffect(() => {
    const draw = () => {
      plot.current?.destroy();
      plot.current = create(box.current, most, latest);
    };
    draw();
    scheme.addEventListener("change", draw);
    const observer = new ResizeObserver(() => {
      plot.current.setSize({ width: box.current.clientWidth, height: HEIGHT });
    });
    observer.observe(box.current);
    return () => {
      scheme.removeEventListener("change", draw);
      observer.disconnect();
      plot.current.destroy();
      plot.current = null;
    };
  }, [most]);
  useLayoutEffect(() => plot.current.setData(columns(rows, most)), [rows, rows.length, most]);
  return html`<div ref=${box} class="chart" aria-hidden="true"></div>`;
}

function create(box, most, latest) {
  const style = getComputedStyle(document.documentElement);
  const colour = (name) => style.getPropertyValue(name).trim();
  const axis = {
    stroke: colour("--muted"),
    grid: { stroke: colour("--line"), width: 1 },
    ticks: { show: false },
    font: "11px system-ui, sans-serif",
  };
  const points = (stroke) => ({ paths: () => null, points: { show: true, size: 5, stroke, fill: stroke }, stroke });
  const options = {
    width: box.clientWidth,
    height: HEIGHT,
    legend: { show: false },
    cursor: { y: false, drag: { x: false, y: false }, points: { size: 9 } },
    scales: { x: { time: true, range: () => around(latest.current.rows) }, y: { distr: 3, range: (_plot, low, high) => bounds(low, high, most) } },
    axes: [
      { ...axis, space: 70, values: (_plot, ticks) => ticks.map((tick) => clock(tick * 1000).slice(0, 8)) },
      { ...axis, size: 60, filter: powers, grid: { ...axis.grid, filter: powers }, values: labels },
    ],
    series: [
      {},
      points(colour("--accent")),
      points(colour("--bad")),
      { stroke: colour("--bad"), width: 1, dash: [6, 4], points: { show: false } },
    ],
  };
  const plot = new globalThis.uPlot(options, columns(latest.current.rows, most), box);
  plot.over.addEventListener("click", () => {
    const row = latest.current.rows[plot.cursor.idx];
    if (row) latest.current.choose(row.seq);
  });
  return plot;
}

/** Times within the limit, times beyond it, and the limit. */
function columns(rows, most) {
  const isLate = (row) => most !== null && row.response.elapsed_ms > most;
  // A logarithmic scale has no zero.
  const time = (row) => Math.max(0.1, row.response.elapsed_ms);
  return [
    rows.map((row) => Date.parse(row.received_at) / 1000),
    rows.map((row) => (isLate(row) ? null : time(row))),
    rows.map((row) => (isLate(row) ? time(row) : null)),
    rows.map(() => most),
  ];
}

function bounds(low, high, most) {
  const lowest = Math.min(low ?? 1, most ?? Infinity);
  const highest = Math.max(high ?? 1, most ?? 0);
  return [10 ** Math.floor(Math.log10(lowest)), 10 ** Math.ceil(Math.log10(highest * 1.01))];
}

/** From the first delivery to the last, in seconds: at least half a minute, so that the labels of the axis differ. */
function around(rows) {
  const [first, last] = [rows[0], rows[rows.length - 1]].map((row) => Date.parse(row.received_at) / 1000);
  const missing = Math.max(0, 30 - (last - first)) / 2;
  return [first - missing, last + missing];
}

/** Keeps the powers of ten of a logarithmic axis. */
function powers(_plot, ticks) {
  return ticks.map((tick) => (Math.abs(Math.log10(tick) % 1) < 1e-9 ? tick : null));
}

function labels(_plot, ticks) {
  return ticks.map((tick) => (tick === null ? null : limit(tick)));
}
