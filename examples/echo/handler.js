// An echo server: npm start, then in another terminal: nc 127.0.0.1 8000
// What you type comes back, and the first line tells which kid it was.

/** @type {import('preforkd').Handler} */
export default function handle(socket, kid) {
  kid.label(`echo for ${socket.remoteAddress}`)
  socket.write(`kid ${kid.number} (pid ${process.pid}) echoes\n`)
  socket.pipe(socket)
}
