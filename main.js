// Starts the publish-commit program: the one that the input binary-path names,
// else one built with Go from this checkout. It has no dependencies, so that
// what runs can be read in full.
"use strict";
const { spawn, spawnSync } = require("node:child_process");
const { mkdtempSync } = require("node:fs");
const { constants, tmpdir } = require("node:os");
const { join } = require("node:path");

function fail(message) {
  console.log(`::error::${message}`);
  process.exit(1);
}

function build() {
  const out = join(mkdtempSync(join(process.env.RUNNER_TEMP || tmpdir(), "publish-commit-")), process.platform === "win32" ? "publish-commit.exe" : "publish-commit");
  const go = spawnSync("go", ["build", "-trimpath", "-o", out, "./cmd/publish-commit"], { cwd: __dirname, encoding: "utf8" });
  if (go.error) {
    fail(`publish-commit is not built and Go is not installed (${go.error.message}); add actions/setup-go before this step, or set the input binary-path`);
  }
  if (go.status !== 0) {
    fail(`building publish-commit failed:%0A${go.stderr.trim().replace(/%/g, "%25").replace(/\r/g, "%0D").replace(/\n/g, "%0A")}`);
  }
  return out;
}

const binary = process.env["INPUT_BINARY-PATH"] || build();
const child = spawn(binary, ["publish"], { stdio: "inherit" });
for (const signal of ["SIGINT", "SIGTERM"]) {
  process.on(signal, () => child.kill(signal));
}
child.on("error", (err) => fail(`${binary} could not be started: ${err.message}; is the input binary-path right?`));
child.on("exit", (code, signal) => process.exit(signal ? 128 + constants.signals[signal] : code));
