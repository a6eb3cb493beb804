// Owns scrolling through many rows of one height: only those in view, a few around them and the active one are in the
// document.

import { html, useCallback, useLayoutEffect, useRef, useState } from "./html.js";

const MARGIN = 8;

/**
 * `count` rows of `height` pixels; `row(index, place)` draws one, whose element gets `ref=${place}`. `control` receives
 * `{element, show(index)}`, and `onScroll` is called with the element.
 */
export function Virtual({ count, height, row, active = -1, control, onScroll, ...attributes }) {
  const element = useRef(null);
  const spacer = useRef(null);
  const [range, setRange] = useState([0, 40]);
  const measure = useCallback(() => {
    const { scrollTop, clientHeight } = element.current;
    const first = Math.max(0, Math.floor(scrollTop / height) - MARGIN);
    const last = Math.ceil((scrollTop + clientHeight) / height) + MARGIN;
    setRange((old) => (old[0] === first && old[1] === last ? old : [first, last]));
  }, [height]);
  useLayoutEffect(() => {
    spacer.current.style.height = `${count * height}px`;
    measure();
  }, [count, height, measure]);
  useLayoutEffect(() => {
    const observer = new ResizeObserver(measure);
    observer.observe(element.current);
    return () => observer.disconnect();
  }, [measure]);
  // The panel has the focus while its content is loaded.
  useLayoutEffect(() => {
    if (document.activeElement === element.current.closest(".tab-panel")) element.current.focus();
  }, []);
  if (control) {
    control.current = {
      get element() {
        return element.current;
      },
      measure,
      show(index) {
        const box = element.current;
        const top = index * height;
        if (top < box.scrollTop) box.scrollTop = top;
        else if (top + height > box.scrollTop + box.clientHeight) box.scrollTop = top + height - box.clientHeight;
        measure();
      },
    };
  }
  const scrolled = () => {
    measure();
    onScroll?.(element.current);
  };
  const rows = [];
  const last = Math.min(range[1], count);
  const draw = (index) => rows.push(row(index, placeAt(index * height)));
  if (active >= 0 && active < range[0] && active < count) draw(active);
  for (let index = range[0]; index < last; index++) draw(index);
  if (active >= last && active < count) draw(active);
  return html`<div ref=${element} onScroll=${scrolled} ...${attributes} class="virtual ${attributes.class ?? ""}">
    <div ref=${spacer} class="spacer" role="presentation">${rows}</div>
  </div>`;
}

function placeAt(top) {
  return (element) => {
    if (element) element.style.transform = `translateY(${top}px)`;
  };
}
