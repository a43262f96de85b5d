/** Writes the report and its plots into a directory; `preforkd herd --out` and `preforkd herd report` do. */

import { mkdirSync, readdirSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { SystemError, UsageError } from '../../errors.js'
import type { ResultLine, RunLine } from '../results.js'
import { svgOf } from './plot.js'
import { plotsOf } from './plots.js'
import { reportOf } from './report.js'

/** What our plots are called, with the shapes, strategies and numbers of any run. */
const ours = /^(switches|timeline|latency|cost|drain|queue-depth|shares|lorenz)-[a-z0-9-]+\.svg$/

/**
 * Writes `report.html`, and each plot as a file in `plots`, where those of an earlier run go. Makes the directory where
 * there is none. The first line is the run. Gives the path of the page.
 * @throws UsageError when there can be no such directory, SystemError when it cannot be written
 */
export function writeReport(directory: string, lines: readonly [RunLine, ...ResultLine[]]): string {
  const plots = join(directory, 'plots')
  try {
    mkdirSync(plots, { recursive: true })
  } catch (error) {
    throw new UsageError(`cannot make the directory ${directory}: ${codeOf(error)}`)
  }
  const page = join(directory, 'report.html')
  try {
    for (const old of readdirSync(plots)) if (ours.test(old)) rmSync(join(plots, old))
    for (const { plots: group } of plotsOf(lines)) {
      for (const [file, plot] of group) writeFileSync(join(plots, `${file}.svg`), svgOf(plot, true))
    }
    // Whoever looks at the page meanwhile sees the old one or the new one.
    writeFileSync(`${page}.new`, reportOf(lines))
    renameSync(`${page}.new`, page)
  } catch (error) {
    throw new SystemError('writing the report', codeOf(error), directory)
  }
  return page
}

function codeOf(error: unknown): string {
  return (error as NodeJS.ErrnoException).code ?? String(error)
}
