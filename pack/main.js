// Only packs: see action.yml beside it.
"use strict";
const { input } = require("../shim/runner");
const { start } = require("../shim/start");

start(["pack", "--out", input("out") || "dist"]);
