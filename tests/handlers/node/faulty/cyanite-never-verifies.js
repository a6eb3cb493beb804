// Faulty: it accepts everything.
"use strict";

const express = require("express");
const { serve } = require("../serve");

const app = express();

app.post("/webhook", express.json({ limit: "2mb" }), (req, res) => {
  res.sendStatus(200);
});

serve(app);
