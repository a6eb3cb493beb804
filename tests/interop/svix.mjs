// Signs and verifies with Svix's own library: one task per line on standard input, one result per line on standard output.
//
//   node svix.mjs DIR         the directory in whose node_modules the `svix` package is
//
// {"sign": {"id", "time", "body"}, "secret"}  ->  {"signature"}
// {"verify": {"headers", "body"}, "secret"}   ->  {"payload"}, a JSON text, or {"refused"}

import { readFileSync } from "node:fs";
import { createRequire } from "node:module";

const { Webhook } = createRequire(`${process.argv[2]}/`)("svix");

const result = ({ secret, sign, verify }) => {
  const webhook = new Webhook(secret);
  if (sign) {
    return { signature: webhook.sign(sign.id, new Date(sign.time * 1000), sign.body) };
  }
  try {
    return { payload: JSON.stringify(webhook.verify(verify.body, verify.headers)) };
  } catch (error) {
    return { refused: error.message };
  }
};

// Not `readline`, for which U+2028 ends a line.
for (const line of readFileSync(0, "utf8").split("\n").filter(Boolean)) {
  console.log(JSON.stringify(result(JSON.parse(line))));
}
