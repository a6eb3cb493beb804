// Runs a handler for a test: it listens on a free port, which it prints, and exits when its standard input ends, so that
// it never outlives the test.
"use strict";

exports.serve = (app) => {
  const server = app.listen(0, "127.0.0.1", () => console.log(server.address().port));
  process.stdin.on("end", () => process.exit()).resume();
};
