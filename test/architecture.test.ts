/** Architecture: which way imports point, what the core and a kid never touch, and how files open. */

import { readdirSync, readFileSync } from 'node:fs'
import { dirname, join } from 'node:path/posix'
import { fileURLToPath } from 'node:url'
import t from 'tap'
import ts from 'typescript'

/*
 * A folder of src, or a file at its top, is a part; so is a folder within one that stands here. A part imports parts of a lower rank, and its own files; so two of
 * the same rank, such as parent and kid, never import each other. Imports of types count too.
 */
const ranks: Readonly<Record<string, number>> = {
  errors: 0,
  durations: 1,
  sizes: 1,
  'listen-address': 1,
  'node-flags': 1,
  // Whose headers are believed is an option, so options need its `parseTrusted`.
  'handlers/proxy-protocol': 1,
  'option-types': 2,
  'option-kinds': 2,
  'option-checks': 3,
  'option-conflicts': 4,
  'option-table': 4,
  options: 5,
  protocol: 6,
  core: 7,
  system: 8,
  handlers: 9,
  http: 10,
  scgi: 10,
  parent: 10,
  kid: 10,
  operate: 11,
  preforker: 12,
  index: 13,
  conform: 13,
  herd: 14,
  cli: 15,
}

/** Where a kid begins, and what it never loads: each costs every kid start-up time and memory. */
const kidEntry = 'kid/main.ts'
const notInKids = ['zod', 'commander', 'pino-pretty', 'options.ts', 'herd/']

/** Names that would make the same state, event and time give different effects. */
const impure = new Set([
  ...['Date', 'performance', 'process', 'Buffer', 'console'],
  ...['setTimeout', 'setInterval', 'setImmediate', 'queueMicrotask'],
])

const wrongWords = /\b(master|slave|utils|helpers|workers?(?![ _]thread))s?\b/i

/** The files of src by their path below it. */
type Files = ReadonlyMap<string, string>

interface Import {
  /** As written: './round.js', 'zod'. */
  readonly module: string
  /** The path below src, for a file of ours. */
  readonly file: string | undefined
  /** Whether it is still there when the types are gone. */
  readonly atRunTime: boolean
}

function parse(path: string, text: string): ts.SourceFile {
  return ts.createSourceFile(path, text, ts.ScriptTarget.ES2022, true)
}

/** All imports of a file: declarations, re-exports, `import()`, and modules that are required. */
function importsOf(path: string, text: string): Import[] {
  const found: Import[] = []
  const add = (node: ts.Node | undefined, atRunTime: boolean) => {
    if (node === undefined || !ts.isStringLiteral(node)) return
    const module = node.text
    const file = module.startsWith('.')
      ? join(dirname(path), module).replace(/\.js$/, '.ts')
      : undefined
    found.push({ module, file, atRunTime })
  }
  const visit = (node: ts.Node): void => {
    if (ts.isImportDeclaration(node)) {
      add(node.moduleSpecifier, node.importClause?.isTypeOnly !== true)
    } else if (ts.isExportDeclaration(node)) {
      add(node.moduleSpecifier, !node.isTypeOnly)
    } else if (ts.isImportTypeNode(node)) {
      add(ts.isLiteralTypeNode(node.argument) ? node.argument.literal : undefined, false)
    } else if (ts.isCallExpression(node) && loads(node.expression)) {
      add(node.arguments[0], true)
    }
    ts.forEachChild(node, visit)
  }
  visit(parse(path, text))
  return found
}

/** Whether calling this loads a module: `import`, `require`, or what `createRequire` has made. */
function loads(callee: ts.Expression): boolean {
  if (callee.kind === ts.SyntaxKind.ImportKeyword) return true
  if (ts.isIdentifier(callee)) return callee.text === 'require'
  return ts.isCallExpression(callee) && callee.expression.getText() === 'createRequire'
}

function partOf(path: string): string {
  if (ranks[dirname(path)] !== undefined) return dirname(path)
  return path.includes('/') ? (path.split('/', 1)[0] as string) : path.replace(/\.ts$/, '')
}

/** Every breach of the rules, one sentence each. */
function faultsOf(files: Files): string[] {
  const imports = new Map<string, Import[]>()
  for (const [path, text] of files) {
    if (path.endsWith('.ts')) imports.set(path, importsOf(path, text))
  }
  return [
    ...directionFaults(imports),
    ...circles(imports),
    ...kidFaults(imports),
    ...coreFaults(files, imports),
    ...addonFaults(imports),
    ...textFaults(files),
  ]
}

function directionFaults(imports: ReadonlyMap<string, Import[]>): string[] {
  const faults: string[] = []
  for (const [path, list] of imports) {
    const from = partOf(path)
    if (ranks[from] === undefined) faults.push(`${path} is in no part that this test knows`)
    for (const { file, module } of list) {
      if (file === undefined) continue
      if (!imports.has(file)) faults.push(`${path} imports ${module}, which is not in src`)
      const to = partOf(file)
      if (to !== from && !((ranks[to] ?? Infinity) < (ranks[from] ?? -1))) {
        faults.push(`${path} imports ${file}: ${from} is not above ${to}`)
      }
    }
  }
  return faults
}

function circles(imports: ReadonlyMap<string, Import[]>): string[] {
  const faults: string[] = []
  const finished = new Set<string>()
  const walk = (path: string, trail: readonly string[]): void => {
    const at = trail.indexOf(path)
    if (at !== -1) {
      faults.push(`a circle: ${[...trail.slice(at), path].join(' -> ')}`)
      return
    }
    if (finished.has(path)) return
    for (const { file } of imports.get(path) ?? []) {
      if (file !== undefined) walk(file, [...trail, path])
    }
    finished.add(path)
  }
  for (const path of imports.keys()) walk(path, [])
  return faults
}

/** What a kid loads at run time, with the way to it. */
function kidFaults(imports: ReadonlyMap<string, Import[]>): string[] {
  const faults: string[] = []
  const seen = new Set<string>()
  const walk = (path: string, trail: string): void => {
    if (seen.has(path)) return
    seen.add(path)
    for (const { file, module, atRunTime } of imports.get(path) ?? []) {
      if (!atRunTime) continue
      const target = file ?? module
      if (notInKids.some((name) => target === name || target.startsWith(name))) {
        faults.push(`a kid loads ${target}: ${trail} -> ${target}`)
      }
      if (file !== undefined) walk(file, `${trail} -> ${file}`)
    }
  }
  walk(kidEntry, kidEntry)
  return faults
}

function coreFaults(files: Files, imports: ReadonlyMap<string, Import[]>): string[] {
  const faults: string[] = []
  for (const [path, list] of imports) {
    if (partOf(path) !== 'core') continue
    for (const { file, module } of list) {
      if (file === undefined) faults.push(`${path} imports ${module}: the core has only itself`)
    }
    const visit = (node: ts.Node): void => {
      // Something of ours may be called so: only what is not a name that is given or looked up counts.
      const isName = (node.parent as { name?: ts.Node }).name === node
      if (ts.isIdentifier(node) && impure.has(node.text) && !isName) {
        faults.push(`${path} uses ${node.text}: the core is told all it needs`)
      }
      if (ts.isPropertyAccessExpression(node) && node.getText() === 'Math.random') {
        faults.push(`${path} uses Math.random: the core never guesses`)
      }
      ts.forEachChild(node, visit)
    }
    ts.forEachChild(parse(path, files.get(path) ?? ''), visit)
  }
  return faults
}

function addonFaults(imports: ReadonlyMap<string, Import[]>): string[] {
  const faults: string[] = []
  for (const [path, list] of imports) {
    if (partOf(path) === 'system') continue
    for (const { file, module } of list) {
      if (file === 'system/binding.ts' || /^node-gyp-build$|\.node$|(^|\/)native\//.test(module)) {
        faults.push(`${path} imports ${module}: src/system is the only door to the addon`)
      }
    }
  }
  return faults
}

function textFaults(files: Files): string[] {
  const faults: string[] = []
  for (const [path, text] of files) {
    const opening = path.endsWith('.c') ? /^\/\*\n \* \S/ : /^(#!.*\n)?(\/\*\* .+ \*\/|\/\/ .+)\n/
    if (!opening.test(text)) {
      faults.push(`${path} does not open with a line that says what it is`)
    }
    if (/\b_handle\b/.test(text)) faults.push(`${path} reaches for Node's private _handle`)
    const word = wrongWords.exec(text)
    if (word !== null) faults.push(`${path} says ${JSON.stringify(word[0])}`)
  }
  return faults
}

function readSource(): Files {
  const root = fileURLToPath(new URL('../src', import.meta.url))
  const files = new Map<string, string>()
  for (const entry of readdirSync(root, { recursive: true, encoding: 'utf8' }).sort()) {
    if (entry.startsWith('native/build/') || !/\.(ts|c)$/.test(entry)) continue
    files.set(entry, readFileSync(join(root, entry), 'utf8'))
  }
  return files
}

t.test('the source keeps the rules', async (t) => {
  const files = readSource()
  t.ok(files.has(kidEntry), 'the way of a kid is followed from its entry')
  t.ok(files.size > 40, `${files.size} files were read`)
  t.strictSame(faultsOf(files), [])
})

t.test('nobody is signalled by a number, and nothing is shared', async (t) => {
  // A program's group is signalled by the number of its first, before that is reaped; the lab measures itself.
  const lawful = /^(herd\/|handlers\/program\.ts$)/
  for (const [path, text] of readSource()) {
    if (lawful.test(path)) continue
    t.notMatch(text, /(^|[^#\w])process\.kill\(/, `${path} signals only by the handle of a process`)
    t.notMatch(text, /new SharedArrayBuffer/, `${path} shares no memory`)
    // In a handler of signals hardly any call is safe; Node.js has its own, which only take note.
    if (path.endsWith('.c')) t.notMatch(text, /\b(signal|sigaction)\(/, path)
  }
})

/** The faults of a made-up source tree; every file gets a proper first line. */
function faultsOfMadeUp(texts: Record<string, string>): string[] {
  const files = new Map<string, string>()
  for (const [path, text] of Object.entries(texts)) {
    files.set(path, `/** What it is. */\n${text}\n`)
  }
  return faultsOf(files)
}

t.test('an import upwards or across is found', async (t) => {
  t.strictSame(
    faultsOfMadeUp({
      'core/a.ts': "import { b } from '../parent/b.js'",
      'parent/b.ts': "import type { C } from '../kid/c.js'",
      'kid/c.ts': "export * from '../handlers/d.js'",
      'handlers/d.ts': "export const e = () => import('../cli/e.js')",
      'cli/e.ts': '',
    }),
    [
      'core/a.ts imports parent/b.ts: core is not above parent',
      'parent/b.ts imports kid/c.ts: parent is not above kid',
      'handlers/d.ts imports cli/e.ts: handlers is not above cli',
    ],
  )
  t.strictSame(faultsOfMadeUp({ 'protocol/a.ts': "import '../core/b.js'", 'core/b.ts': '' }), [
    'protocol/a.ts imports core/b.ts: protocol is not above core',
  ])
  t.strictSame(faultsOfMadeUp({ 'odds/a.ts': "import './gone.js'" }), [
    'odds/a.ts is in no part that this test knows',
    'odds/a.ts imports ./gone.js, which is not in src',
  ])
})

t.test('a circle is found, of types alone too', async (t) => {
  t.strictSame(
    faultsOfMadeUp({
      'core/a.ts': "import { b } from './b.js'",
      'core/b.ts': "import type { C } from './c.js'",
      'core/c.ts': "export type { A } from './a.js'",
    }),
    ['a circle: core/a.ts -> core/b.ts -> core/c.ts -> core/a.ts'],
  )
})

t.test('what a kid loads at run time is found, however far away', async (t) => {
  t.strictSame(
    faultsOfMadeUp({
      'kid/main.ts': "import { a } from '../system/a.js'\nimport type { O } from '../options.js'",
      'system/a.ts': "import { type E } from '../errors.js'\nconst load = require('commander')",
      'errors.ts': "import 'zod'",
      'options.ts': '',
    }),
    [
      'a kid loads zod: kid/main.ts -> system/a.ts -> errors.ts -> zod',
      'a kid loads commander: kid/main.ts -> system/a.ts -> commander',
    ],
  )
  t.strictSame(faultsOfMadeUp({ 'kid/main.ts': "createRequire(import.meta.url)('pino-pretty')" }), [
    'a kid loads pino-pretty: kid/main.ts -> pino-pretty',
  ])
})

t.test('a core that looks at the world is found', async (t) => {
  t.strictSame(
    faultsOfMadeUp({
      'core/a.ts':
        "import { EventEmitter } from 'node:events'\nexport const now = Date.now() + Math.random()",
      'core/b.ts':
        '// Date is only spoken of\nexport const b = (kid: { process: 1 }) => kid.process',
      'core/c.ts': 'export const c = (pid = process.pid) => pid',
    }),
    [
      'core/a.ts imports node:events: the core has only itself',
      'core/a.ts uses Date: the core is told all it needs',
      'core/a.ts uses Math.random: the core never guesses',
      'core/c.ts uses process: the core is told all it needs',
    ],
  )
})

t.test('another door to the addon, and a private one of Node, are found', async (t) => {
  t.strictSame(
    faultsOfMadeUp({
      'system/binding.ts': "require('node-gyp-build')",
      'parent/a.ts': "import { binding } from '../system/binding.js'",
      'kid/b.ts': "const addon = require('node-gyp-build')\nsocket._handle.fd",
    }),
    [
      'parent/a.ts imports ../system/binding.js: src/system is the only door to the addon',
      'kid/b.ts imports node-gyp-build: src/system is the only door to the addon',
      "kid/b.ts reaches for Node's private _handle",
    ],
  )
})

t.test('a missing first line and a wrong word are found', async (t) => {
  const files = new Map([
    ['errors.ts', 'export const a = 1\n'],
    ['durations.ts', '/** Made for the Workers. */\n'],
    ['cli/main.ts', '#!/usr/bin/env node\n/** Not in a worker thread. */\n'],
  ])
  t.strictSame(faultsOf(files), [
    'errors.ts does not open with a line that says what it is',
    'durations.ts says "Workers"',
  ])
})
