// Owns the filter's words, which are looked for in event, verdict, path and status. search.js asks for the rest.

/** The words of a filter, in lower case. All of them have to occur. */
export function parseFilter(text) {
  return text.toLowerCase().split(/\s+/).filter(Boolean);
}

/** The text of a delivery in which the words are looked for. */
export function haystack(row) {
  const { method, target } = row.request;
  const repeat = row.repeat ? "repeat" : "";
  const parts = [`#${row.seq}`, row.event, row.provider, row.verdictName, row.verdict, row.rejection?.code];
  return [...parts, row.payload.status, method, target, row.response.status, repeat].join(" ").toLowerCase();
}

export function matches(text, terms) {
  return terms.every((term) => text.includes(term));
}
