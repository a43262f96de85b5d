/** The words of the log: what each thing that happens in the parent is worth saying; called for every effect. */

import type { Logger } from 'pino'
import type { Effect, Meddling } from '../core/events.js'
import { escapeControls } from '../parent/kid-output.js'
import type { KidEnd } from '../parent/kid-process.js'

/** What a log line needs beyond the effect itself. */
export interface Narration {
  /** How a listener is called. */
  addressOf(listener: number): string
  /** A kid that is about to be killed: its age in milliseconds, what it holds, and what it says it is doing. */
  recordOf(kid: number): { pid: number | undefined; age: number; held: number; label: string }
  /** Whether kids have been told to leave because the server stops. */
  stopping(): boolean
}

/** Says one effect in the log, if it is worth a line. Nothing that happens once for each connection is. */
export function narrate(log: Logger, effect: Effect, narration: Narration): void {
  const kid = 'kid' in effect ? { kid: effect.kid } : {}
  const at = 'listener' in effect ? narration.addressOf(effect.listener) : ''
  switch (effect.type) {
    case 'up':
      log.debug(kid, `kid ${effect.kid} is up`)
      return
    case 'kill': {
      const { pid, age, held, label } = narration.recordOf(effect.kid)
      const { reason, detail } = effect
      log.warn(
        { ...kid, kidPid: pid, reason, age, held, label },
        `killed kid ${effect.kid}: ${reason}: ${detail}`,
      )
      return
    }
    case 'lost': {
      const { lost, idle, unanswered, label } = effect
      const doing = label === '' ? '' : `, at: ${label}`
      // Of a stop whose time is up, or a quick one, it is what was asked for.
      const level = narration.stopping() ? 'info' : 'error'
      log[level](
        { ...kid, lost, idle, unanswered },
        `kid ${effect.kid} died: ${losses(effect)}${doing}`,
      )
      return
    }
    case 'unpark':
      log.info(
        kid,
        `kid ${effect.kid} ends its idle connections before their grace is over: too many kids that leave have nothing else`,
      )
      return
    case 'leaving':
      log.info(kid, `kid ${effect.kid} leaves: ${effect.reason}`)
      return
    case 'overloadBegan': {
      const oldest = effect.held.map(({ kid: holder, age, label }) => ({
        kid: holder,
        age: Math.round(age),
        label,
      }))
      const first = oldest[0]
      const doing = first === undefined || first.label === '' ? '' : ` (${first.label})`
      const what =
        first === undefined
          ? ''
          : `; the oldest connection is kid ${first.kid}'s, ${first.age} ms old${doing}`
      log.warn({ oldest }, `overload begins: connections wait and every slot is taken${what}`)
      return
    }
    case 'overloadEnded':
      log.warn(`overload is over, after ${Math.round(effect.lasted)} ms`)
      return
    case 'listenerRests':
      log.warn(
        { code: effect.code },
        effect.code === 'EAGAIN'
          ? `connections wait at ${at}, but no kid finds one to accept`
          : `accepting at ${at} fails with ${effect.code}: pausing it for 100 ms at a time`,
      )
      return
    case 'meddled': {
      const what = effect.done.map((one) => meddlings[one]).join(', ')
      const told = `some kid has meddled with the listener ${at}: it ${what}`
      if (effect.code === undefined) log.error({ done: effect.done }, `${told}; put right`)
      else log.error({ done: effect.done, code: effect.code }, `${told}; that cannot be undone`)
      return
    }
    case 'poolFull':
      log.warn(
        { kids: effect.kids },
        `all ${effect.kids} kids of maxKids are there, and connections wait`,
      )
      return
    case 'parked':
      log.info('parked: kids leave, connections wait for a reload')
      return
    case 'spawnsRest':
      log.error(`kids die before they are up: no further spawn for ${effect.rest / 1000} s`)
      return
    default:
      return
  }
}

const meddlings: Record<Meddling, string> = {
  shut: 'was shut down, and who waited there was reset',
  blocking: 'was made to block',
  backlog: 'was given another backlog',
}

/** What a death costs clients, for certain and perhaps: whether an order was obeyed that was not answered is unknowable. */
function losses({
  lost,
  idle,
  unanswered,
}: {
  lost: number
  idle: number
  unanswered: number
}): string {
  const connections = (count: number) => `${count} connection${count === 1 ? '' : 's'}`
  if (lost === 0) return `perhaps ${connections(unanswered)} lost, of an order it had not answered`
  const more =
    unanswered === 0 ? '' : `, and perhaps ${unanswered} more, of an order it had not answered`
  const resting = idle === 0 ? '' : `, ${idle} of them idle`
  return `${connections(lost)} lost${resting}${more}`
}

/** Says that a kid has died; at level debug if it left as it should, or by a signal of ours, whose reason was said. */
export function narrateEnd(log: Logger, kid: number, pid: number | undefined, end: KidEnd): void {
  const { code, signal, spawnError, asked } = end
  const who = { kid, kidPid: pid }
  if (spawnError !== undefined) {
    log.error(who, `kid ${kid} could not be spawned: ${spawnError.message}`)
  } else if (code === 0 || asked === true) {
    log.debug(who, `kid ${kid} has gone`)
  } else {
    log.warn({ ...who, code, signal }, `kid ${kid} ended ${describeEnd(end)}`)
  }
}

/** How a kid ended, in words that follow "ended". */
export function describeEnd({ code, signal, spawnError }: KidEnd): string {
  if (spawnError !== undefined) return `before it began: ${spawnError.message}`
  if (signal === 'SIGKILL') return 'by SIGKILL'
  return signal === null ? `with exit code ${code}` : `by ${signal}`
}

/** Levels as pino numbers them, for lines that a kid's own logger wrote. */
const levels: Record<number, 'trace' | 'debug' | 'info' | 'warn' | 'error' | 'fatal'> = {
  10: 'trace',
  20: 'debug',
  30: 'info',
  40: 'warn',
  50: 'error',
  60: 'fatal',
}

/** Passes on a line that a kid wrote: as a record of its own logger if it is one, else as what it said. `server` is the name in each line, which is not a kid's to give. */
export function narrateOutput(
  log: Logger,
  kid: number,
  stream: 'stdout' | 'stderr',
  text: string,
  server?: string,
): void {
  const record = text.startsWith('{"level":') ? parseRecord(text) : undefined
  const level = levels[Number(record?.level)]
  if (record === undefined || level === undefined) {
    log[stream === 'stderr' ? 'warn' : 'info']({ kid, stream }, text)
    return
  }
  const { msg } = record
  for (const name of ofTheLog) delete record[name]
  if (server !== undefined) delete record.name
  log[level]({ ...record, kid, stream }, typeof msg === 'string' ? msg : '')
}

/** Fields that say when, and by whom, a line was written: of a kid's own record they are not believed. */
const ofTheLog = ['level', 'time', 'pid', 'hostname', 'kid', 'stream', 'msg'] as const

function parseRecord(text: string): Record<string, unknown> | undefined {
  try {
    // Read from JSON, it may again hold what was escaped in there. Stacks have their line ends.
    return JSON.parse(text, (key, value) => {
      if (typeof value === 'string') {
        const lines = key === 'msg' ? [value] : value.split('\n')
        return lines.map(escapeControls).join('\n')
      }
      if (typeof value !== 'object' || value === null || Array.isArray(value)) return value
      return Object.fromEntries(
        Object.entries(value).map(([name, inner]) => [escapeControls(name), inner]),
      )
    }) as Record<string, unknown>
  } catch {
    return undefined
  }
}
