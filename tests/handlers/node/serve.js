// What a handler needs to be tried: it listens on a free port, which it prints, and ends with its standard input, so
// that it never outlives a test.
"use strict";

exports.serve = (app) => {
  const server = app.listen(0, "127.0.0.1", () => console.log(server.address().port));
  process.stdin.on("end", () => process.exit()).resume();
};
