package e2e

// workspace has three packages that need each other, one scoped, one with a bin.
const workspace = `
-- package.json --
{"name": "ws", "private": true, "workspaces": ["packages/*"]}
-- packages/core/package.json --
{
  "name": "@acme/core",
  "version": "1.2.0",
  "main": "index.js"
}
-- packages/core/index.js --
module.exports = "core";
-- packages/mid/package.json --
{
  "name": "acme-mid",
  "version": "3.0.0",
  "dependencies": {
    "@acme/core": "workspace:^"
  }
}
-- packages/mid/index.js --
module.exports = "mid+" + require("@acme/core");
-- packages/cli/package.json --
{
  "name": "acme-cli",
  "version": "0.1.0",
  "bin": {
    "acme": "cli.js"
  },
  "dependencies": {
    "acme-mid": "workspace:*"
  }
}
-- packages/cli/cli.js --
#!/usr/bin/env node
console.log("cli+" + require("acme-mid"), require("./package.json").version);
-- packages/cli/index.js --
module.exports = "cli+" + require("acme-mid");
`
