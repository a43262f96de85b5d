// A handler that takes its time. In bash, after npm run build, start one kid:
//
//   node dist/cli/main.js --handler examples/slow/handler.js --kids 1 \
//     --shed-after 1s --overload-reply 'busy, come back later\n'
//
// and connect three clients from another terminal:
//
//   for i in 1 2 3; do cat < /dev/tcp/127.0.0.1/8000 & done; wait
//
// The first is answered after 3 s, the other two are told after about 1 s that the server is busy. The log says when
// the overload begins and ends. Without --shed-after the two wait in the kernel's queue and are served one by one.

import { setTimeout as delay } from 'node:timers/promises'

const took = Number(process.env.SLOW_MS ?? 3000)

/** @type {import('preforkd').Handler} */
export default async function handle(socket, kid) {
  kid.label(`takes ${took} ms`)
  await delay(took)
  socket.end(`kid ${kid.number} took ${took} ms\n`)
}
