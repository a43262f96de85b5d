/** The socket of an accepted connection, which handlers get: Node.js's, which tells how it ends whatever its listeners do. */

import { Socket } from 'node:net'

/** Who is told how a socket ends. Not by listeners: programs take those away (smtp-server does, at STARTTLS). */
export interface SocketEars {
  /** Our side was ended: nothing more will be written. May be told more than once. */
  ended(): void
  /** The client has ended its side, and all was read. Told before anybody else is. */
  clientEnded(): void
  /** All that was written is the kernel's, and so is the end. */
  finished(): void
  /** It failed, and nobody listens for that. */
  failed(error: Error): void
  /** It has closed, and all listeners for that were told. */
  closed(): void
}

/**
 * A `net.Socket` on an accepted descriptor, which belongs to it from now on. It behaves as any other, but that
 * - the error of a connection that its client has reset has a stack of one line: what would follow names functions of
 *   Node.js's alone, and to write it down takes a kid some 9 us. Load balancers that look whether a server is there end
 *   connections so;
 * - an error that nobody listens for is told to `ears` and is no uncaught exception;
 * - `destroySoon` ends our side and drops what still comes, so that the client's unread bytes do not reset the
 *   connection and take the answer with them. `ears` bound that; without them it is as in Node.js.
 *
 * Throws what `net.Socket` throws: ERR_INVALID_FD_TYPE for a descriptor that is neither a socket nor a pipe.
 */
export class ConnectionSocket extends Socket {
  /** Its descriptor. It may be somebody else's once the socket is destroyed. */
  readonly fd: number
  ears: SocketEars | undefined
  /** The client has ended its side; what it sent before that may still be unread. */
  clientHasEnded = false
  /** What the end of the client's side means; a protocol that knows better says so here. */
  halfOpen: 'auto' | 'on' | 'off' = 'off'
  /** How many bytes may still come and be dropped; undefined while what comes is not dropped. */
  mayDrop: number | undefined
  /** Whether nothing more is to be expected of the client after our end: then `destroySoon` need not wait for it. */
  expectsNothing = false

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
    this.fd = fd
  }

  /** Whether anybody reads from it: a listener, a pipe, an iterator, a parser. */
  get isRead(): boolean {
    return this.listenerCount('data') > 0 || this.listenerCount('readable') > 0
  }

  /** Reads no more for anybody: what comes is dropped, at most so many bytes, and then reading stops. */
  dropRest(most: number): void {
    this.mayDrop = most
    // An HTTP parser reads past the stream, and gives the stream back when somebody listens.
    this.on('data', nothing)
    this.removeAllListeners('data')
    this.removeAllListeners('readable')
    this.resume()
  }

  // Node.js's own streams hand a callback along that is not documented.
  override destroy(...given: Parameters<Socket['destroy']>): this {
    const [error] = given
    if (isReset(error)) error.stack = `${error.name}: ${error.message}`
    // What the system says of a connection: its client is not there any more.
    if ((error as NodeJS.ErrnoException | undefined)?.syscall !== undefined)
      this.clientHasEnded = true
    return super.destroy(...given)
  }

  // biome-ignore lint/suspicious/noExplicitAny: of all its forms, each goes on as it came
  override end(...given: any[]): this {
    const isLate = this.destroyed || this.writableEnded
    super.end(...given)
    // Node.js drops it without a word.
    if (isLate && typeof given[0] !== 'function' && given[0] != null) {
      this.ears?.failed(new Error('an answer was lost: the connection had ended'))
    }
    this.ears?.ended()
    return this
  }

  override destroySoon(): void {
    if (this.ears === undefined || this.expectsNothing) super.destroySoon()
    else {
      if (this.mayDrop === undefined) this.dropRest(Number.POSITIVE_INFINITY)
      this.end()
    }
  }

  /** Node.js does it by way of `destroySoon`. */
  override resetAndDestroy(): this {
    this.expectsNothing = true
    return super.resetAndDestroy()
  }

  override push(chunk: unknown, encoding?: BufferEncoding): boolean {
    if (chunk === null) this.clientHasEnded = true
    else if (this.mayDrop !== undefined) {
      this.mayDrop -= (chunk as Uint8Array).length
      if (this.mayDrop < 0) this.pause()
    }
    return super.push(chunk, encoding)
  }

  // biome-ignore lint/suspicious/noExplicitAny: events of all sorts pass here
  override emit(event: string | symbol, ...given: any[]): boolean {
    if (event === 'error' && this.ears !== undefined && this.listenerCount('error') === 0) {
      this.ears.failed(given[0])
      return false
    }
    if (event === 'end') this.ears?.clientEnded()
    const heard = super.emit(event as 'close', ...(given as [boolean]))
    if (event === 'close') this.ears?.closed()
    else if (event === 'finish') this.ears?.finished()
    return heard
  }
}

function nothing(): void {}

/** A reset found on reading, as Node.js tells it: nobody called who could be looked for in a stack, nobody has added to it. */
function isReset(error: NodeJS.ErrnoException | undefined): error is NodeJS.ErrnoException {
  return error?.code === 'ECONNRESET' && error.syscall === 'read' && Object.keys(error).length === 3
}
