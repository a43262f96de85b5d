/** The slot of a connection, as a protocol with connections that are kept alive sees it; found on the `kid` it is given. */

/** Known to every copy of this package: an app may import another than the kid runs. */
export const slotOfKid = Symbol.for('preforkd.slot')

/** What such a protocol tells of one connection, and asks for it. */
export interface Slot {
  /** Its slot is free: the connection waits for its client. `isNew` while that has not sent a whole request. */
  park(isNew: boolean): void
  /**
   * A request has come, which needs a slot: true where there is one, where it has never left its own, and
   * where it needs none any more, being detached. Otherwise
   * `begin` is called when it is its turn, unless the connection closes before that.
   */
  resume(begin: () => void): boolean
  /** It lives on without a slot: no limit is its protocol's any more. */
  readonly isDetached: boolean
  /** How long, in milliseconds, a request may wait for a slot; undefined for as long as it takes. */
  readonly patience: number | undefined
  /** It waits for a slot no more. */
  giveUp(): void
  /** Its client has gone with a request unanswered. */
  clientGone(): void
  /**
   * Set by the protocol: whether an app is at work for it. A connection that is complete meanwhile, since its client has
   * gone, keeps its slot for so long, but no longer than a second.
   */
  isAtWork: (() => boolean) | undefined
  /** Its end is the work of a limit: counted so. */
  cut(): void
  /** The app has held up the process for so many milliseconds. */
  heldUp(milliseconds: number): void
  /**
   * Whether its response should be announced as the last: many connections are parked, or others have had room while its
   * request waited.
   */
  readonly shouldEnd: boolean
  /** Called when what is parked must end at once; and when so many too many are parked. */
  onUnpark(listener: () => void): void
  onCrowd(listener: (excess: number) => void): void
}

/** The slot of a kid's connection; undefined where the kid keeps no such books. */
export function slotOf(kid: object): Slot | undefined {
  return (kid as { [slotOfKid]?: Slot })[slotOfKid]
}
