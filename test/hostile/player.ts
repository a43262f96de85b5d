/** Servers whose first kids play scripts, as kid.pl does; the others behave. */

import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import type { PreforkerOptions } from 'preforkd'
import { type Bed, fixture } from '../faults/bed.js'

const player = fileURLToPath(new URL('./kid.pl', import.meta.url))

/** The options of a server whose kids play the scripts in a directory, each the one of its number. */
export function playing(directory: string): PreforkerOptions {
  return { kid: ['perl', player, directory, process.execPath, fixture('kids/behaves.js')] }
}

/** The same, with the scripts of the first kids: lists of deeds. */
export function played(bed: Bed, scripts: readonly (readonly string[])[]): PreforkerOptions {
  const directory = bed.path('scripts')
  mkdirSync(directory)
  scripts.forEach((deeds, i) => {
    writeFileSync(join(directory, String(i + 1)), `${deeds.join('\n')}\n`)
  })
  return playing(directory)
}

/** A deed: writes bytes, given as Latin-1, on the status pipe. */
export function write(text: string): string {
  return `write ${hex(text)}`
}

export function hex(text: string): string {
  return Buffer.from(text, 'latin1').toString('hex')
}
