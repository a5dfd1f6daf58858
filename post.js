// Runs when the job ends, also if it was cancelled: the token of a publish is
// revoked if it still is good, and a publish that was stopped under way says so
// in the comment of the pull request.
"use strict";
const { isTrusted } = require("./shim/binary");
const { run } = require("./shim/run");
const { annotate, state } = require("./shim/runner");

async function main() {
  const binary = state("binary");
  if (!binary || (state("ended") && !state("token"))) return;
  if (!(await isTrusted(binary))) throw new Error(`${binary} was changed since it published, so it was not run again; its token ends by itself within minutes`);
  await run(binary, ["finish"]); // it tells itself what went wrong
}

// What is told afterwards does not make a job fail.
main().catch((err) => annotate("warning", `nothing was tidied up after the publish: ${err.message}`));
