/** Opening files that a privileged parent writes where others may have put something: no links, nothing but files. */

import { accessSync, closeSync, constants, fstatSync, lstatSync, openSync } from 'node:fs'
import { dirname } from 'node:path'
import { UsageError } from '../errors.js'

/**
 * Opens a file for a parent that may be root: no symbolic link at its end, nothing but a regular file, and no second
 * name by which somebody could have made it stand for another's file. Close-on-exec, as all that Node opens.
 * @param what the file in the sentence, such as 'logFile /var/log/p.log'
 * @throws UsageError with the reason
 */
export function openSafely(path: string, flags: number, what: string): number {
  // Non-blocking: a FIFO would wait for a reader for ever. Regular files take no notice.
  const safe = constants.O_NOFOLLOW | constants.O_NONBLOCK
  let fd: number
  try {
    fd = openSync(path, flags | safe, 0o640)
  } catch (error) {
    throw new UsageError(`${what} cannot be used: ${why((error as NodeJS.ErrnoException).code)}`)
  }
  const stats = fstatSync(fd)
  const reason = !stats.isFile()
    ? 'it is not a regular file'
    : stats.nlink > 1
      ? `it has ${stats.nlink} names (hard links)`
      : undefined
  if (reason === undefined) return fd
  closeSync(fd)
  throw new UsageError(`${what} cannot be used: ${reason}`)
}

/** Whether `openSafely` could create the file or open it, without doing so. @throws UsageError with the reason */
export function checkSafely(path: string, flags: number, what: string): void {
  try {
    if (lstatSync(path, { throwIfNoEntry: false }) === undefined) {
      accessSync(dirname(path), constants.W_OK | constants.X_OK)
      return
    }
  } catch (error) {
    throw new UsageError(`${what} cannot be used: ${why((error as NodeJS.ErrnoException).code)}`)
  }
  closeSync(openSafely(path, flags & ~constants.O_CREAT, what))
}

/** The reasons that users meet, in words. */
function why(code: string | undefined): string {
  switch (code) {
    case 'ELOOP':
    case 'EMLINK': // FreeBSD's word for it
      return 'it is a symbolic link'
    case 'EISDIR':
      return 'it is a directory'
    case 'ENXIO': // a FIFO without a reader, or a socket
      return 'it is not a regular file'
    case 'ENOENT':
      return 'its directory does not exist'
    case 'ENOTDIR':
      return 'what should be its directory is none'
    case 'EACCES':
    case 'EPERM':
      return 'permission is denied'
    case 'EROFS':
      return 'its file system is read-only'
    default:
      return code ?? 'unknown reason'
  }
}
