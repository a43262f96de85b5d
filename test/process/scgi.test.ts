/** SCGI in real kids: no bad request harms one, and behind nginx and lighttpd they serve, slow clients and lost ones too. */

import { createHash, randomBytes } from 'node:crypto'
import { once } from 'node:events'
import { writeFileSync } from 'node:fs'
import { type ClientRequest, request as httpRequest, type IncomingMessage } from 'node:http'
import { join } from 'node:path'
import t, { type Test } from 'tap'
import { badRequests, request } from '../handlers/scgi/requests.js'
import { handler, type Served, withServer } from './harness.js'
import { accepting, peerDirectory, startPeer, without } from './peers.js'
import { until, within } from './processes.js'

const options = { ...handler('speaks-scgi'), protocol: 'scgi', kids: 1 } as const

/** What a client says over one connection, and the text that comes back. */
async function ask(served: Served, bytes: Buffer, end = false): Promise<string> {
  const client = served.client()
  client.socket.write(bytes)
  if (end) client.socket.end()
  const { result, text } = await client.outcome
  return result === 'ok' ? text : result
}

const pidRequest = request('', { REQUEST_URI: '/pid' })

const failing = { ...options, logs: [/^the SCGI handler failed$/] }

withServer('the kid outlives every bad request', failing, async (t, served) => {
  const pid = served.pid(1)
  const refused = /^Status: 400 Bad Request\r\n/
  for (const { title, bytes } of badRequests) {
    t.match(await ask(served, bytes), refused, title)
  }
  const body = request('a body', { REQUEST_URI: '/hash' })
  t.match(await ask(served, body.subarray(0, 20), true), refused, 'a header cut off')
  t.match(await ask(served, body.subarray(0, -1), true), refused, 'a body cut off')
  t.match(await ask(served, Buffer.concat([body, body])), / 200 OK.*\r\n\r\n6 /s, 'a body too long')
  const throwing = await ask(served, request('', { REQUEST_URI: '/throws' }))
  t.match(throwing, /^Status: 500 Internal Server Error\r\n/, 'a handler that throws')
  const gone = served.client()
  // Others before it have had a body too.
  const begun = () => served.log.filter(({ msg }) => msg === 'the body begins').length
  const before = begun()
  gone.socket.write(body.subarray(0, -1))
  await until(() => begun() > before, 'its request to be served')
  gone.socket.resetAndDestroy()
  await gone.outcome
  t.equal((await ask(served, pidRequest)).split('\r\n\r\n')[1], `${pid}`, 'the same kid serves')
  t.equal(served.counters.deaths, 0)
  const { accepted, done, cut, skipped, held, lost } = served.counters
  t.equal(done + cut + skipped, accepted - held)
  t.equal(lost, 0)
  const refusals = served.log.filter(({ msg }) => msg === 'an SCGI request was refused')
  t.equal(refusals.length, badRequests.length + 1, 'and the log tells of each at level debug')
})

withServer(
  'the time limits of a server hold for what its handler speaks',
  { ...options, headersTimeout: 500 },
  async (t, served) => {
    t.match(await ask(served, Buffer.from('24:CONT')), /^Status: 408 Request Timeout/)
    t.match(await ask(served, pidRequest), `${served.pid(1)}`)
  },
)

/** What a web server in front is told: the sockets to take and the two to pass on to. */
interface Front {
  readonly directory: string
  /** Where HTTP is served; what begins with /unix and /tcp goes on to the one or the other. */
  readonly socket: string
  readonly unix: string
  readonly port: number
}

/** A web server in the foreground. */
interface WebServer {
  /** Whether it passes bodies on as they come; else it waits until it has them. */
  readonly streams: boolean
  readonly name: string
  config(front: Front): string
  args(config: string, front: Front): string[]
}

const nginx: WebServer = {
  name: 'nginx',
  streams: false,
  config: ({ directory, socket, unix, port }) => `
    daemon off;
    master_process off;
    pid ${directory}/pid;
    error_log stderr;
    events {}
    http {
      access_log off;
      ${['client_body', 'proxy', 'fastcgi', 'uwsgi', 'scgi']
        .map((name) => `${name}_temp_path ${directory}/${name};`)
        .join('\n')}
      client_max_body_size 0;
      scgi_buffering off;
      scgi_param SCGI 1;
      scgi_param REQUEST_METHOD $request_method;
      scgi_param REQUEST_URI $request_uri;
      scgi_param QUERY_STRING $query_string;
      server {
        listen unix:${socket};
        location /unix/ { scgi_pass unix:${unix}; }
        location /tcp/ { scgi_pass 127.0.0.1:${port}; }
      }
    }`,
  args: (config, { directory }) => ['-p', directory, '-c', config, '-e', 'stderr'],
}

const lighttpd: WebServer = {
  name: 'lighttpd',
  streams: true,
  config: ({ directory, socket, unix, port }) => `
    server.document-root = "${directory}"
    server.bind = "${socket}"
    server.upload-dirs = ("${directory}")
    server.modules = ("mod_scgi")
    server.stream-request-body = 2
    server.stream-response-body = 2
    scgi.server = (
      "/unix" => (("socket" => "${unix}", "check-local" => "disable")),
      "/tcp" => (("host" => "127.0.0.1", "port" => ${port}, "check-local" => "disable")),
    )`,
  args: (config) => ['-D', '-f', config],
}

/** A request to a web server; nothing has been sent of it yet but what `end` or `write` sends. */
function open(socketPath: string, path: string, length?: number): ClientRequest {
  const headers = length === undefined ? {} : { 'Content-Length': length }
  const method = length === undefined ? 'GET' : 'POST'
  const client = httpRequest({ socketPath, path, method, headers, agent: false })
  // One that is dropped says so; who waits for a response is told by the limit of waiting.
  return client.on('error', () => {})
}

async function responseTo(client: ClientRequest): Promise<IncomingMessage> {
  const [response] = await within(once(client, 'response'), `a response to ${client.path}`)
  return response as IncomingMessage
}

async function textOf(client: ClientRequest): Promise<string> {
  const response = await responseTo(client)
  let text = `${response.statusCode} `
  const read = async () => {
    for await (const piece of response.setEncoding('utf8')) text += piece
  }
  await within(read(), `the end of ${client.path}`)
  return text
}

const hashOf = (body: Buffer) => createHash('sha256').update(body).digest('hex')

/** Every kind of request through a web server; the one slot is free again after each. */
async function throughFront(
  t: Test,
  served: Served,
  socket: string,
  way: string,
  streams: boolean,
): Promise<void> {
  const pidOfKid = async () => textOf(open(socket, `${way}/pid`).end())
  const bodies = () => served.log.filter(({ msg }) => msg === 'the body begins').length
  /** Sends half of a body, and settles when the handler has something of it, or has no part in it. */
  const sendHalf = async (client: ClientRequest, half: Buffer) => {
    const before = bodies()
    const sent = new Promise<void>((resolve) => client.write(half, () => resolve()))
    if (streams) await until(() => bodies() > before, 'the beginning of a body')
    else await within(sent, 'half of a body to be taken')
  }
  const pid = served.pid(1)

  const list = await textOf(open(socket, `${way}/list?b=c`).end())
  t.match(list, /^200 .*^QUERY_STRING: "b=c"$.*^REQUEST_METHOD: "GET"$.*^SCGI: "1"$/ms, way)

  const large = randomBytes(10_000_000)
  const post = open(socket, `${way}/hash`, large.length).end(large)
  t.equal(await textOf(post), `200 10000000 ${hashOf(large)}`, 'a body of 10 MB')

  const [first, second] = [large.subarray(0, 100_000), large.subarray(100_000, 200_000)]
  const slow = open(socket, `${way}/hash`, 200_000)
  await sendHalf(slow, first)
  if (!streams) t.equal(await pidOfKid(), `200 ${pid}`, 'a slow client holds no slot')
  slow.end(second)
  t.equal(await textOf(slow), `200 200000 ${hashOf(large.subarray(0, 200_000))}`, 'a slow body')

  const short = open(socket, `${way}/hash`, 200_000)
  await sendHalf(short, first)
  short.destroy()
  t.equal(await pidOfKid(), `200 ${pid}`, 'a client that goes away while it sends')

  const unread = open(socket, `${way}/endless`).end()
  const response = await responseTo(unread)
  await within(once(response, 'data'), 'the beginning of an endless response')
  unread.destroy()
  t.equal(await pidOfKid(), `200 ${pid}`, 'a client that goes away while it reads')
}

for (const server of [nginx, lighttpd]) {
  const skip = without(server.name)
  if (skip !== false) {
    void t.test(`${server.name} in front of kids`, { skip }, () => {})
    continue
  }
  withServer(
    `${server.name} in front of kids, over a Unix socket and over TCP`,
    (t) => ({ ...options, listen: [`unix:${join(peerDirectory(t), 's')}`, '127.0.0.1:0'] }),
    async (t, served) => {
      const [unix, tcp] = served.server.addresses
      if (unix?.kind !== 'unix' || tcp?.kind !== 'tcp') throw new Error('no such listeners')
      const directory = peerDirectory(t)
      const front = { directory, socket: join(directory, 'h'), unix: unix.path, port: tcp.port }
      const config = join(directory, 'conf')
      writeFileSync(config, server.config(front))
      const peer = startPeer(t, server.name, server.args(config, front))
      try {
        await accepting({ path: front.socket }, peer)
        for (const way of ['/unix', '/tcp'])
          await throughFront(t, served, front.socket, way, server.streams)
      } catch (error) {
        t.comment(peer.said())
        throw error
      } finally {
        await peer.stop()
      }
    },
  )
}
