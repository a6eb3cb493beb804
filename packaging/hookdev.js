#!/usr/bin/env node
// Starts hookdev from the npm package that carries it for this platform.
"use strict";

const { spawn } = require("node:child_process");

const platform = `${process.platform}-${process.arch}`;
let program;
try {
  program = require.resolve(`@hookdev/${platform}/bin/hookdev${process.platform === "win32" ? ".exe" : ""}`);
} catch {
  console.error(`error: the npm package of hookdev has no program for ${platform}`);
  console.error(`hint: if there is a package @hookdev/${platform}, reinstall without --omit=optional; otherwise run: cargo install --locked hookdev`);
  process.exit(127);
}

const child = spawn(program, process.argv.slice(2), { stdio: "inherit" });
// hookdev decides how it ends. A terminal sends Ctrl-C to both processes, so it is not passed on.
for (const signal of ["SIGTERM", "SIGHUP"]) process.on(signal, () => child.kill(signal));
process.on("SIGINT", () => process.stdin.isTTY || child.kill("SIGINT"));
child.on("error", (error) => {
  console.error(`error: cannot run ${program}: ${error.message}`);
  process.exitCode = 126;
});
child.on("exit", (code, signal) => {
  if (signal === null) {
    process.exitCode = code;
  } else {
    process.removeAllListeners(signal);
    process.kill(process.pid, signal);
  }
});
