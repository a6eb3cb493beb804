// Verifies requests correctly: over the raw bytes of the body, in constant time, and without an error for any headers.
// For the correct handlers, and for those with a different fault.
"use strict";

const crypto = require("node:crypto");
const { Webhook } = require("svix");

const same = (given, expected) => {
  const [left, right] = [Buffer.from(given ?? ""), Buffer.from(expected)];
  return left.length === right.length && crypto.timingSafeEqual(left, right);
};

const hmac = (algorithm, secret, body) => crypto.createHmac(algorithm, secret).update(body).digest("hex");

exports.cyanite = (req) =>
  same(req.get("signature"), hmac("sha512", process.env.CYANITE_WEBHOOK_SECRET, req.body));

// The dashboard's test has no signature and needs only a response.
exports.isCyaniteTest = (req) => {
  if (req.get("signature") !== undefined) {
    return false;
  }
  try {
    return JSON.parse(req.body).type === "TEST";
  } catch {
    return false;
  }
};

exports.jewelmusic = (req) =>
  same(req.get("x-jewelmusic-signature"), `sha256=${hmac("sha256", process.env.JEWELMUSIC_WEBHOOK_SECRET, req.body)}`);

exports.aspect = (req) => {
  try {
    new Webhook(process.env.ASPECT_WEBHOOK_SECRET).verify(req.body, req.headers);
    return true;
  } catch {
    return false;
  }
};
