/** The flags of `preforkd herd`, as commander has them; their values stay text until `herd.ts` reads them. */

import { Command } from 'commander'
import { UsageError } from '../errors.js'
import { type LabTexts, labDefaults, quickDefaults } from '../herd/lab-options.js'
import { shapes } from '../herd/shapes.js'
import { strategies } from '../herd/strategies.js'

/** The flags given. */
export type HerdTexts = LabTexts & { readonly out?: string }

/** The subcommand; `onTexts` gets the flags given. */
export function herdCommand(onTexts: (texts: HerdTexts) => void): Command {
  const standard = (name: keyof typeof quickDefaults) =>
    `(default: ${labDefaults[name]}; with --quick: ${quickDefaults[name]})`
  // biome-ignore format: one a line
  const flags: readonly (readonly [flag: string, meaning: string])[] = [
    ['--strategies <NAMES>', 'Which to compare, separated by commas (default: all that can be had here).'],
    ['--shapes <NAMES>', `Under which loads (default: all; with --quick: ${quickDefaults.shapes}).`],
    ['--kids <NUMBERS>', `With how many kids, 1 to 64, for each shape but sweep ${standard('kids')}.`],
    ['--rounds <N>', `How often, each time in another order ${standard('rounds')}.`],
    ['--seconds <N>', `How long each measurement takes ${standard('seconds')}.`],
    ['--clients <N>', `For saturate: connections open at once (default: ${labDefaults.clients}).`],
    ['--rate <N>', `For open and stall: connections a second (default: ${labDefaults.rate}).`],
    ['--seed <N>', 'Of orders and arrivals (default: a random one, which is printed).'],
    ['--out <DIR>', 'Where to write results.jsonl, report.html and plots; none are written without.'],
    ['--quick', 'A first look: ends within a minute.'],
  ]
  const command = new Command('herd')
    .description('Measure ways for kids to share a listener: whom they wake, and what it costs.')
    .usage('[options]')
    .helpOption('--help', 'Print this help.')
  for (const [flag, meaning] of flags) command.option(flag, meaning)
  return command
    .addHelpText(
      'after',
      `
Strategies (those with Node.js around the connection come last):
${listed(strategies)}

Shapes of load:
${listed(shapes)}

Each strategy runs with the same kids, and they are measured in turns; figures are medians of the
rounds with their range. Everything is on loopback and on this machine: Linux only. Progress goes to
standard error; interrupted (Ctrl-C), it prints and writes what it has.`,
    )
    .action((texts: HerdTexts, { args }: Command) => {
      const [stray] = args
      if (stray === undefined) return onTexts(texts)
      throw new UsageError(
        `unexpected argument ${JSON.stringify(stray)}: what to measure is given by flags, as in --strategies accept,poll`,
      )
    })
}

function listed(rows: readonly { readonly name: string; readonly meaning: string }[]): string {
  const width = Math.max(...rows.map(({ name }) => name.length))
  return rows.map(({ name, meaning }) => `  ${name.padEnd(width)}  ${meaning}`).join('\n')
}
