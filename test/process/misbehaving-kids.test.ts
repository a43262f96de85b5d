/** What becomes of kids that break the protocol: each is killed for it, replaced, and costs no other kid's client anything. */

import type { Result } from './client.js'
import { foreign, type Served, type ServerOptions, withServer } from './harness.js'

interface Case {
  title: string
  options?: ServerOptions
  /** What the client waits for before it connects. */
  first?: (served: Served) => boolean
  /** Why it is killed, and what the log says of it. */
  kill: [reason: string, detail: RegExp]
  logs?: RegExp[]
  /** What its client sees; `ok` where another kid serves it. */
  client: Result[]
  counters: { accepted: number; done: number; lost: number; unanswered: number }
}

const anothers = { accepted: 1, done: 1, lost: 0, unanswered: 0 }

const cases: Record<string, Case> = {
  'never-answers': {
    title:
      'a kid that never answers is killed after acceptTimeout, and its client served by another',
    options: { acceptTimeout: 400 },
    kill: ['accept timeout', /^did not answer order 1 within 400 ms$/],
    logs: [/^kid 1 died: perhaps 1 connection lost, of an order it had not answered$/],
    client: ['ok'],
    counters: { ...anothers, unanswered: 1 },
  },
  'never-reads-its-commands': {
    title: 'a kid that never reads its commands is killed after acceptTimeout',
    options: { acceptTimeout: 400 },
    kill: ['accept timeout', /^did not answer order 1/],
    logs: [/^kid 1 died: perhaps 1 connection lost, of an order it had not answered$/],
    client: ['ok'],
    counters: { ...anothers, unanswered: 1 },
  },
  'half-line-then-silence': {
    title: 'half an answer is none',
    options: { acceptTimeout: 400 },
    kill: ['accept timeout', /^did not answer order 1/],
    logs: [/^kid 1 died: perhaps 1 connection lost, of an order it had not answered$/],
    client: ['ok'],
    counters: { ...anothers, unanswered: 1 },
  },
  'answers-twice': {
    title: 'a kid that answers twice is killed, and the connection it held is counted as lost',
    kill: ['protocol', /^answered order 1, but none is out$/],
    logs: [/^kid 1 died: 1 connection lost$/],
    client: ['closed', 'reset'],
    counters: { accepted: 1, done: 0, lost: 1, unanswered: 0 },
  },
  'wrong-number': {
    title: 'a kid that answers another order than its own is killed',
    kill: ['protocol', /^answered order 2 instead of 1$/],
    logs: [/^kid 1 died: perhaps 1 connection lost, of an order it had not answered$/],
    client: ['ok'],
    counters: { ...anothers, unanswered: 1 },
  },
  'claims-too-many': {
    title: 'a kid that says it accepted more than it was ordered is killed',
    kill: ['protocol', /^said it accepted 2 of the 1 it was ordered$/],
    logs: [/^kid 1 died: perhaps 1 connection lost, of an order it had not answered$/],
    client: ['ok'],
    counters: { ...anothers, unanswered: 1 },
  },
  'says-done-too-often': {
    title: 'a kid that says done too often is killed, and its client was served',
    kill: ['protocol', /^said done of order 1, of which it holds nothing$/],
    client: ['ok'],
    counters: anothers,
  },
  'says-idle-twice': {
    title: 'a kid that says idle twice is killed',
    kill: ['protocol', /^said idle twice$/],
    client: ['ok'],
    counters: anothers,
  },
  'too-long-line': {
    title: 'a kid whose line has no end is killed',
    kill: ['protocol', /^a line is longer than 64 bytes$/],
    logs: [/^kid 1 died: perhaps 1 connection lost, of an order it had not answered$/],
    client: ['ok'],
    counters: { ...anothers, unanswered: 1 },
  },
  'talks-nonsense': {
    title: 'a kid that talks nonsense is killed, and what it said is quoted harmlessly',
    kill: ['protocol', /^"\\x00\\xff\\x1b\[2J\\"" is not a line of the protocol$/],
    logs: [/^kid 1 died: perhaps 1 connection lost, of an order it had not answered$/],
    client: ['ok'],
    counters: { ...anothers, unanswered: 1 },
  },
  'closes-status-pipe-and-lives': {
    title: 'a kid that closes its status pipe and lives is killed after acceptTimeout',
    options: { acceptTimeout: 400 },
    first: ({ server }) => server.status().kids[0]?.state === 'leaving',
    kill: ['closed its pipe', /^nobody can talk with it, and it lives on$/],
    client: ['ok'],
    counters: anothers,
  },
  'closes-command-pipe': {
    title: 'a kid that closes its command pipe is killed, and its order given to another',
    options: { acceptTimeout: 400 },
    kill: ['closed its pipe', /^nobody can talk with it, and it lives on$/],
    client: ['ok'],
    counters: anothers,
  },
  'says-leaving-and-stays': {
    title: 'a kid that says it leaves and stays is killed after stopTimeout',
    options: { stopTimeout: 400 },
    kill: ['stop timeout', /^was to leave and had not after \d+ ms$/],
    client: ['ok'],
    counters: anothers,
  },
}

for (const [name, { title, options, first, kill, logs = [], client, counters }] of Object.entries(
  cases,
)) {
  withServer(
    title,
    {
      ...foreign(name),
      startKids: 1,
      maxKids: 2,
      ...options,
      logs: [/^killed kid 1: /, ...logs],
    },
    async (t, served) => {
      if (first !== undefined) await served.until(() => first(served))
      const { result, text } = await served.ask({ send: 'hello\n' })
      const killed = await served.event('kill')
      await served.event('gone', ({ kid }) => kid === 1)
      t.ok(client.includes(result), `its client sees ${client.join(' or ')}: ${result}`)
      t.equal(killed.kid, 1)
      t.equal(killed.reason, kill[0])
      t.match(killed.detail, kill[1])
      // Another is up, and serves.
      const next = await served.ask()
      t.equal(next.result, 'ok')
      t.not(Number(next.text), served.pid(1))
      if (result === 'ok' && name !== 'says-done-too-often') t.not(Number(text), served.pid(1))
      await served.until(() => served.counters.held === 0)
      t.match(served.counters, {
        ...counters,
        accepted: counters.accepted + 1,
        done: counters.done + 1,
        kills: { [kill[0]]: 1 },
      })
      t.ok(
        served.server.status().kids.every(({ number }) => number !== 1),
        'it is off the scoreboard',
      )
    },
  )
}
