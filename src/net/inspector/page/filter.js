// Owns the filter's words, which are looked for in event, verdict, path and status. search.js asks for the rest.

/** The words of a filter, each once. All of them have to occur. */
export function parseFilter(text) {
  return [...new Set(text.split(/\s+/).filter(Boolean))];
}

/** The text of a delivery in which the words are looked for. */
export function haystack(row) {
  const { method, target } = row.request;
  const repeat = row.repeat ? "repeat" : "";
  const parts = [`#${row.seq}`, row.event, row.provider, row.verdictName, row.verdict, row.rejection?.code];
  return [...parts, row.payload.status, method, target, row.response.status, repeat].join(" ").toLowerCase();
}

/** Whether each word is in the text of a delivery, or was found in its headers or body: `found` has the `seq`s by word. */
export function matches({ seq, text }, words, found) {
  return words.every((word) => text.includes(word.toLowerCase()) || found.get(word)?.has(seq));
}
