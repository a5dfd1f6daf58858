// node make.mjs > published.json: publishes the package of every case of cases.json
// with the npm on this machine, as a tarball, to a server here, and prints the
// manifests that npm sent.
import fs from "node:fs";
import http from "node:http";
import os from "node:os";
import path from "node:path";
import { execFile } from "node:child_process";
import { promisify } from "node:util";

const cases = JSON.parse(fs.readFileSync(new URL("cases.json", import.meta.url), "utf8"));
let body;
const server = http.createServer((req, res) => {
  const chunks = [];
  req.on("data", (c) => chunks.push(c));
  req.on("end", () => {
    if (req.method === "PUT") body = JSON.parse(Buffer.concat(chunks));
    res.writeHead(req.method === "PUT" ? 201 : 404, { "content-type": "application/json" });
    res.end("{}");
  });
});
await new Promise((ready) => server.listen(0, "127.0.0.1", ready));
const host = `127.0.0.1:${server.address().port}`;
const run = promisify(execFile);

// What npm says of itself, of the bytes and of a missing README.
const passing = ["readme", "_id", "_nodeVersion", "_npmVersion", "_integrity", "_resolved", "_from", "dist"];

const answers = {};
for (const [name, { manifest, files = {} }] of Object.entries(cases)) {
  const top = fs.mkdtempSync(path.join(os.tmpdir(), "cases-"));
  const all = { "package/package.json": JSON.stringify(manifest) };
  for (const [file, content] of Object.entries(files)) all[`package/${file}`] = content;
  for (const [file, content] of Object.entries(all)) {
    fs.mkdirSync(path.dirname(path.join(top, file)), { recursive: true });
    fs.writeFileSync(path.join(top, file), content);
  }
  fs.writeFileSync(path.join(top, ".npmrc"), `//${host}/:_authToken=x\nregistry=http://${host}/\ncache=${top}/cache\n`);
  await run("tar", ["-czf", "a.tgz", "package"], { cwd: top });
  body = undefined;
  try {
    await run("npm", ["publish", "./a.tgz", "--tag", "next", "--userconfig", path.join(top, ".npmrc")], { cwd: top });
  } catch (err) {
    if (process.env.DEBUG) console.error(name, err.stderr);
  }
  const [version] = Object.values(body?.versions ?? {});
  for (const key of passing) delete version?.[key];
  answers[name] = version ?? null; // null: refused
  fs.rmSync(top, { recursive: true });
}
server.close();
console.log(JSON.stringify(answers, null, 1));
