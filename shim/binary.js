// Finds the program to run. In this order: what the input binary-path names, the
// runner's tool cache, the mirror of the input download-base-url, the registry
// itself, the release. Except for the first, cli.json says what its bytes must be:
// other bytes are never run, wherever they come from.
"use strict";
const { fork, spawnSync } = require("node:child_process");
const { createHash, randomUUID } = require("node:crypto");
const { chmodSync, createReadStream, mkdirSync, mkdtempSync, renameSync, rmSync, statSync, writeFileSync } = require("node:fs");
const { tmpdir } = require("node:os");
const path = require("node:path");
const cli = require("../cli.json");
const { annotate, input } = require("./runner");

// target names a platform as cli.json does; undefined if there is no release for it.
function target(platform, arch) {
  const system = { linux: "linux", darwin: "darwin", win32: "windows" }[platform];
  const machine = { x64: "amd64", arm64: "arm64" }[arch];
  return system && machine && `${system}_${machine}`;
}

// release is what cli.json says of this platform's program: {name, size, sha256}.
const release = () => cli.files[target(process.platform, process.arch)];

const temp = () => mkdtempSync(path.join(process.env.RUNNER_TEMP || tmpdir(), "publish-commit-"));

const executable = (platform) => (platform === "win32" ? "publish-commit.exe" : "publish-commit");

// place is where a release is kept, in the layout of the runner's tool cache.
function place(root, version, platform, arch) {
  const { join } = platform === "win32" ? path.win32 : path.posix;
  const folder = join(root, "publish-commit", version.replace(/^v/, ""), arch);
  return { folder, file: join(folder, executable(platform)), marker: `${folder}.complete` };
}

// isRelease reports whether a file is the release's, byte by byte.
async function isRelease(file, { size, sha256 }) {
  try {
    if (statSync(file).size !== size) return false;
    return (await digest(file)) === sha256;
  } catch {
    return false;
  }
}

async function digest(file) {
  const hash = createHash("sha256");
  for await (const part of createReadStream(file, { highWaterMark: 1 << 20 })) hash.update(part);
  return hash.digest("hex");
}

// sources are the addresses that may have the release, in order.
function sources(file) {
  const bases = [input("download-base-url")];
  const registry = input("registry-url").replace(/\/+$/, "");
  if (URL.canParse(registry)) {
    const bare = new URL(registry);
    bare.username = bare.password = bare.search = bare.hash = "";
    bases.push(`${bare.href.replace(/\/+$/, "")}/-/cli/v1`);
  }
  bases.push(cli.base);
  return bases.filter(Boolean).map((base) => `${base.replace(/\/+$/, "")}/${cli.version}/${file.name}`);
}

// shown is an address without what may be secret.
function shown(url) {
  if (!URL.canParse(url)) return "an address that is none";
  const { origin, pathname } = new URL(url);
  return origin + pathname;
}

// fetchRelease asks a process of its own to fetch: see download.js.
function fetchRelease(urls, to, size) {
  return new Promise((resolve, reject) => {
    const child = fork(path.join(__dirname, "download.js"), { execArgv: [], env: { ...process.env, NODE_USE_ENV_PROXY: "1" } });
    child.once("message", resolve);
    child.once("error", reject);
    child.once("exit", (code) => reject(new Error(`fetching ended with exit code ${code}`)));
    child.send({ urls, to, size });
  });
}

// download returns the release's file in a folder, checked.
async function download(file, folder) {
  const urls = sources(file);
  const to = path.join(folder, `.${executable(process.platform)}-${randomUUID()}`);
  try {
    const { found, failures } = await fetchRelease(urls, to, file.size);
    if (found === undefined) {
      throw new Error(`publish-commit ${cli.version} (${file.name}) could not be fetched:\n${failures.map((text, i) => `  ${shown(urls[i])}: ${text}`).join("\n")}\nset the input download-base-url to a mirror of the releases, or binary-path to the program`);
    }
    if (!(await isRelease(to, file))) {
      throw new Error(`what ${shown(urls[found])} answers is not ${file.name} of ${cli.version}: it has the SHA-256 ${await digest(to)}, not ${file.sha256}; it was not run. Repair or remove that source, or set the input binary-path`);
    }
    chmodSync(to, 0o755);
    return to;
  } catch (err) {
    rmSync(to, { force: true });
    throw err;
  }
}

// folderFor makes the folder for a release: in the tool cache, else one of this job alone.
function folderFor(kept) {
  try {
    mkdirSync(kept.folder, { recursive: true });
    return kept.folder;
  } catch {
    return temp();
  }
}

// fromRelease returns the release's program, from the tool cache if it is there.
async function fromRelease(file) {
  const cache = process.env.RUNNER_TOOL_CACHE;
  const kept = place(cache || temp(), cli.version, process.platform, process.arch);
  if (await isRelease(kept.file, file)) return kept.file;
  if (statSync(kept.file, { throwIfNoEntry: false })) {
    annotate("warning", `${kept.file} is not publish-commit ${cli.version}: it was not run and is fetched anew`);
  }
  const folder = folderFor(kept);
  const fetched = await download(file, folder);
  const final = path.join(folder, path.basename(kept.file));
  try {
    renameSync(fetched, final);
  } catch (err) { // on Windows, where another job is running it
    rmSync(fetched, { force: true });
    if (!(await isRelease(final, file))) throw err;
  }
  if (folder === kept.folder) writeFileSync(kept.marker, "");
  return final;
}

// build makes the program of this checkout, which has no release.
function build() {
  const out = path.join(temp(), executable(process.platform));
  const go = spawnSync("go", ["build", "-trimpath", "-o", out, "./cmd/publish-commit"], { cwd: path.dirname(__dirname), encoding: "utf8" });
  if (go.error) {
    const why = cli.version ? `publish-commit ${cli.version} has no release for ${process.platform} on ${process.arch}` : "this version of the action has no release of publish-commit";
    throw new Error(`${why}, and Go is not installed to build it (${go.error.message}); add actions/setup-go before this step, or set the input binary-path`);
  }
  if (go.status !== 0) throw new Error(`building publish-commit failed:\n${go.stderr.trim()}`);
  return out;
}

// locate returns the path of the program to run.
async function locate() {
  const given = input("binary-path");
  if (given) return given;
  return release() ? fromRelease(release()) : build();
}

// isTrusted reports whether a program that locate returned before may still be run.
async function isTrusted(file) {
  return input("binary-path") === file || !release() || isRelease(file, release());
}

module.exports = { isTrusted, locate, place, target };
