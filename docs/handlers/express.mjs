import { createHmac, timingSafeEqual } from "node:crypto";
import express from "express";

const secret = process.env.GITHUB_WEBHOOK_SECRET;
if (!secret) throw new Error("GITHUB_WEBHOOK_SECRET is not set");

function isGenuine(body, signature = "") {
  const expected = Buffer.from("sha256=" + createHmac("sha256", secret).update(body).digest("hex"));
  const given = Buffer.from(signature);
  return given.length === expected.length && timingSafeEqual(given, expected);
}

const app = express();

// express.raw() on this route only, and before any express.json().
app.post("/webhooks/github", express.raw({ type: "*/*", limit: "25mb" }), (req, res) => {
  if (!Buffer.isBuffer(req.body) || !isGenuine(req.body, req.get("x-hub-signature-256"))) {
    return res.status(401).send("wrong signature\n");
  }
  const event = JSON.parse(req.body);
  // Queue the work under the id in x-github-delivery, and do nothing if that id is known.
  res.sendStatus(202);
});

app.listen(3000, "127.0.0.1", () => console.log("listening on 3000"));
