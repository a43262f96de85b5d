/** `preforkd --watch`: tells when a file beside the handler, or the configuration file, has changed. */

import { type FSWatcher, readdirSync, watch } from 'node:fs'
import { basename, dirname, join, sep } from 'node:path'

/** How long, in milliseconds, nothing may change any more before it is told: an editor changes several files at once. */
const quiet = 100
/** Directories watched at most: each costs one of the user's inotify watches. */
const mostDirectories = 1_000

export interface WatchWishes {
  /** Everything below it counts, but for node_modules and whatever begins with a dot. */
  readonly directory: string | undefined
  /** Files that count wherever they are. */
  readonly files: readonly string[]
  /** Files that never count: those that the server itself writes. */
  readonly except: readonly string[]
}

/**
 * Watches one directory a time: fs.watch's own recursion walks into node_modules. Editors replace files, so the
 * directories of single files are watched, not the files.
 */
export class Watching {
  readonly #wishes: WatchWishes
  readonly #changed: (path: string) => void
  readonly #watchers = new Map<string, FSWatcher>()
  #timer: NodeJS.Timeout | undefined
  #first = ''

  /** `changed` is told the first path of each bunch of changes. */
  constructor(wishes: WatchWishes, changed: (path: string) => void) {
    this.#wishes = wishes
    this.#changed = changed
    for (const file of wishes.files) this.#watch(dirname(file))
    if (wishes.directory !== undefined) this.#watchTree(wishes.directory)
  }

  /** How many directories are watched. */
  get directories(): number {
    return this.#watchers.size
  }

  /** Ends it. Returns whether something has changed that was not told any more. */
  close(): boolean {
    const untold = this.#timer !== undefined
    clearTimeout(this.#timer)
    for (const watcher of this.#watchers.values()) watcher.close()
    this.#watchers.clear()
    return untold
  }

  #watchTree(directory: string): void {
    if (this.#watchers.size >= mostDirectories) return
    this.#watch(directory)
    let entries: import('node:fs').Dirent[]
    try {
      entries = readdirSync(directory, { withFileTypes: true })
    } catch {
      // It has gone while we looked.
      return
    }
    for (const entry of entries) {
      if (entry.isDirectory() && !isLeftOut(entry.name)) {
        this.#watchTree(join(directory, entry.name))
      }
    }
  }

  #watch(directory: string): void {
    if (this.#watchers.has(directory)) return
    let watcher: FSWatcher
    try {
      watcher = watch(directory, (_, name) => this.#onEvent(directory, name))
    } catch {
      // Gone, or too many watches: a tool for developing goes on without.
      return
    }
    watcher.on('error', () => this.#forget(directory))
    this.#watchers.set(directory, watcher)
  }

  #onEvent(directory: string, name: string | null): void {
    const path = name === null ? directory : join(directory, name)
    if (!this.#counts(path)) return
    // A new directory, whose files would otherwise change unseen; of a file nothing comes of it.
    if (this.#isBelow(path)) this.#watchTreeIfNew(path)
    if (this.#timer === undefined) this.#first = path
    clearTimeout(this.#timer)
    this.#timer = setTimeout(() => {
      this.#timer = undefined
      this.#changed(this.#first)
    }, quiet)
  }

  #counts(path: string): boolean {
    const { files, except } = this.#wishes
    if (files.includes(path)) return true
    return this.#isBelow(path) && !except.includes(path)
  }

  #isBelow(path: string): boolean {
    const { directory } = this.#wishes
    if (directory === undefined || !path.startsWith(directory + sep)) return false
    return !path
      .slice(directory.length + 1)
      .split(sep)
      .some(isLeftOut)
  }

  #watchTreeIfNew(path: string): void {
    let isDirectory = false
    try {
      readdirSync(path)
      isDirectory = true
    } catch {
      // A file, or gone; a directory that has gone ends its own watch.
      this.#forget(path)
    }
    if (isDirectory) this.#watchTree(path)
  }

  #forget(directory: string): void {
    this.#watchers.get(directory)?.close()
    this.#watchers.delete(directory)
  }
}

function isLeftOut(name: string): boolean {
  return name === 'node_modules' || basename(name).startsWith('.')
}
