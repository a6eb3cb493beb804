// Faulty: it resets each connection at its tenth request instead of responding.
"use strict";

const express = require("express");
const genuine = require("../genuine");
const { serve } = require("../serve");

const app = express();
const requests = new WeakMap();

app.post("/webhook", express.raw({ type: "application/json", limit: "2mb" }), (req, res) => {
  const count = (requests.get(req.socket) ?? 0) + 1;
  requests.set(req.socket, count);
  if (count === 10) {
    return req.socket.resetAndDestroy();
  }
  res.sendStatus(genuine.cyanite(req) ? 200 : 401);
});

serve(app);
