/** A sample of the probes, against plain Node.js: those about connections, and those that are refused; `npm run conformance` has all. */

import t from 'tap'
import { compare } from './compare.js'
import { type Probe, readCorpus, textOf } from './corpus.js'
import { explain } from './exceptions.js'
import { describe } from './report.js'
import type { Answer } from './send.js'
import { Served, withBoth } from './servers.js'

const corpus = readCorpus()

/** Fixed: the same probes in each run. */
const sample = corpus.filter((probe) => {
  if (['h1spec', 'garden-quirk', 'garden-trophy'].includes(probe.source)) return true
  if (probe.source.startsWith('smuggler')) return false
  // More than one request, or what decides whether there may be one.
  const requests = textOf(probe).match(/ HTTP\/\d/g)?.length ?? 0
  return requests > 1 || /^(Connection|Upgrade|Expect|Keep-Alive):/im.test(textOf(probe))
})

for (const app of ['function', 'early'] as const) {
  t.test(`HTTP is that of plain Node.js: ${sample.length} probes, app ${app}`, async (t) => {
    const { differences, noise } = await withBoth(
      [Served.plain(app), Served.preforkd(app)],
      (plain, ours) => compare(sample, plain.port, ours.port),
    )
    for (const each of noise) t.comment(`differed once, and not again: ${describe(each)}`)
    const bare = differences.filter(({ exception }) => exception === undefined)
    for (const each of bare) t.fail(describe(each))
    t.equal(bare.length, 0, 'nothing differs that is not explained')
  })
}

t.test('an app that answers otherwise is found', async (t) => {
  const probes = corpus.filter(({ name }) => name === 'Valid POST request with body')
  const { differences } = await withBoth(
    [Served.plain('function'), Served.plain('early')],
    (one, other) => compare(probes, one.port, other.port),
  )
  t.equal(probes.length, 1)
  t.match(differences, [{ plain: { text: / 5 bytes\n/ }, ours: { text: / 0 bytes\n/ } }])
})

t.test('what preforkd refuses on purpose is explained, and no more than that', async (t) => {
  const served: Answer = { text: 'HTTP/1.1 200 OK\r\n\r\nserved', end: 'open' }
  const refused: Answer = { text: 'HTTP/1.1 400 Bad Request\r\n\r\n', end: 'closed' }
  const explained = (text: string, ours = refused) => explain(probeOf(text), served, ours)?.name
  t.equal(explained('GET / HTTP/1.1\r\nHost: a\r\nhost: b\r\n\r\n'), 'two Host headers')
  t.equal(explained('GET /\r\n\r\n'), 'HTTP/0.9')
  t.equal(explained('GET / HTTP/0.9\r\n\r\n'), 'HTTP/0.9')
  t.equal(explained('GET / HTTP/1.1\r\nHost: a\r\n\r\n'), undefined)
  t.equal(explained(`${'GET / HTTP/1.1\r\nHost: a\r\n\r\n'.repeat(2)}`), undefined, 'one each')
  const both = { ...refused, text: served.text + refused.text }
  t.equal(explained('GET /\r\n\r\n', both), 'HTTP/0.9', 'after what was served before it')
  t.equal(explained('GET /\r\n\r\n', { ...refused, end: 'open' }), undefined)
  t.equal(explained('GET /\r\n\r\n', { ...refused, text: `else${refused.text}` }), undefined)
  t.equal(explained('GET /\r\n\r\n', { ...refused, text: refused.text + served.text }), undefined)
})

function probeOf(text: string): Probe {
  return { source: 'here', name: 'made up', parts: [Buffer.from(text, 'latin1')] }
}
