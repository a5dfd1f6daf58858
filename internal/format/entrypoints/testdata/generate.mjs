// Writes resolved.json: what Node and TypeScript find in packages made up at random, each with one way in.
//   npm install typescript@5.9.3 && node --no-deprecation generate.mjs > resolved.json
import { createRequire } from 'node:module'
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { execFileSync } from 'node:child_process'
import ts from 'typescript'

let seed = 20260301
const random = n => (seed = (seed * 1103515245 + 12345) % 2147483648, Math.floor(seed / 65536) % n)
const pick = list => list[random(list.length)]

const names = ['index', 'lib', 'lib/index', 'lib/a', 'lib/b/c', 'a b', 'lib/node_modules/x']
const extensions = ['.js', '.cjs', '.mjs', '.json', '.d.ts', '.d.mts', '.ts', '.css', '']
const forms = ['./N.js', './N', './N/', 'N.js', './N.mjs', './N.cjs', './N.d.ts', './N.d.mts', './N.ts', './N.json', './N.css', '.', './', '/N.js', '../N.js', './lib/../N.js', './/N.js', './a%20b.js', '']
const patterns = ['./lib/*', './lib/*.js', './*/*.js', './*', './lib/*/c.js', './none/*', './lib/*.d.ts', './lib/index.js']
const stem = f => f.replace(/(\.d)?\.[a-z]+$/, '')
const target = files => random(3) ? pick(forms).replace('N', stem(pick(files))) : './' + pick(files)

const root = mkdtempSync(join(tmpdir(), 'entries-'))
writeFileSync(join(root, 'from.cjs'), '')
writeFileSync(join(root, 'package.json'), '{}')
const require = createRequire(join(root, 'from.cjs'))
const esm = join(root, 'ask.mjs')
writeFileSync(esm, `import { readFileSync, existsSync, statSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
const asked = JSON.parse(readFileSync(0, 'utf8'))
console.log(JSON.stringify(asked.map(s => { try { const p = fileURLToPath(import.meta.resolve(s)); return existsSync(p) && statSync(p).isFile() } catch { return false } })))`)

// Where types are asked for, a file of code is no answer.
const typescript = (specifier, exports, types) => [
  [ts.ModuleResolutionKind.Node10, undefined], [ts.ModuleResolutionKind.Bundler, undefined],
  [ts.ModuleResolutionKind.Node16, ts.ModuleKind.ESNext], [ts.ModuleResolutionKind.Node16, ts.ModuleKind.CommonJS],
].slice(exports ? 1 : 0).some(([moduleResolution, mode]) => {
  const module = moduleResolution === ts.ModuleResolutionKind.Node16 ? ts.ModuleKind.Node16 : ts.ModuleKind.ESNext
  const options = { moduleResolution, module, noDtsResolution: false, resolveJsonModule: true }
  const found = ts.resolveModuleName(specifier, join(root, 'from.ts'), options, ts.sys, undefined, undefined, mode).resolvedModule
  return found !== undefined && (!types || /ts$/.test(found.extension))
})

const cases = []
for (let n = 0; n < 1000; n++) {
  const name = 'p' + n
  const files = [...new Set(Array.from({ length: 1 + random(4) }, () => pick(names) + pick(extensions)))].sort()
    .filter((f, _, all) => !all.some(other => other !== f && other.startsWith(f + '/')))
  const kind = pick(['main', 'main', 'types', 'exports', 'exports', 'exports types', 'list', 'pattern', 'pattern types'])
  let manifest = {}, ask = name
  switch (kind) {
    case 'main': manifest.main = target(files); break
    case 'types': manifest.types = target(files); break
    case 'exports': manifest.exports = target(files); break
    case 'exports types': manifest.exports = { '.': { types: target(files) } }; break
    case 'list': manifest.exports = [target(files), target(files)]; break
    case 'pattern': manifest.exports = { './x/*': pick(patterns) }; break
    case 'pattern types': manifest.exports = { './x/*': { types: pick(patterns) } }; break
  }
  const at = join(root, 'node_modules', name)
  for (const f of files) {
    mkdirSync(dirname(join(at, f)), { recursive: true })
    writeFileSync(join(at, f), f.endsWith('.json') ? '{}' : 'export {}')
  }
  mkdirSync(at, { recursive: true })
  writeFileSync(join(at, 'package.json'), JSON.stringify({ name, version: '1.0.0', ...manifest }))
  const asks = kind.startsWith('pattern') ? ['a', 'index', 'b', 'b/c', 'lib', 'a.js', 'index.js', 'index.d.ts', 'a.d.ts', 'b/c.js', 'a.json', 'lib/index.js', 'lib/a.js', 'index.mjs', 'a.css',
    ...files, ...files.map(f => f.replace(/^lib\//, '')), ...files.map(f => f.replace(/^lib\//, '').replace(/\.[^/]*$/, ''))].map(s => name + '/x/' + s) : [name]
  cases.push({ files, manifest, asks })
}
const flat = cases.flatMap(c => c.asks)
const imported = JSON.parse(execFileSync(process.execPath, ['--no-deprecation', esm], { input: JSON.stringify(flat), maxBuffer: 1 << 28 }))
let at = 0
const out = cases.map(({ files, manifest, asks }) => {
  const node = asks.some((s, i) => {
    try { require.resolve(s); return true } catch { return imported[at + i] }
  })
  at += asks.length
  return { files, manifest, node, typescript: asks.some(s => typescript(s, 'exports' in manifest, JSON.stringify(manifest).includes('"types"'))) }
})
console.log('[\n' + out.map(c => JSON.stringify(c)).join(',\n') + '\n]')
rmSync(root, { recursive: true })
