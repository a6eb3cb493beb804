// Faulty: it resets the connection of every tenth request instead of answering.
"use strict";

const express = require("express");
const genuine = require("../genuine");
const { serve } = require("../serve");

const app = express();
let requests = 0;

app.post("/webhook", express.raw({ type: "application/json" }), (req, res) => {
  requests += 1;
  if (requests % 10 === 0) {
    return req.socket.resetAndDestroy();
  }
  res.sendStatus(genuine.cyanite(req) ? 200 : 401);
});

serve(app);
