// Starts the program for a step of the action.
"use strict";
const { locate } = require("./binary");
const { run } = require("./run");
const { annotate, saveState } = require("./runner");

async function step(args) {
  const binary = await locate();
  saveState("binary", binary);
  const { code, stopped } = await run(binary, args);
  if (!stopped) saveState("ended", "true");
  return code;
}

// start runs the program with arguments; how it ends is how the step ends.
function start(args) {
  step(args).then(
    (code) => (process.exitCode = code),
    (err) => {
      annotate("error", err.message);
      process.exitCode = 1;
    },
  );
}

module.exports = { start };
