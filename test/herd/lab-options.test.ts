/** The flags of `preforkd herd`: what they mean, what is refused before anything starts, and its tables. */

import t from 'tap'
import { parseFlags } from '../../src/cli/flags.js'
import { UsageError } from '../../src/errors.js'
import { checkGrants, type LabTexts, readLabOptions } from '../../src/herd/lab-options.js'
import { whyNoClusterReusePort } from '../../src/herd/machine.js'
import { warningsOf } from '../../src/herd/measure.js'
import { shapeNames } from '../../src/herd/shapes.js'
import { cellsOf } from '../../src/herd/show/figures.js'
import { strategyNames } from '../../src/herd/strategies.js'
import { formatTables, sparkline } from '../../src/herd/table.js'
import { sampleRun } from './show/sample.js'

const read = (texts: LabTexts) => readLabOptions(texts, () => 7)

/** The sentence that something is refused with. */
function refusal(act: () => unknown): string {
  try {
    act()
  } catch (error) {
    if (error instanceof UsageError) return error.message
    throw error
  }
  return 'not refused'
}

t.test('without flags it runs everything', async (t) => {
  t.strictSame(read({}), {
    ...{ kids: [8], rounds: 5, seconds: 1, clients: 32, rate: 1000, seed: 7, quick: false },
    ...{ shapes: shapeNames, strategies: strategyNames },
  })
})

t.test('a quick run is smaller, and flags count before it', async (t) => {
  const quick = read({ quick: true })
  t.ok(quick.rounds * quick.seconds < 1 && quick.shapes.length < shapeNames.length)
  t.match(read({ quick: true, rounds: '9', kids: '3' }), { rounds: 9, kids: [3], quick: true })
})

t.test('lists keep our order, and hold everything once', async (t) => {
  t.match(
    read({ kids: '32,8,8', shapes: 'burst, trickle', strategies: 'queue,accept,queue', seed: '0' }),
    { kids: [8, 32], shapes: ['trickle', 'burst'], strategies: ['accept', 'queue'], seed: 0 },
  )
})

t.test('what cannot be is refused in a sentence that names the flag', async (t) => {
  const list = strategyNames.join(', ')
  for (const [texts, sentence] of [
    [
      { strategies: 'accept,tea' },
      `--strategies has no strategy "tea": the known ones are ${list}`,
    ],
    [{ strategies: '' }, `--strategies has no strategy "": the known ones are ${list}`],
    [
      { shapes: 'constructor' },
      `--shapes has no shape "constructor": the known ones are ${shapeNames.join(', ')}`,
    ],
    [{ kids: '0' }, '--kids must be a whole number from 1 to 64, not "0"'],
    [{ kids: '8,65' }, '--kids must be a whole number from 1 to 64, not "65"'],
    [{ kids: '1,2,3,4,5,6,7,8,9' }, '--kids must be at most 8 different numbers, not 9'],
    [{ rounds: '0' }, '--rounds must be a whole number from 1 to 100, not "0"'],
    [{ rounds: '1.5' }, '--rounds must be a whole number from 1 to 100, not "1.5"'],
    [{ seconds: '0.01' }, '--seconds must be a number from 0.1 to 60, not "0.01"'],
    [{ seconds: '61' }, '--seconds must be a number from 0.1 to 60, not "61"'],
    [{ seconds: '1s' }, '--seconds must be a number from 0.1 to 60, not "1s"'],
    [{ clients: '513' }, '--clients must be a whole number from 1 to 512, not "513"'],
    [{ rate: '-1' }, '--rate must be a whole number from 1 to 20000, not "-1"'],
    [{ seed: '' }, '--seed must be a whole number from 0 to 2147483647, not ""'],
  ] as const) {
    t.equal(
      refusal(() => read(texts)),
      sentence,
    )
  }
})

t.test('too few descriptors or ports are said before anything starts', async (t) => {
  const trickle = read({ shapes: 'trickle', kids: '64' })
  const enough = { descriptors: 448, ports: 64 }
  t.equal(
    refusal(() => checkGrants(trickle, enough)),
    'not refused',
  )
  t.equal(
    refusal(() => checkGrants(trickle, { ...enough, descriptors: 447 })),
    'herd needs 448 descriptors for 64 kids and 32 connections, but the limit is 447: raise it (ulimit -n)',
  )
  t.match(
    refusal(() =>
      checkGrants(read({ shapes: 'sweep', kids: '1' }), { ...enough, descriptors: 447 }),
    ),
    /^herd needs 448 descriptors for 64 kids/,
    'the sweep has its own kids',
  )
  t.equal(
    refusal(() => checkGrants(trickle, { ...enough, ports: 63 })),
    'herd needs 64 local ports for 32 connections, but there are 63: widen net.ipv4.ip_local_port_range',
  )
})

t.test('its flags are its own, and so is its help', async (t) => {
  t.strictSame(parseFlags(['herd', '--quick', '--kids', '4']), {
    action: 'herd',
    asked: { quick: true, kids: '4' },
  })
  const help = parseFlags(['herd', '--help'])
  const text = help.action === 'print' ? help.text : ''
  for (const name of [...strategyNames, ...shapeNames]) t.match(text, `\n  ${name} `)
  t.match(
    refusal(() => parseFlags(['herd', 'accept'])),
    /^unexpected argument "accept"/,
  )
  t.match(
    refusal(() => parseFlags(['herd', '--listen', '1'])),
    /^unknown option '--listen'/,
  )
})

t.test('reusePort is where Node.js has it', async (t) => {
  for (const version of ['22.12.0', '23.1.0', '24.0.0', '22.20.1'])
    t.equal(whyNoClusterReusePort(version), undefined, version)
  for (const version of ['20.20.2', '22.11.0', '23.0.0'])
    t.match(whyNoClusterReusePort(version), /^Node\.js \d+\.\d+\.\d+ has no listen/, version)
})

t.test('what makes figures doubtful is said', async (t) => {
  const fine = {
    ...{ overflows: 0, drops: 0, saturated: false, answered: 400, failed: 0, others: 0.1 },
    accepted: [200, 200],
  }
  t.strictSame(warningsOf(fine), [])
  t.match(warningsOf({ ...fine, overflows: 3 }), [/overflowed 3 times/])
  t.match(warningsOf({ ...fine, saturated: true }), [/client was the bottleneck/])
  t.match(warningsOf({ ...fine, others: 0.5 }), [/Other programs had 50 % of all cores/])
  t.match(warningsOf({ ...fine, answered: 399, failed: 1 }), [/^1 connections failed/])
  t.match(warningsOf({ ...fine, accepted: [200, 199] }), [/accepted 399 connections/])
  t.match(warningsOf({ ...fine, answered: 30, accepted: [15, 15] }), [/Fewer than 20/])
})

t.test('the tables have every strategy under every shape, and what was left out', async (t) => {
  const lines = sampleRun()
  const text = formatTables(lines)
  t.match(
    text,
    /^2 x AMD EPYC .*, Linux 6\.18\.44, Node\.js v20\.20\.2, preforkd .* at 0123abc\+$/m,
  )
  const cells = cellsOf(lines)
  for (const { shape, kids } of cells) {
    const title = shape === 'sweep' ? 'sweep: ' : `${shape}, ${kids} kids: `
    t.match(text, `\n${title}`)
  }
  for (const { strategy } of cells) t.match(text, `\n  ${strategy} `)
  for (const line of lines) {
    if (line.type === 'unavailable') t.match(text, `${line.strategy} is left out: ${line.reason}`)
  }
})

t.test('a kid without a connection is a blank, one with some is not', async (t) => {
  const [cell] = cellsOf(sampleRun()) as [ReturnType<typeof cellsOf>[0]]
  const [round] = cell.rounds as [(typeof cell.rounds)[0]]
  const rounds = [{ ...round, kidsAccepted: [0, 1, 500, 1000] }]
  t.equal(sparkline({ ...cell, rounds }), ' ▁▄█')
})
