// Packs the folders named on standard input, one {dir, out, prefix, workspaces}
// a line, as `npm pack --ignore-scripts` would, and writes each uncompressed tar
// to out.
const { join } = require('node:path')
const { createInterface } = require('node:readline')
const { gunzipSync } = require('node:zlib')
const { writeFileSync } = require('node:fs')
const pack = require(join(process.argv[1], 'node_modules', 'libnpmpack'))

async function main () {
  for await (const line of createInterface({ input: process.stdin })) {
    const { dir, out, prefix, workspaces } = JSON.parse(line)
    const tgz = await pack(`file:${dir}`, { ignoreScripts: true, prefix, workspaces })
      .catch(err => { throw new Error(`packing ${dir}: ${err.message}`, { cause: err }) })
    writeFileSync(out, gunzipSync(tgz))
  }
}

main().catch(err => {
  console.error(err)
  process.exitCode = 1
})
