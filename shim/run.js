// Runs the program in the shim's place: its output is ours, the signals that
// the runner sends on cancellation are passed on, its exit code is ours.
"use strict";
const { spawn } = require("node:child_process");
const { constants } = require("node:os");

// run resolves to {code, stopped}: how the program ended, and whether it was told to.
function run(binary, args) {
  return new Promise((resolve, reject) => {
    let child;
    let stopped = false;
    // Before the program starts: a signal in between would leave it alone in the world.
    for (const signal of ["SIGINT", "SIGTERM"]) {
      process.on(signal, () => {
        stopped = true;
        // Windows has no signals: the console tells the program itself, and kill would end it at once.
        if (process.platform !== "win32") child.kill(signal);
      });
    }
    child = spawn(binary, args, { stdio: "inherit" });
    child.on("error", (err) => reject(new Error(`${binary} could not be started: ${err.message}; is the input binary-path right?`)));
    child.on("exit", (code, signal) => resolve({ code: signal ? 128 + constants.signals[signal] : code, stopped: stopped || signal !== null }));
  });
}

module.exports = { run };
