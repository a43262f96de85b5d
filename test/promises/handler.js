// The handler of the promises: what the first bytes ask for is done, and who did it is told.

const nobody = new Int32Array(new SharedArrayBuffer(4))

export default function handle(socket, kid) {
  socket.on('error', () => {})
  socket.once('data', (data) => {
    const [what, id] = String(data).split(' ')
    kid.label(`${what} ${id ?? ''}`)
    if (what === 'b') Atomics.wait(nobody, 0, 0, 50)
    if (what === 'spin') for (;;);
    if (what === 'hold') setTimeout(() => socket.end(`held ${process.pid}`), Number(id))
    else socket.end(`${id ?? ''} ${process.pid}`)
  })
}
