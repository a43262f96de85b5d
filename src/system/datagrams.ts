/** Sends Unix datagrams, which node:dgram cannot; used to tell the service manager. */

import { binding } from './binding.js'

/** A socket to send from, close-on-exec and non-blocking, or a negated errno. Never throws. */
export function openDatagramSocket(): number {
  return binding.datagramSocket()
}

/**
 * Sends one datagram to a path, or to an abstract name, which begins with a zero byte: the bytes sent, or a negated
 * errno: -EAGAIN when the receiver does not keep up, -ENOENT and -ECONNREFUSED when there is none. Never waits or throws.
 */
export function sendDatagram(fd: number, path: string, bytes: Uint8Array): number {
  return binding.sendTo(fd, path, bytes)
}
