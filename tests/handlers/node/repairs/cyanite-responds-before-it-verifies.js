// Faulty: it responds before it verifies, so that every forgery is accepted. Repaired: it verifies, responds, then works.
"use strict";

const express = require("express");
const genuine = require("../genuine");
const { serve } = require("../serve");

const app = express();
const raw = express.raw({ type: "*/*", limit: "2mb" });
const work = () => new Promise((done) => setImmediate(done));

app.post("/faulty", raw, async (req, res) => {
  res.sendStatus(200);
  if (!genuine.isCyaniteTest(req) && !genuine.cyanite(req)) {
    return;
  }
  await work();
});

app.post("/repaired", raw, async (req, res) => {
  if (!genuine.isCyaniteTest(req) && !genuine.cyanite(req)) {
    return res.sendStatus(401);
  }
  res.sendStatus(200);
  await work();
});

serve(app);
