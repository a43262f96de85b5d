/** Examples: each runs as its first comment says, and so does the code on the pages. */

import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { request } from 'node:http'
import { type AddressInfo, connect, createServer, type Socket } from 'node:net'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import pTimeout from 'p-timeout'
import { scgi } from 'preforkd/scgi'
import t, { type Test } from 'tap'
import { parseFlags } from '../src/cli/flags.js'
import { checkOption, type OptionName, optionTable, parseOptions } from '../src/options.js'
import { request as scgiRequest } from './handlers/scgi/requests.js'
import { Serving } from './handlers/scgi/serving.js'
import { accepting, peerDirectory, startPeer, without } from './process/peers.js'

const root = fileURLToPath(new URL('..', import.meta.url))
const command = 'dist/cli/main.js'
const free = ['--listen', '127.0.0.1:0']

/** How long any wait may take, in milliseconds: far more than needed on a busy machine. */
const patience = 20_000

/** A program under test: what it has said, and how it ended. */
class Program {
  readonly process: ChildProcess
  readonly #ended: Promise<unknown[]>
  #said = { stdout: '', stderr: '' }
  #onSaid = () => {}

  constructor(t: Test, program: string, args: readonly string[], options: object = {}) {
    this.process = spawn(program, args, {
      cwd: root,
      stdio: ['ignore', 'pipe', 'pipe'],
      ...options,
    })
    this.#ended = once(this.process, 'close')
    for (const name of ['stdout', 'stderr'] as const) {
      this.process[name]?.setEncoding('utf8').on('data', (text: string) => {
        this.#said[name] += text
        this.#onSaid()
      })
    }
    t.teardown(() => this.process.kill('SIGKILL'))
  }

  get stdout(): string {
    return this.#said.stdout
  }

  get stderr(): string {
    return this.#said.stderr
  }

  /** The first match in what it has said, now or later. */
  async says(what: RegExp): Promise<RegExpExecArray> {
    const found = new Promise<RegExpExecArray>((resolve) => {
      this.#onSaid = () => {
        const match = what.exec(this.stdout) ?? what.exec(this.stderr)
        if (match !== null) resolve(match)
      }
      this.#onSaid()
    })
    return pTimeout(found, {
      milliseconds: patience,
      fallback: () => {
        throw new Error(`${what} was not said, but:\n${this.stdout}${this.stderr}`)
      },
    })
  }

  /** The port of the ready line. */
  async port(): Promise<number> {
    return Number((await this.says(/ready: \d+ kids? on [\d.]+:(\d+)/))[1])
  }

  /** How it ended: its exit code, or the name of the signal. */
  async end(): Promise<number | string> {
    const [code, signal] = await pTimeout(this.#ended, { milliseconds: patience })
    return (code ?? signal) as number | string
  }
}

/** All that the server sends until it closes, after saying `words`. */
async function ask(port: number, words = ''): Promise<string> {
  const socket = connect(port, '127.0.0.1').setEncoding('utf8')
  let answer = ''
  socket.on('data', (text: string) => {
    answer += text
  })
  if (words !== '') socket.write(words)
  await pTimeout(once(socket, 'close'), { milliseconds: patience })
  return answer
}

/** The records of a log that are warnings or worse. */
function complaints(log: string): string[] {
  // The one about root is right where the tests are run as root.
  const records = log.split('\n').filter((line) => line !== '' && !/"kids run as root/.test(line))
  return records.filter((line) => !line.startsWith('{') || JSON.parse(line).level >= 40)
}

t.test('an example opens with a command that exists', async (t) => {
  const examples = readdirSync(join(root, 'examples'))
  t.strictSame(examples.sort(), [
    'chat',
    'echo',
    'embed',
    'http',
    'kid-c',
    'kid-perl',
    'kid-python',
    'program',
    'proxy-protocol',
    'scgi',
    'server',
    'slow',
    'systemd',
  ])
  for (const name of examples) {
    t.ok(existsSync(join(root, 'examples', name, 'README.md')), `${name} says what it is`)
    for (const file of readdirSync(join(root, 'examples', name))) {
      if (!file.endsWith('.js')) continue
      const text = readFileSync(join(root, 'examples', name, file), 'utf8')
      const opening = text.split(/\n(?!\/\/)/, 1)[0] ?? ''
      t.match(opening, /^\/\/ .*(npm start|npm run build)/)
      for (const [, path] of opening.matchAll(/node (\S+\.js)/g)) {
        t.ok(existsSync(join(root, path as string)), `${name}: ${path} is there`)
      }
    }
  }
})

t.test('echo sends back what it gets, and npm start is what serves it', async (t) => {
  const { scripts } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'))
  t.equal(scripts.start, `node ${command} --handler examples/echo/handler.js`)
  const server = new Program(t, process.execPath, [...scripts.start.split(' ').slice(1), ...free])
  const socket = connect(await server.port(), '127.0.0.1').setEncoding('utf8')
  const [greeting] = await once(socket, 'data')
  t.match(greeting, /^kid \d+ \(pid \d+\) echoes\n$/)
  socket.write('hello\n')
  t.strictSame(await once(socket, 'data'), ['hello\n'])
  server.process.kill('SIGTERM')
  socket.end()
  t.equal(await server.end(), 0)
  t.strictSame(complaints(server.stderr), [])
})

t.test('slow serves the first client and sheds the others, with what is to be told', async (t) => {
  const args = [command, '--handler', 'examples/slow/handler.js', '--kids', '1', ...free]
  const shedding = ['--shed-after', '200ms', '--overload-reply', 'busy, come back later\\n']
  const env = { ...process.env, SLOW_MS: '1500' }
  const server = new Program(t, process.execPath, [...args, ...shedding], { env })
  const port = await server.port()
  const answers = await Promise.all([ask(port), ask(port), ask(port)])
  const busy = 'busy, come back later\n'
  t.strictSame(answers.sort(), [busy, busy, 'kid 1 took 1500 ms\n'])
  await server.says(/overload is over/)
  server.process.kill('SIGTERM')
  t.equal(await server.end(), 0)
  t.match(server.stderr, /overload begins: .*kid 1/)
})

t.test('slow serves one after the other without shedding', async (t) => {
  const args = [command, '--handler', 'examples/slow/handler.js', '--kids', '1', ...free]
  const env = { ...process.env, SLOW_MS: '200' }
  const server = new Program(t, process.execPath, args, { env })
  const port = await server.port()
  const answers = await Promise.all([ask(port), ask(port), ask(port)])
  t.strictSame(answers, Array(3).fill('kid 1 took 200 ms\n'))
  server.process.kill('SIGTERM')
  t.equal(await server.end(), 0)
})

t.test('http answers while another kid is blocked', async (t) => {
  const flags = ['--protocol', 'http', '--handler', 'examples/http/handler.js', '--kids', '2']
  const env = { ...process.env, SLOW_MS: '300' }
  const server = new Program(t, process.execPath, [command, ...flags, ...free], { env })
  const port = await server.port()
  const get = (path: string) =>
    ask(port, `GET ${path} HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n`)
  const [slow, fast] = await Promise.all([get('/slow'), get('/fast')])
  t.match(slow, /\nkid \d has slept for 300 ms\n$/)
  t.match(fast, /\nkid \d is quick\n$/)
  t.match(await get('/other'), /^HTTP\/1\.1 404 /)
  server.process.kill('SIGTERM')
  t.equal(await server.end(), 0)
  t.strictSame(complaints(server.stderr), [])
})

t.test('program greets who calls, and tells the log', async (t) => {
  const args = [command, '--program', 'sh examples/program/greet.sh', '--kids', '1', ...free]
  const server = new Program(t, process.execPath, args)
  const answer = await ask(await server.port(), 'Ada\n')
  t.match(answer, /^Who is it that calls from 127.0.0.1\?\nHello Ada, this is process \d+\.\n$/)
  await server.says(/"kid":1,.*"msg":"greeting Ada"/)
  server.process.kill('SIGTERM')
  t.equal(await server.end(), 0)
  const [greeting, ...others] = complaints(server.stderr)
  t.match(greeting, '"msg":"greeting Ada"', 'what a program writes to standard error')
  t.strictSame(others, [])
})

t.test('proxy-protocol says who calls the proxy', async (t) => {
  const flags = ['--handler', 'examples/proxy-protocol/handler.js', '--proxy-protocol', 'required']
  const server = new Program(t, process.execPath, [command, ...flags, '--kids', '1', ...free])
  const answer = await ask(await server.port(), 'PROXY TCP4 192.0.2.1 192.0.2.2 1234 80\r\n')
  t.equal(answer, '192.0.2.1 port 1234 has called 192.0.2.2 port 80\n')
  server.process.kill('SIGTERM')
  t.equal(await server.end(), 0)
  t.strictSame(complaints(server.stderr), [])
  if (!(await has(t, 'haproxy'))) return
  const haproxy = new Program(t, 'haproxy', ['-c', '-f', 'examples/proxy-protocol/haproxy.cfg'])
  t.equal(await haproxy.end(), 0, `${haproxy.stdout}${haproxy.stderr}`)
})

/** A guest of the chat: a client of WebSocket that says short texts. */
class Guest {
  readonly #socket: Socket
  readonly ended: Promise<unknown>
  #heard = ''

  constructor(t: Test, port: number) {
    this.#socket = connect(port, '127.0.0.1').setEncoding('latin1')
    this.ended = once(this.#socket, 'close')
    this.#socket.on('data', (text: string) => {
      this.#heard += text
    })
    this.#socket.write(
      'GET / HTTP/1.1\r\nHost: chat\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n' +
        'Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\r\n',
    )
    t.teardown(() => this.#socket.destroy())
  }

  say(text: string): void {
    // A mask of zeros is one too.
    const head = Buffer.from([0x81, 0x80 | text.length, 0, 0, 0, 0])
    this.#socket.write(Buffer.concat([head, Buffer.from(text)]))
  }

  async hears(what: RegExp): Promise<void> {
    const deadline = AbortSignal.timeout(patience)
    while (!what.test(this.#heard)) await once(this.#socket, 'data', { signal: deadline })
  }
}

t.test('chat has room for all in one slot, and says goodbye', async (t) => {
  const handler = ['--handler', 'examples/chat/handler.js', '--protocol', 'http', '--kids', '1']
  const program = new Program(t, process.execPath, [command, ...handler, ...free])
  const port = await program.port()
  const ann = new Guest(t, port)
  // What the RFC has as its example.
  await ann.hears(/Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK\+xOo=/)
  await ann.hears(/guest 1 is here/)
  const bob = new Guest(t, port)
  await ann.hears(/guest 2 is here/)
  bob.say('hello')
  await Promise.all([ann, bob].map((guest) => guest.hears(/guest 2: hello/)))
  program.process.kill('SIGTERM')
  await Promise.all([ann, bob].map((guest) => guest.hears(/drain/)))
  await Promise.all([ann.ended, bob.ended])
  t.equal(await program.end(), 0)
  t.strictSame(complaints(program.stderr), [])
})

t.test('embed tells what happens, and stops by itself', async (t) => {
  const program = new Program(t, process.execPath, ['examples/embed/main.js'])
  t.equal(await program.end(), 0)
  const lines = program.stdout.trimEnd().split('\n')
  t.strictSame(lines.slice(0, 2).sort(), ['kid 1 is up', 'kid 2 is up'])
  t.equal(lines.at(-1), '3 accepted, 3 done, 0 lost')
  const count = (what: RegExp) => lines.filter((line) => what.test(line)).length
  // More often than that on a busy machine, where a kid may be late and another is asked.
  t.ok(count(/^kid \d is told to accept 1$/) >= 3)
  t.equal(count(/^the client reads: kid \d \(pid \.\.\.\) echoes$/), 3)
  t.equal(count(/^kid \d has finished 1$/), 3)
  t.equal(count(/^kid \d ended with code 0$/), 2)
  t.strictSame(complaints(program.stderr), [])
})

t.test('scgi answers behind nginx, with what stands beside it', async (t) => {
  if (without('nginx') !== false) {
    t.comment(`skipped: ${without('nginx')}`)
    return
  }
  const directory = peerDirectory(t)
  const socket = join(directory, 'http')
  const conf = readFileSync(join(root, 'examples/scgi/nginx.conf'), 'utf8')
    .replace('127.0.0.1:8080', `unix:${socket}`)
    .replace('/tmp/preforkd-scgi.sock', `${directory}/scgi`)
  const file = join(directory, 'nginx.conf')
  writeFileSync(file, conf)
  const args = [command, '--protocol', 'scgi', '--handler', 'examples/scgi/handler.js']
  const listen = ['--kids', '1', '--listen', `unix:${directory}/scgi`]
  const server = new Program(t, process.execPath, [...args, ...listen])
  await server.says(/ready: /)
  const nginx = startPeer(t, 'nginx', ['-p', directory, '-c', file, '-e', 'stderr'])
  await accepting({ path: socket }, nginx)
  const get = async (path: string, body?: string) => {
    const asked = request({ socketPath: socket, path, method: body === undefined ? 'GET' : 'POST' })
    const [response] = await pTimeout(once(asked.end(body), 'response'), { milliseconds: patience })
    let text = `${response.statusCode} `
    for await (const piece of response) text += piece
    return text
  }
  t.match(await get('/env?a=b'), /^200 CONTENT_LENGTH: "0"\n.*^QUERY_STRING: "a=b"$/ms)
  t.equal(await get('/upper', 'hello\n'), '200 HELLO\n')
  t.equal(await get('/other'), '404 no /other\n')
  await nginx.stop()
  server.process.kill('SIGTERM')
  t.equal(await server.end(), 0)
  t.strictSame(complaints(server.stderr), [])
})

t.test('the handlers on the page about SCGI answer', async (t) => {
  const answers: Record<string, RegExp> = {
    'count.mjs': /^Status: 200 OK\r\n.*\r\n\r\nGET \/: 0 bytes\n$/s,
    'hello.mjs': /^Status: 200 OK\r\nX-Kid: 1\r\n.*\r\n\r\nhello\n$/s,
  }
  for (const [file, answer] of Object.entries(answers)) {
    const path = join(t.testdir({ [file]: codeOn('docs/scgi.md', file) }), file)
    const serving = await Serving.start(t, scgi((await import(path)).default))
    const get = scgiRequest('', { REQUEST_METHOD: 'GET', REQUEST_URI: '/' })
    t.match((await serving.ask(get)).text, answer, file)
  }
})

/** The values of a setting in one of the units, in their order. */
function settings(unit: string, name: string): string[] {
  const text = readFileSync(join(root, 'examples/systemd', unit), 'utf8')
  return [...text.matchAll(new RegExp(`^${name}=(.*)$`, 'gm'))].map(([, value]) => value as string)
}

/** What the unit starts preforkd with. */
const unitFlags = (command: string) => command.split(' ').slice(2)

/** Whether a program is there; if not, the test says so and passes. */
async function has(t: Test, program: string): Promise<boolean> {
  const found = new Program(t, '/bin/sh', ['-c', `command -v ${program}`])
  if ((await found.end()) === 0) return true
  t.comment(`skipped: there is no ${program} here`)
  return false
}

t.test('the flags in the service unit are flags, and its values fit together', async (t) => {
  const [start = ''] = settings('preforkd.service', 'ExecStart')
  const [check = '', reload] = settings('preforkd.service', 'ExecReload')
  t.match(start, /^\/usr\/bin\/env preforkd /)
  t.equal(check.replace(' --check ', ' '), start, 'reload checks what start starts')
  t.equal(reload, '/bin/kill -HUP $MAINPID')
  t.match(parseFlags(unitFlags(check)), { action: 'check' })
  const flags = parseFlags(unitFlags(start))
  if (flags.action !== 'serve') throw new Error(`${start} does not serve`)
  for (const [name, value] of flags.texts) checkOption(name as OptionName, value, name)
  const options = parseOptions(Object.fromEntries(flags.texts))
  t.ok(Number(settings('preforkd.service', 'TimeoutStopSec')[0]) * 1000 > options.stopTimeout)
  t.strictSame(settings('preforkd.socket', 'Backlog'), [
    optionTable.find(({ name }) => name === 'backlog')?.default,
  ])
  t.strictSame(settings('preforkd.socket', 'FileDescriptorName'), ['web'])
  t.strictSame(settings('preforkd.service', 'KillMode'), ['mixed'])
})

t.test('systemd finds nothing wrong with the units', async (t) => {
  if (!(await has(t, 'systemd-analyze'))) return
  const units = ['service', 'socket'].map((kind) => `examples/systemd/preforkd.${kind}`)
  const verify = new Program(t, 'systemd-analyze', ['verify', ...units])
  t.equal(await verify.end(), 0)
  t.equal(verify.stderr, '')
})

t.test('what the units set up serves, started by the first client', async (t) => {
  if (!(await has(t, 'systemd-socket-activate'))) return
  const probe = createServer().listen(0, '127.0.0.1')
  await once(probe, 'listening')
  const { port } = probe.address() as AddressInfo
  probe.close()
  const [name] = settings('preforkd.socket', 'FileDescriptorName')
  const [start = ''] = settings('preforkd.service', 'ExecStart')
  const flags = unitFlags(start)
  flags[flags.indexOf('--handler') + 1] = join(root, 'examples/echo/handler.js')
  const handed = ['-l', `127.0.0.1:${port}`, `--fdname=${name}`]
  const server = new Program(t, 'systemd-socket-activate', [
    ...[...handed, process.execPath, join(root, command), ...flags],
  ])
  await server.says(/Listening on 127/)
  const socket = connect(port, '127.0.0.1').setEncoding('utf8')
  const [greeting] = await once(socket, 'data')
  t.match(greeting, /^kid \d+ \(pid \d+\) echoes\n$/)
  t.equal(await server.port(), port)
  server.process.kill('SIGTERM')
  socket.end()
  t.equal(await server.end(), 0)
})

/** The code on a page that is marked as a file of that name. */
function codeOn(page: string, file: string): string {
  const text = readFileSync(join(root, page), 'utf8')
  const marked = text.split(`<!-- file: ${file} -->\n`)[1] ?? ''
  const code = /^```\w+\n(.*?)^```$/ms.exec(marked)?.[1]
  if (code === undefined) throw new Error(`${page} has no ${file}`)
  return code
}

t.test("the README's library example serves its handler, in some 20 lines", async (t) => {
  const server = codeOn('README.md', 'server.mjs')
  t.ok(server.split('\n').length <= 25, `${server.split('\n').length} lines`)
  // Within this package, so that it finds `preforkd` by its name.
  const cwd = t.testdir({
    'package.json': readFileSync(join(root, 'package.json'), 'utf8'),
    dist: t.fixture('symlink', join(root, 'dist')),
    'h.mjs': codeOn('README.md', 'h.mjs'),
    'server.mjs': server,
  })
  const env = { ...process.env, PORT: '0' }
  const program = new Program(t, process.execPath, ['server.mjs'], { cwd, env })
  const port = Number((await program.says(/listening on 127\.0\.0\.1:(\d+)\n/))[1])
  const answer = await ask(port)
  t.match(answer, /^hello from kid \d, pid \d+\n$/)
  program.process.kill('SIGTERM')
  t.equal(await program.end(), 0)
  t.match(program.stdout, /1 accepted, 1 done, 0 lost\n$/)
  const kid = Number(/pid (\d+)/.exec(answer)?.[1])
  t.throws(() => process.kill(kid, 0), { code: 'ESRCH' }, 'its kid is gone')
  t.strictSame(complaints(program.stderr), [])
})

t.test('the handler on its page greets, and has its last word', async (t) => {
  const file = join(
    t.testdir({ 'greeter.mjs': codeOn('docs/handlers.md', 'greeter.mjs') }),
    'greeter.mjs',
  )
  const args = [command, '--handler', file, '--kids', '1', ...free]
  const server = new Program(t, process.execPath, args)
  t.equal(await ask(await server.port(), 'Ada\n'), 'hello from kid 1, Ada\n')
  server.process.kill('SIGTERM')
  t.equal(await server.end(), 0)
  t.match(server.stderr, '"kid":1,"stream":"stderr","msg":"that was all"')
  t.strictSame(complaints(server.stderr), [])
})

t.test('the kid in Python on the protocol page serves', async (t) => {
  const found = new Program(t, '/bin/sh', ['-c', 'command -v python3'])
  if ((await found.end()) !== 0) {
    t.comment('there is no python3 here')
    return
  }
  const file = join(t.testdir({ 'kid.py': codeOn('docs/protocol.md', 'kid.py') }), 'kid.py')
  const args = [command, '--kid', `python3 '${file}'`, '--kids', '2', ...free]
  const server = new Program(t, process.execPath, args)
  const port = await server.port()
  for (let i = 0; i < 3; i++) t.equal(await ask(port), 'hello from Python\n')
  server.process.kill('SIGTERM')
  t.equal(await server.end(), 0)
  t.strictSame(complaints(server.stderr), [])
})
