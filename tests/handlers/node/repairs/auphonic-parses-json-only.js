// Faulty: no parser reads the forms that Auphonic sends. Repaired: one reads each kind.
"use strict";

const express = require("express");
const multer = require("multer");
const { serve } = require("../serve");

const app = express();

const receive = (req, res) => {
  if (!req.body?.uuid) {
    return res.status(400).send("missing uuid");
  }
  res.sendStatus(200);
};

app.post("/faulty", express.json(), receive);
app.post("/repaired", express.urlencoded({ limit: "2mb" }), multer().none(), receive);

serve(app);
