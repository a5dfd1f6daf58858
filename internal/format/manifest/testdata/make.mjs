// node make.mjs pnpm|yarn PROGRAM: packs every manifest of cases.json with the
// real tool in a scratch workspace and prints what it put into the tarball.
import fs from "node:fs";
import os from "node:os";
import path from "node:path";
import { execFileSync } from "node:child_process";

const [tool, program] = process.argv.slice(2);
const { siblings, catalogs, cases } = JSON.parse(fs.readFileSync(new URL("cases.json", import.meta.url), "utf8"));
const { default: catalog, ...named } = catalogs;
const settings = {
  pnpm: ["pnpm-workspace.yaml", { packages: ["packages/*"], catalog, catalogs: named, autoInstallPeers: false }],
  yarn: [".yarnrc.yml", { catalog, catalogs: named, enableScripts: false, enableTelemetry: false, nodeLinker: "node-modules" }],
}[tool];
const commands = {
  pnpm: (out) => [["install", "--ignore-scripts", "--offline"], ["pack", "--ignore-scripts", "--out", out]],
  yarn: (out) => [["install", "--no-immutable"], ["pack", "--out", out]],
}[tool];

const answers = {};
for (const [name, c] of Object.entries(cases)) {
  if (c.only && c.only !== tool) continue;
  const root = fs.mkdtempSync(path.join(os.tmpdir(), "cases-"));
  const write = (file, value) => {
    fs.mkdirSync(path.dirname(path.join(root, file)), { recursive: true });
    fs.writeFileSync(path.join(root, file), JSON.stringify(value));
  };
  write("package.json", { name: "root", private: true, workspaces: tool === "yarn" ? ["packages/*"] : undefined });
  write(settings[0], settings[1]); // JSON is YAML
  if (tool === "yarn") fs.writeFileSync(path.join(root, "yarn.lock"), "");
  for (const [dir, manifest] of Object.entries(siblings)) write(`packages/${dir}/package.json`, manifest);
  write("packages/a/package.json", c.manifest);
  const out = path.join(root, "a.tgz");
  const [install, pack] = commands(out);
  const run = (args) =>
    program.endsWith("js")
      ? execFileSync("node", [program, ...args], { cwd: path.join(root, "packages/a"), stdio: "pipe" })
      : execFileSync(program, args, { cwd: path.join(root, "packages/a"), stdio: "pipe" });
  try { run(install); } catch {} // what isn't installed can still be packed
  run(pack);
  answers[name] = JSON.parse(execFileSync("tar", ["xzOf", out, "package/package.json"], { encoding: "utf8" }));
  fs.rmSync(root, { recursive: true });
}
console.log(JSON.stringify(answers, null, 1));
