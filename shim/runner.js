// The runner's protocol, as far as the shim needs it.
"use strict";
const { randomUUID } = require("node:crypto");
const { appendFileSync } = require("node:fs");

const escape = (text) => String(text).replace(/%/g, "%25").replace(/\r/g, "%0D").replace(/\n/g, "%0A");

// annotate shows a message on the run's page; level is "error" or "warning".
function annotate(level, message) {
  process.stdout.write(`::${level}::${escape(message)}\n`);
}

// input is an input of the action, "" if it is not set.
function input(name) {
  return (process.env[`INPUT_${name.toUpperCase()}`] || "").trim();
}

// saveState keeps a value for post.js.
function saveState(name, value) {
  if (process.env.GITHUB_STATE) {
    const end = `end_${randomUUID()}`;
    appendFileSync(process.env.GITHUB_STATE, `${name}<<${end}\n${value}\n${end}\n`);
  }
}

// state is what main.js kept, "" if nothing.
function state(name) {
  return process.env[`STATE_${name}`] || "";
}

module.exports = { annotate, input, saveState, state };
