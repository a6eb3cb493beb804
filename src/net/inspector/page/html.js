// Joins the vendored libraries: `html` makes Preact elements from templates. Every value in a template becomes a text
// node or an attribute, never markup.

import { h, render } from "./vendor/preact.mjs";
import htm from "./vendor/htm.mjs";

export const html = htm.bind(h);
export { render };
export { useCallback, useEffect, useLayoutEffect, useMemo, useRef, useState } from "./vendor/hooks.mjs";
