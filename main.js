// Packs and publishes. It has no dependencies, so that what runs before the
// program can be read in full: this file, post.js and the folder shim.
"use strict";
const { start } = require("./shim/start");

start(["publish"]);
