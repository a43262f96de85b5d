// Says who calls, though HAProxy is in between. After npm run build:
//
//   node dist/cli/main.js --handler examples/proxy-protocol/handler.js --proxy-protocol required
//   haproxy -db -f examples/proxy-protocol/haproxy.cfg
//
// and from other terminals, in bash, by way of HAProxy and past it:
//
//   cat < /dev/tcp/127.0.0.1/8080
//   cat < /dev/tcp/127.0.0.1/8000
//
// The second client is closed after 5 s without a word: it sends no header.

/** @type {import('preforkd').Handler} */
export default function handle(socket) {
  const { remoteAddress, remotePort, localAddress, localPort } = socket
  socket.end(`${remoteAddress} port ${remotePort} has called ${localAddress} port ${localPort}\n`)
}
