#!/usr/bin/env node
import { readFileSync } from "node:fs";
import { greet } from "hello-greeter";

const { version } = JSON.parse(readFileSync(new URL("../package.json", import.meta.url), "utf8"));
console.log(`${greet(process.argv[2] ?? "world")} (hello-cli ${version})`);
