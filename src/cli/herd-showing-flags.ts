/** The flags of `preforkd herd report` and `preforkd herd watch`; values stay text until `herd-showing.ts` reads them. */

import { Command } from 'commander'
import { UsageError } from '../errors.js'

/** What is to be shown. */
export type Showing =
  | { readonly show: 'report'; readonly file: string; readonly out?: string | undefined }
  | { readonly show: 'watch'; readonly pid: string; readonly seconds?: string | undefined }

/** Both subcommands of `herd`; `onShowing` gets what is asked. */
export function showingCommands(onShowing: (showing: Showing) => void): Command[] {
  const report = new Command('report')
    .description('Draw the report of a run again, from its results.jsonl.')
    .usage('FILE.jsonl [--out DIR]')
    .helpOption('--help', 'Print this help.')
    .argument('[FILE]')
    .option('--out <DIR>', 'Where to write report.html and plots (default: beside the file).')
    .action((file: string | undefined, { out }: { out?: string }, { args }: Command) => {
      onShowing({ show: 'report', file: only(file, args, 'report', 'the file of a run'), out })
    })
  const watch = new Command('watch')
    .description('Look at a running server once a second: what its kids do, and its queues.')
    .usage('PID [--seconds N]')
    .helpOption('--help', 'Print this help.')
    .argument('[PID]')
    .option('--seconds <N>', 'End after so many (default: at SIGINT).')
    .addHelpText(
      'after',
      `
PID is the parent of a server of any kind. Its kids are its children or, where it has one child only,
the children of that. vol/s and invol/s are context switches a second: those a kid asked for by
waiting, which is each time it was woken, and those forced on it. CPU is of one core; delay is how
long it was ready and waited for a core. Of processes that are not yours, and without root, the
queues are not known. Linux only.`,
    )
    .action((pid: string | undefined, { seconds }: { seconds?: string }, { args }: Command) => {
      onShowing({ show: 'watch', pid: only(pid, args, 'watch', 'the pid of a server'), seconds })
    })
  return [report, watch]
}

function only(value: string | undefined, args: readonly string[], name: string, what: string) {
  if (value === undefined) throw new UsageError(`herd ${name} must be given ${what}`)
  if (args.length > 1) throw new UsageError(`unexpected argument ${JSON.stringify(args[1])}`)
  return value
}
