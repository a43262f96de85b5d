/** What the lab's kids and parent inherit, and the bytes they say to each other; read by both and by who starts them. */

/** Descriptors of a kid; only those that a strategy needs are given. */
export const labFds = { listener: 3, commands: 4, statuses: 5 } as const

/** Descriptors of the lab's parent; from `firstCommand` on the kids' command pipes in order. */
export const parentFds = { listener: 3, statuses: 4, firstCommand: 5 } as const

/** What a kid says: its number (0 to 63) and one of these, in one byte. An order is any byte. */
export const answer = { accepted: 0, nothing: 64, idle: 128 } as const

/** The kid's number in its byte, and what it says. */
export const kidOf = (byte: number): number => byte & 63
export const saidBy = (byte: number): number => byte & 192
