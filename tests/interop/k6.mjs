// Runs a k6 script in Node, with k6's modules replaced by the packages beside it in `node_modules/k6`: makes N requests and
// prints each as a captured request, instead of sending it. k6 itself is not needed.
//
//     node k6.mjs SCRIPT N

import { pathToFileURL } from "node:url";

const [script, count] = process.argv.slice(2);
globalThis.__ENV = process.env;
globalThis.__VU = 1;
globalThis.__ITER = 0;

const { default: iterate, options } = await import(pathToFileURL(script));
for (; globalThis.__ITER < Number(count); globalThis.__ITER++) {
  iterate();
}
console.log(JSON.stringify({ kind: "end", options, failures: globalThis.failures ?? [] }));
