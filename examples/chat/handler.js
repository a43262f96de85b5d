// A chat over WebSocket: long connections that take no slot. After npm run build:
//
//   node dist/cli/main.js --handler examples/chat/handler.js --protocol http --kids 1
//
// and open http://127.0.0.1:8000/ in two windows of a browser. One kid with one slot serves them all, because each
// connection detaches itself once it is a WebSocket. It is one kid because the room is in its memory; with several
// there would be as many rooms. On SIGTERM everybody is told, and the kid leaves when the last has gone.

import { createHash } from 'node:crypto'
import { Frames, frame } from './frames.js'

const page = `<!doctype html><meta charset="utf-8"><title>chat</title>
<input id="say" autofocus placeholder="say something"><ul id="said"></ul>
<script>
const socket = new WebSocket('ws://' + location.host + '/')
const show = (text) => said.append(Object.assign(document.createElement('li'), { textContent: text }))
socket.onmessage = ({ data }) => show(data)
socket.onclose = ({ reason }) => show('the server says goodbye: ' + reason)
say.onchange = () => { socket.send(say.value); say.value = '' }
</script>`

/** Whoever is in the room takes this much at most of what is not sent yet, in bytes; who reads no faster is dropped. */
const patience = 65_536

const room = new Set()
let guests = 0

/** @type {import('node:http').RequestListener} */
export default function handle(request, response) {
  const found = request.url === '/'
  response.writeHead(found ? 200 : 404, { 'Content-Type': 'text/html' })
  response.end(found ? page : 'not here')
}

/** @type {import('preforkd/http').Upgrade} */
export function upgrade(request, socket, head, kid) {
  const key = request.headers['sec-websocket-key'] ?? ''
  const accept = createHash('sha1').update(`${key}258EAFA5-E914-47DA-95CA-C5AB0DC85B11`)
  socket.write(
    'HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n' +
      `Sec-WebSocket-Accept: ${accept.digest('base64')}\r\n\r\n`,
  )
  const guest = { name: `guest ${++guests}`, socket, said: 0 }
  kid.detach(socket, {
    status: () => `${guest.name}, ${guest.said} said`,
    terminate: (reason) => socket.end(frame.close(1001, reason)),
  })
  room.add(guest)
  socket.once('close', () => {
    room.delete(guest)
    tell(`${guest.name} has left`)
  })
  const frames = new Frames({
    text: (text) => {
      guest.said++
      tell(`${guest.name}: ${text}`)
    },
    ping: (data) => socket.write(frame.pong(data)),
    end: (code, reason) => socket.end(frame.close(code, reason)),
  })
  socket.on('data', (bytes) => frames.take(bytes))
  frames.take(head)
  tell(`${guest.name} is here`)
}

function tell(text) {
  for (const { socket } of room) {
    if (socket.writableLength > patience) socket.destroy()
    else if (!socket.writableEnded) socket.write(frame.text(text))
  }
}
