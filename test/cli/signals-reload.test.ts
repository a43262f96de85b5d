/** HUP to a real command: new code without a gap, broken code without harm, storms of it; run with the other tests. */

import { type Test, test } from 'tap'
import { Deploy, Signalled, version } from '../process/deploy.js'

function serve(t: Test, deploy: Deploy, ...more: string[]): Signalled {
  return new Signalled(t, ['--handler', deploy.handler, ...more])
}

test('HUP serves the new handler, and no client fails meanwhile', async (t) => {
  const deploy = new Deploy(t)
  const server = serve(t, deploy, '--kids', '2')
  await server.said(/^ready: 2 kids/)
  const old = server.kids
  server.clients.begin(8)
  await server.clients.more(50)
  deploy.write(version('two'))
  server.signal('SIGHUP')
  await server.said(/^reloaded: generation 2 serves$/)
  await server.serves('two')
  await server.haveKids(2)
  t.ok(
    server.kids.every((pid) => !old.includes(pid)),
    'all kids are new',
  )
  t.equal(server.run.pid, server.parent, 'the parent is the same')
  await server.clients.more(50)
  await server.end(t)
})

const broken: [string, (deploy: Deploy) => void, RegExp][] = [
  [
    'throws on import',
    (deploy) => deploy.write("throw new Error('I am broken')\n"),
    /^reload failed: .*I am broken.*; generation 1 goes on$/,
  ],
  [
    'never gets ready',
    (deploy) =>
      deploy.write(
        'export const setup = () => new Promise(() => setInterval(() => {}, 1e9))\nexport default () => {}\n',
      ),
    /^reload failed: .*not up within readyTimeout.*; generation 1 goes on$/,
  ],
  [
    'has a broken configuration file',
    (deploy) => deploy.write('export default { kids: 0 }\n', 'preforkd.config.mjs'),
    /^no reload: kids in .*preforkd\.config\.mjs/,
  ],
  [
    'has a configuration file that does not load',
    (deploy) => deploy.write('export default {\n', 'preforkd.config.mjs'),
    /^no reload: configuration file .* does not load: SyntaxError/,
  ],
]

for (const [what, deployIt, reason] of broken) {
  test(`after HUP a deploy that ${what} leaves the old kids serving, and says why once`, async (t) => {
    const deploy = new Deploy(t)
    deploy.write('export default { kids: 2, readyTimeout: "4s" }\n', 'preforkd.config.mjs')
    const server = serve(t, deploy, '--config', deploy.path('preforkd.config.mjs'))
    await server.said(/^ready: 2 kids/)
    const old = server.kids.sort()
    server.clients.begin(4)
    await server.clients.more(20)
    deployIt(deploy)
    server.signal('SIGHUP')
    await server.said(reason)
    await server.haveKids(2)
    t.same(server.kids.sort(), old, 'the old kids are there, and nobody else')
    await server.clients.more(20)
    t.match(await server.ask(), /^one /)
    t.equal(server.lines(/^(reload failed|no reload): /).length, 1)
    deploy.write(version('two'))
    deploy.write('export default { kids: 2 }\n', 'preforkd.config.mjs')
    server.signal('SIGHUP')
    await server.said(/^reloaded: generation [23] serves$/)
    await server.serves('two')
    await server.end(t)
  })
}

test('a hundred HUPs in a row make a few generations, and end with one that serves', async (t) => {
  const deploy = new Deploy(t)
  const server = serve(t, deploy, '--kids', '1')
  await server.said(/^ready: /)
  server.clients.begin(2)
  deploy.write(version('two'))
  for (let i = 0; i < 100; i++) {
    server.signal('SIGHUP')
    // Each by itself, as far as the kernel tells them apart.
    await new Promise((resolve) => setImmediate(resolve))
  }
  await server.said(/^reloaded: /)
  await server.serves('two')
  await server.clients.more(20)
  await server.haveKids(1)
  const generations = server.lines(/^reloads: /).length
  t.ok(generations <= 10, `${generations} generations`)
  await server.end(t)
})
