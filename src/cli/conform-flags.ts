/** The flags of `preforkd conform`, as commander has them; their values stay text until `conform.ts` reads them. */

import { Command } from 'commander'
import { formatDuration } from '../durations.js'
import { UsageError } from '../errors.js'
import { defaults } from '../option-checks.js'

/** What is said where a flag is not given. */
export const conformDefaults = {
  // Nearly every protocol has lines.
  send: 'conform\\n',
  doneTimeout: '5s',
} as const

/** The subcommand; `onTexts` gets the flags given, as text, by their names in camelCase. */
export function conformCommand(onTexts: (texts: Record<string, string>) => void): Command {
  const { protocol, slots, readyTimeout, acceptTimeout } = defaults
  // biome-ignore format: one a line
  const flags: readonly (readonly [flag: string, meaning: string, standard?: string])[] = [
    ['--kid <COMMAND>', 'Shell command that is a kid, as for preforkd --kid.'],
    ['--handler <FILE>', 'Instead of --kid: our own kid, with this handler.'],
    ['--protocol <tcp|http|scgi>', 'With --handler: what it speaks.', protocol],
    ['--slots <N>', 'With --handler: connections the kid takes at once.', `${slots}`],
    ['--send <TEXT>', 'What a client says before it ends its half of the connection.', conformDefaults.send],
    ['--ready-timeout <TIME>', 'From the start of a kid to its first line.', formatDuration(readyTimeout)],
    ['--accept-timeout <TIME>', 'From an order to its answer.', formatDuration(acceptTimeout)],
    ['--done-timeout <TIME>', "From a client's last word to the end of its connection, and from leave to the end of the kid.", conformDefaults.doneTimeout],
    ['--only <TEXT>', 'Try only the cases with this in their titles.'],
  ]
  const command = new Command('conform')
    .description('Try whether a kid keeps to the protocol: a line for each case.')
    .usage('--kid COMMAND [options]')
    .helpOption('--help', 'Print this help.')
  for (const [flag, meaning, standard] of flags) {
    command.option(flag, standard === undefined ? meaning : `${meaning} (default: ${standard})`)
  }
  return command
    .addHelpText(
      'after',
      `
Each kid is started as a server would start it, with two listeners of its own on loopback, and
driven through every case of the protocol; a line says whether it has passed, or what was
expected and what came. TIME has a unit: 500ms, 5s; in TEXT \\r, \\n, \\t and \\\\ are understood.
The exit code is 0 when every case has passed, 1 when one has failed, 2 for wrong usage.`,
    )
    .action((texts: Record<string, string>, { args }: Command) => {
      const [stray] = args
      if (stray === undefined) return onTexts(texts)
      const quoted = texts.kid === undefined ? 'COMMAND' : `${texts.kid} ${args.join(' ')}`
      throw new UsageError(
        `unexpected argument ${JSON.stringify(stray)}: a command with arguments needs quotes, as in --kid '${quoted}'`,
      )
    })
}
