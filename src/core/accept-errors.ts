/** What a failed accept means; used by the kid for its own accepts and by the parent for what kids report and for shedding. */

/**
 * What to do about an accept that failed:
 * - `nothing`: the queue is empty, or the connection was withdrawn; normal, costs nobody anything;
 * - `kid`: this kid is short of something of its own (descriptors): it leaves and is replaced;
 * - `system`: the whole system is short of something: the listener rests for a while;
 * - `listener`: what the kid holds is no listening socket any more: the kid is killed.
 */
export type AcceptErrorClass = 'nothing' | 'kid' | 'system' | 'listener'

/*
 * The network errors are those accept(2) on Linux says to treat like EAGAIN, because it passes on what was pending on the
 * new socket. EPERM is a firewall's refusal. ECONNABORTED is what other systems say of a client that has gone.
 */
const classes: Record<string, AcceptErrorClass> = {
  EAGAIN: 'nothing',
  EWOULDBLOCK: 'nothing',
  EINTR: 'nothing',
  ECONNABORTED: 'nothing',
  ECONNRESET: 'nothing',
  EPROTO: 'nothing',
  EPERM: 'nothing',
  ENETDOWN: 'nothing',
  ENETUNREACH: 'nothing',
  EHOSTDOWN: 'nothing',
  EHOSTUNREACH: 'nothing',
  ENONET: 'nothing',
  ENOPROTOOPT: 'nothing',
  EOPNOTSUPP: 'nothing',
  ETIMEDOUT: 'nothing',
  EMFILE: 'kid',
  ENFILE: 'system',
  ENOBUFS: 'system',
  ENOMEM: 'system',
  EBADF: 'listener',
  EINVAL: 'listener',
  ENOTSOCK: 'listener',
}

/** The class of an errno's name. An unknown one counts as `system`: rest and say so, but harm no kid for it. */
export function classOfAcceptError(code: string): AcceptErrorClass {
  return classes[code] ?? 'system'
}

/** Whether another accept may be tried at once: the failure concerned one connection, not the queue. */
export function mayAcceptAgain(code: string): boolean {
  return classes[code] === 'nothing' && code !== 'EAGAIN' && code !== 'EWOULDBLOCK'
}
