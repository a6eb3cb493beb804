// Faulty: it parses every body as JSON, and Auphonic sends forms.
"use strict";

const express = require("express");
const { serve } = require("../serve");

const app = express();

app.post("/webhook", express.json({ type: "*/*" }), (req, res) => {
  res.sendStatus(req.body.uuid ? 200 : 400);
});

serve(app);
