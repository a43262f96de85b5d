/** How connections end: whatever the handler forgot, no later than its client, and with all that was written. */

import { once } from 'node:events'
import { connect, type Socket } from 'node:net'
import { join } from 'node:path'
import t, { type Test } from 'tap'
import type { Handler, Kid } from '../../src/handlers/handler.js'
import { LINGER_BYTES, LINGER_MOST, LINGER_TIME } from '../../src/handlers/lingering.js'
import type { HalfOpen, SocketConnection } from '../../src/handlers/socket-connection.js'
import { until, within } from '../process/processes.js'
import { shortDirectory } from '../system/observe.js'
import { startAccepting } from './accepting.js'

/** What became of the connections of a test. */
interface Stage {
  complete: number
  closed: number
  gone: number
  readonly connections: SocketConnection[]
  readonly told: string[]
  readonly failures: unknown[]
  /** A client, which reads all that comes. */
  client(): Client
}

class Client {
  readonly socket: Socket
  text = ''
  error: string | undefined
  readonly ended: Promise<void>

  constructor(where: { port?: number; path?: string }) {
    this.socket = connect({ ...(where as { port: number }), allowHalfOpen: true })
    this.socket.setEncoding('latin1')
    this.socket.on('data', (text: string) => {
      this.text += text
    })
    this.socket.on('error', (error: NodeJS.ErrnoException) => {
      this.error = error.code
    })
    this.ended = new Promise((resolve) => {
      this.socket.once('end', resolve).once('close', resolve)
    })
  }
}

async function stage(
  t: Test,
  handler: Handler,
  halfOpen: HalfOpen = 'auto',
  unix = false,
): Promise<Stage> {
  const failures: unknown[] = []
  const log = { error: ({ err }: { err: unknown }) => void failures.push(err) }
  const kid = { log } as unknown as Kid
  const ears = () => ({
    complete: () => void now.complete++,
    clientGone: () => void now.gone++,
    closed: () => void now.closed++,
  })
  const where = unix
    ? ({ kind: 'unix', name: 'a', path: join(shortDirectory(t), 's') } as const)
    : ({ kind: 'tcp', name: 'a', host: '127.0.0.1', port: 0 } as const)
  const { address, connections, told } = await startAccepting(t, where, {
    kid: () => kid,
    handler,
    halfOpen,
    ears,
  })
  const to = address.port === undefined ? { path: address.path as string } : { port: address.port }
  const clients: Client[] = []
  const now: Stage = {
    complete: 0,
    closed: 0,
    gone: 0,
    connections,
    told,
    failures,
    client: () => {
      const client = new Client(to)
      clients.push(client)
      return client
    },
  }
  t.teardown(async () => {
    for (const { socket } of clients) socket.destroy()
    await until(() => now.closed === connections.length, 'all connections to close')
  })
  return now
}

const later = (milliseconds: number) => new Promise((resolve) => setTimeout(resolve, milliseconds))

/** Each ends its side some way, and reads nothing. */
const answers: Record<string, Handler> = {
  'at once': (socket) => void socket.end('bye'),
  'after an await': async (socket) => {
    await later(5)
    socket.end('bye')
  },
  'from a timer of its own': (socket) => void setTimeout(() => socket.end('bye'), 5),
  'by a stream that is piped to it': async (socket) => {
    const { Readable } = await import('node:stream')
    Readable.from(['b', 'ye']).pipe(socket)
  },
  'having taken all listeners away': (socket) => {
    socket.removeAllListeners()
    socket.end('bye')
  },
  'by destroySoon': (socket) => {
    socket.write('bye')
    socket.destroySoon()
  },
  'having read one piece': async (socket) => {
    await once(socket, 'data')
    socket.end('bye')
  },
}

for (const [how, handler] of Object.entries(answers)) {
  t.test(`a handler that answers ${how} is done with a client that says more`, async (t) => {
    const now = await stage(t, handler)
    const client = now.client()
    client.socket.write('hello')
    await within(client.ended, 'the answer')
    t.equal(client.text, 'bye')
    t.equal(client.error, undefined, 'no reset')
    // The client has not even ended its side.
    await until(() => now.complete === 1, 'it to be complete')
    t.equal(now.closed, 0, 'while what comes is dropped')
    client.socket.write('more')
    client.socket.end()
    await until(() => now.closed === 1, 'it to close')
  })
}

t.test('a client that stays is waited for so long and no longer', async (t) => {
  const now = await stage(t, (socket) => void socket.end('bye'))
  const client = now.client()
  client.socket.write('hello')
  const began = performance.now()
  await until(() => now.closed === 1, 'it to close')
  const took = performance.now() - began
  t.ok(took > LINGER_TIME - 50 && took < LINGER_TIME + 1_500, `${took.toFixed()} ms`)
  t.equal(client.text, 'bye')
})

t.test('a client that sends and sends is read from so far and no further', async (t) => {
  const now = await stage(t, (socket) => void socket.end('bye'))
  const client = now.client()
  const piece = Buffer.alloc(1_000_000)
  const more = () => client.socket.write(piece, (error) => error ?? more())
  more()
  await until(() => now.closed === 1, 'it to close')
  const bytesRead = now.connections[0]?.socket.bytesRead ?? Number.NaN
  t.ok(bytesRead <= LINGER_BYTES + 1_000_000, `${bytesRead} bytes`)
})

t.test('while the answer is on its way, what comes is read no longer than that', async (t) => {
  const large = Buffer.alloc(8_000_000)
  const now = await stage(t, (socket) => void socket.end(large))
  const client = now.client()
  client.socket.pause()
  const more = () => client.socket.write('x', (error) => error ?? setImmediate(more))
  more()
  await until(() => now.connections[0]?.socket.isPaused() === true, 'reading to end')
  t.equal(now.complete, 0, 'it is not complete')
  t.ok((now.connections[0]?.socket.writableLength ?? 0) > 0)
  client.socket.resume()
  await within(client.ended, 'all of it')
  t.equal(client.text.length, large.length)
})

t.test('of many that linger the oldest closes first', async (t) => {
  const now = await stage(t, (socket) => void socket.end('bye'))
  for (let i = 0; i <= LINGER_MOST; i++) {
    const client = now.client()
    client.socket.write('hello')
    await within(client.ended, 'the answer')
  }
  await until(() => now.closed === 1, 'one to close')
  t.ok(now.connections[0]?.socket.destroyed, 'the first')
})

t.test('a handler that reads later on purpose gets all that was sent', async (t) => {
  let bytes = 0
  const now = await stage(t, async (socket) => {
    socket.pause()
    await later(50)
    for await (const piece of socket.iterator({ destroyOnReturn: false })) bytes += piece.length
    socket.end(`got ${bytes}`)
  })
  const client = now.client()
  client.socket.end(Buffer.alloc(3_000_000))
  await within(client.ended, 'the answer')
  t.equal(client.text, 'got 3000000')
})

t.test(
  'a handler that reads after it has ended its side goes on until its client ends',
  async (t) => {
    let bytes = 0
    const now = await stage(t, (socket) => {
      socket.on('data', (piece) => {
        bytes += piece.length
      })
      socket.end('send it')
    })
    const client = now.client()
    await within(client.ended, 'the word')
    client.socket.write(Buffer.alloc(100_000))
    await until(() => bytes === 100_000, 'what was sent')
    t.equal(now.complete, 0, 'it is at work')
    client.socket.end(Buffer.alloc(100_000))
    await until(() => now.closed === 1, 'it to close')
    t.equal(bytes, 200_000)
  },
)

t.test('what the end of a client means', async (t) => {
  // Reads to the end and answers a moment later.
  const query: Handler = async (socket) => {
    for await (const _ of socket.iterator({ destroyOnReturn: false }));
    await later(20)
    socket.end('late')
  }
  const byEvents: Handler = (socket) => {
    socket.resume().once('end', () => setTimeout(() => socket.end('late'), 20))
  }
  const echo: Handler = (socket) => {
    socket.on('data', (piece) => socket.write(piece))
  }
  const piped: Handler = async (socket) => {
    const { PassThrough } = await import('node:stream')
    const source = new PassThrough()
    source.pipe(socket.resume())
    socket.once('end', () => setTimeout(() => source.end('piped'), 20))
  }
  // It answers by events, and would wait for ever on a side that nobody ends.
  const waitsForClose: Handler = async (socket) => void (await once(socket.resume(), 'close'))
  const wanted: [Handler, HalfOpen, string][] = [
    [query, 'auto', 'late'],
    [query, 'on', 'late'],
    [query, 'off', ''],
    // As in plain Node.js, which ends its side with the client's.
    [byEvents, 'auto', ''],
    [byEvents, 'on', 'late'],
    [echo, 'auto', 'hello'],
    [echo, 'off', 'hello'],
    [piped, 'auto', 'piped'],
    [waitsForClose, 'auto', ''],
  ]
  for (const [handler, halfOpen, answer] of wanted) {
    const now = await stage(t, handler, halfOpen)
    const client = now.client()
    client.socket.end('hello')
    await within(client.ended, `the end: ${halfOpen}`)
    t.equal(client.text, answer, halfOpen)
    await until(() => now.closed === 1, 'it to close')
  }
})

t.test('an answer that comes too late is told of', async (t) => {
  const now = await stage(t, (socket) => {
    socket.resume().once('end', () => setTimeout(() => socket.end('late'), 20))
  })
  const client = now.client()
  client.socket.end('hello')
  await until(() => now.told.length > 0, 'it to be told')
  t.match(now.told[0], /: an answer was lost: /)
})

t.test('a client that has reset is found although nobody reads', async (t) => {
  let signal: AbortSignal | undefined
  const full = Buffer.alloc(1_000_000)
  const now = await stage(t, async (socket) => {
    socket.pause()
    await once(socket, 'close')
  })
  const client = now.client()
  client.socket.write(full)
  await until(() => (now.connections[0]?.socket.readableLength ?? 0) > 0, 'it to be full')
  client.socket.resetAndDestroy()
  await until(() => {
    for (const connection of now.connections) connection.look()
    return now.closed === 1
  }, 'it to be found')
  t.ok(now.gone > 0)
  t.equal(signal, undefined)
})

t.test(
  'whoever reads what a client sent before it has reset is not cut short at once',
  async (t) => {
    const now = await stage(t, async (socket) => {
      socket.on('data', () => {}).pause()
      await once(socket, 'close')
    })
    const client = now.client()
    client.socket.write(Buffer.alloc(1_000_000))
    await until(() => (now.connections[0]?.socket.readableLength ?? 0) > 0, 'it to be full')
    client.socket.resetAndDestroy()
    await until(() => {
      for (const connection of now.connections) connection.look()
      return now.gone > 0
    }, 'it to be found')
    t.notOk(now.connections[0]?.socket.destroyed)
    now.connections[0]?.socket.resume()
    await until(() => now.closed === 1, 'it to close')
  },
)

t.test('a handler that waits for words that never come is not waited for', async (t) => {
  const now = await stage(t, async (socket) => {
    await once(socket, 'data')
    socket.end('never')
  })
  // As health checks do.
  const checks = [now.client(), now.client()]
  checks[0]?.socket.end()
  await until(() => now.connections.length === 2, 'both')
  checks[1]?.socket.resetAndDestroy()
  await until(() => {
    for (const connection of now.connections) connection.look()
    return now.closed === 2
  }, 'it to be seen')
})

t.test('an error that nobody listens for ends nothing but its connection', async (t) => {
  const now = await stage(t, (socket) => {
    socket.removeAllListeners()
    socket.destroy(new Error('on purpose'))
  })
  now.client()
  await until(() => now.closed === 1, 'it to close')
  t.strictSame(now.told, ['the connection failed: on purpose'])
})

t.test('a handler that has a listener for errors gets them', async (t) => {
  let heard: Error | undefined
  const now = await stage(t, (socket) => {
    socket.on('error', (error) => {
      heard = error
    })
    socket.destroy(new Error('on purpose'))
  })
  now.client()
  await until(() => now.closed === 1, 'it to close')
  t.match(heard, { message: 'on purpose' })
  t.strictSame(now.told, [])
})

t.test('a handler that fails is told, and its connection closes', async (t) => {
  for (const handler of [
    () => {
      throw new Error('at once')
    },
    async () => {
      await later(5)
      throw new Error('later')
    },
  ]) {
    const now = await stage(t, handler)
    now.client()
    await until(() => now.closed === 1, 'it to close')
    t.equal(now.complete, 1)
    t.equal(now.failures.length, 1)
  }
})

t.test('a connection of a Unix socket ends in the same way', async (t) => {
  const now = await stage(t, (socket) => void socket.end('bye'), 'auto', true)
  const client = now.client()
  client.socket.write('hello')
  await within(client.ended, 'the answer')
  t.equal(client.text, 'bye')
  await until(() => now.complete === 1, 'it to be complete')
  client.socket.end()
  await until(() => now.closed === 1, 'it to close')
})
