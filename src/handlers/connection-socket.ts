/** The socket of an accepted connection, which handlers get: Node.js's, spared two things that take a quarter of a kid's CPU. */

import { Socket } from 'node:net'

/**
 * A `net.Socket` on an accepted descriptor, which belongs to it from now on. It behaves as any other, but that the error of
 * a connection that its client has reset has a stack of one line: what would follow names functions of Node.js's alone,
 * and to write it down takes a kid some 9 us. Load balancers that look whether a server is there end connections so.
 *
 * Throws what `net.Socket` throws: ERR_INVALID_FD_TYPE for a descriptor that is neither a socket nor a pipe.
 */
export class ConnectionSocket extends Socket {
  constructor(fd: number) {
    /*
     * The last four are what Node.js writes into its copy of these options in any case. Where it has to add them, each copy
     * gets a hidden class of its own, and V8 looks up each of the twenty options it is then asked for in its slow paths: 33
     * us more for a connection (Node.js 20). Should a later Node.js heed them, `emitClose` would have to go; test/handlers
     * waits for 'close' and would tell.
     */
    const options = {
      fd,
      readable: true,
      writable: true,
      allowHalfOpen: false,
      emitClose: false,
      autoDestroy: true,
      decodeStrings: false,
    }
    super(options)
  }

  // Node.js's own streams hand a callback along that is not documented.
  override destroy(...given: Parameters<Socket['destroy']>): this {
    const [error] = given
    if (isReset(error)) error.stack = `${error.name}: ${error.message}`
    return super.destroy(...given)
  }
}

/** A reset found on reading, as Node.js tells it: nobody called who could be looked for in a stack, nobody has added to it. */
function isReset(error: NodeJS.ErrnoException | undefined): error is NodeJS.ErrnoException {
  return error?.code === 'ECONNRESET' && error.syscall === 'read' && Object.keys(error).length === 3
}
