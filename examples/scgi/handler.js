// An SCGI application, and nginx in front of it. After npm run build:
//
//   node dist/cli/main.js --protocol scgi --handler examples/scgi/handler.js \
//     --listen unix:/tmp/preforkd-scgi.sock
//   nginx -p /tmp -c "$PWD/examples/scgi/nginx.conf"
//
// and from another terminal:
//
//   curl http://127.0.0.1:8080/env
//   curl --data-binary @README.md http://127.0.0.1:8080/upper

import { Transform } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import { listParameters, produceCgiLike } from 'preforkd/scgi'

const notFound = produceCgiLike((env) => ({ status: 404, body: `no ${env.DOCUMENT_URI}\n` }))

/** Sends the body back in capitals, as it comes. */
async function upper(body, out) {
  out.write('Status: 200 OK\r\nContent-Type: text/plain\r\n\r\n')
  const capitals = new Transform({
    transform: (piece, _, done) => done(null, piece.toString('latin1').toUpperCase()),
  })
  await pipeline(body, capitals, out)
}

/** @type {import('preforkd/scgi').Produce} */
export default function produce(env, body, out, kid) {
  kid.label(`${env.REQUEST_METHOD} ${env.REQUEST_URI}`)
  if (env.DOCUMENT_URI === '/env') return listParameters(env, body, out, kid)
  if (env.DOCUMENT_URI === '/upper') return upper(body, out)
  return notFound(env, body, out, kid)
}
