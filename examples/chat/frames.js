// Part of handler.js, which says what to do after npm run build: the frames of WebSocket (RFC 6455), as far as a chat
// needs them, which is short texts, ping and close.

/** Bytes of one message; who sends more is told to go (1009). */
const longest = 4096

const opcodes = { text: 1, close: 8, ping: 9, pong: 10 }

function encode(opcode, data) {
  const head =
    data.length < 126
      ? [0x80 | opcode, data.length]
      : [0x80 | opcode, 126, data.length >> 8, data.length & 0xff]
  return Buffer.concat([Buffer.from(head), data])
}

/** What a server sends. */
export const frame = {
  text: (text) => encode(opcodes.text, Buffer.from(text)),
  pong: (data) => encode(opcodes.pong, data),
  close: (code, reason) =>
    encode(
      opcodes.close,
      Buffer.concat([Buffer.from([code >> 8, code & 0xff]), Buffer.from(reason)]),
    ),
}

/** Cuts what a client sends into frames, and calls `text`, `ping` and, once, `end` of its ears. */
export class Frames {
  #ears
  #held = Buffer.alloc(0)
  #over = false

  constructor(ears) {
    this.#ears = ears
  }

  take(bytes) {
    if (this.#over) return
    this.#held = Buffer.concat([this.#held, bytes])
    while (!this.#over && this.#takeOne());
  }

  #takeOne() {
    const held = this.#held
    if (held.length < 2) return false
    const [first, second] = held
    const short = second & 0x7f
    const at = short === 126 ? 4 : 2
    if (held.length < at) return false
    const length = short === 126 ? held.readUInt16BE(2) : short
    // Clients mask all they send; and a message in several frames is more than a chat needs.
    if ((first & 0x80) === 0 || (second & 0x80) === 0) return this.#end(1002, 'bad frame')
    if (short === 127 || length > longest) return this.#end(1009, 'too long')
    if (held.length < at + 4 + length) return false
    const mask = held.subarray(at, at + 4)
    const data = Buffer.from(held.subarray(at + 4, at + 4 + length))
    for (let i = 0; i < length; i++) data[i] ^= mask[i % 4]
    this.#held = held.subarray(at + 4 + length)
    const opcode = first & 0x0f
    if (opcode === opcodes.text) this.#ears.text(String(data))
    else if (opcode === opcodes.ping) this.#ears.ping(data)
    else if (opcode === opcodes.close) return this.#end(1000, 'bye')
    else if (opcode !== opcodes.pong) return this.#end(1003, 'texts only')
    return true
  }

  #end(code, reason) {
    this.#over = true
    this.#ears.end(code, reason)
    return false
  }
}
