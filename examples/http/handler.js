// An HTTP app with a fast page and one that blocks its kid. In bash, after npm run build:
//
//   node dist/cli/main.js --protocol http --handler examples/http/handler.js --kids 4
//
// and from another terminal:
//
//   for i in 1 2 3; do curl -s http://127.0.0.1:8000/slow & done; curl http://127.0.0.1:8000/fast; wait
//
// Three kids are blocked, and /fast is answered at once by the fourth.

import { kidOf } from 'preforkd/http'

const took = Number(process.env.SLOW_MS ?? 1000)
const nobody = new Int32Array(new SharedArrayBuffer(4))

/** @type {import('node:http').RequestListener} */
export default function app(request, response) {
  const kid = kidOf(request)
  kid.label(`${request.method} ${request.url}`)
  response.setHeader('Content-Type', 'text/plain')
  if (request.url === '/slow') {
    // Stands for what blocks: a synchronous computation, a template, a query without callbacks.
    Atomics.wait(nobody, 0, 0, took)
    response.end(`kid ${kid.number} has slept for ${took} ms\n`)
  } else if (request.url === '/fast') {
    response.end(`kid ${kid.number} is quick\n`)
  } else {
    response.statusCode = 404
    response.end('there are /fast and /slow\n')
  }
}
