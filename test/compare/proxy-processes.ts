/** Starts nginx and HAProxy in front of a server, with short idle times or their own; used by the bench of proxies. */

import type { ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { connect, createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as pause } from 'node:timers/promises'
import pTimeout from 'p-timeout'
import { startBound } from './bound.js'

export type ProxyName = 'nginx' | 'haproxy'

/** How its connections to the server are kept. */
export interface Keeping {
  /** Idle ones at most, of nginx; HAProxy has no such number. */
  readonly connections: number
  /** How long an idle one is kept: a time of the proxy's, or its default. */
  readonly idle: string | undefined
}

export interface Front {
  readonly port: number
  /** Lines of its log that tell of trouble with the server. */
  troubles(): number
  stop(): Promise<void>
}

/** How long, in milliseconds, it may take to start or to stop. */
const patience = 10_000
/** Between two looks, in milliseconds, at whether it listens. */
const beat = 20

/** @throws Error when it does not start */
export async function startProxy(name: ProxyName, to: number, keeping: Keeping): Promise<Front> {
  const folder = mkdtempSync(join(tmpdir(), 'preforkd-proxy-'))
  const port = await freePort()
  const file = join(folder, 'proxy.conf')
  const conf = name === 'nginx' ? nginx(folder, port, to, keeping) : haproxy(port, to, keeping)
  writeFileSync(file, conf)
  const words = name === 'nginx' ? ['-c', file, '-p', folder] : ['-db', '-f', file]
  // Where distributions put them is not in everybody's path.
  const env = { PATH: `${process.env.PATH}:/usr/sbin:/usr/local/sbin` }
  const started = startBound(name, words, env, ['ignore', 'pipe'])
  let said = ''
  started.stderr?.setEncoding('utf8').on('data', (text: string) => {
    said = (said + text).slice(-2_000)
  })
  const stop = async () => {
    try {
      await end(started)
    } finally {
      rmSync(folder, { recursive: true, force: true })
    }
  }
  try {
    await listens(started, port)
  } catch (error) {
    await stop()
    throw new Error(`${name} did not start: ${said.trim() || (error as Error).message}`)
  }
  const troubles = () => (name === 'nginx' ? troublesIn(join(folder, 'error.log')) : 0)
  return { port, troubles, stop }
}

function nginx(folder: string, port: number, to: number, { connections, idle }: Keeping): string {
  const places = ['client_body', 'proxy', 'fastcgi', 'uwsgi', 'scgi']
  return `daemon off;
master_process off;
pid ${join(folder, 'pid')};
error_log ${join(folder, 'error.log')} error;
events { worker_connections 512; }
http {
  access_log off;
  ${places.map((name) => `${name}_temp_path ${join(folder, name)};`).join('\n  ')}
  upstream app {
    server 127.0.0.1:${to};
    keepalive ${connections};
    ${idle === undefined ? '' : `keepalive_timeout ${idle};`}
  }
  server {
    listen 127.0.0.1:${port};
    location / {
      proxy_pass http://app;
      proxy_http_version 1.1;
      proxy_set_header Connection "";
      proxy_set_header Host $host;
    }
  }
}
`
}

function haproxy(port: number, to: number, { idle }: Keeping): string {
  return `global
  maxconn 512
defaults
  mode http
  timeout connect 5s
  timeout client 30s
  timeout server 30s
frontend web
  bind 127.0.0.1:${port}
  default_backend app
backend app
  http-reuse always
  server app 127.0.0.1:${to}${idle === undefined ? '' : ` pool-purge-delay ${idle}`}
`
}

/** A port that was free a moment ago. */
async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as { port: number }
  server.close()
  await once(server, 'close')
  return port
}

async function listens(started: ChildProcess, port: number): Promise<void> {
  const deadline = performance.now() + patience
  for (;;) {
    const socket = connect(port, '127.0.0.1')
    try {
      await once(socket, 'connect')
      return
    } catch (error) {
      const over = started.exitCode !== null || started.pid === undefined
      if (over || performance.now() > deadline) throw error
      await pause(beat)
    } finally {
      socket.destroy()
    }
  }
}

async function end(started: ChildProcess): Promise<void> {
  if (started.pid === undefined || started.exitCode !== null || started.signalCode !== null) return
  const exit = once(started, 'exit')
  started.kill('SIGTERM')
  try {
    await pTimeout(exit, { milliseconds: patience })
  } finally {
    started.kill('SIGKILL')
  }
}

function troublesIn(log: string): number {
  return readFileSync(log, 'latin1').split('\n').filter(Boolean).length
}
