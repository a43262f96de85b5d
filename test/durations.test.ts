/** Durations: what is read, what is refused and in which words. */

import t from 'tap'
import { formatDuration, MAX_DURATION, parseDuration } from '../src/durations.js'
import { UsageError } from '../src/errors.js'
import fc from './fast-check.js'

/** The sentence of the refusal, to be compared in full. */
function refusal(read: () => unknown): string {
  try {
    read()
  } catch (error) {
    if (error instanceof UsageError) return error.message
    throw error
  }
  return 'not refused'
}

t.test('a duration is read in each unit', async (t) => {
  for (const [text, ms] of [
    ['500ms', 500],
    ['5s', 5_000],
    ['2m', 120_000],
    ['1h', 3_600_000],
    ['0ms', 0],
    ['007s', 7_000],
    ['576h', MAX_DURATION],
    [`${MAX_DURATION}ms`, MAX_DURATION],
  ] as const) {
    t.equal(parseDuration(text), ms, text)
  }
})

t.test('a bare number is refused with the hint to add a unit', async (t) => {
  t.equal(
    refusal(() => parseDuration('5', '--accept-timeout')),
    '--accept-timeout must be a duration with a unit, such as 500ms, 5s, 2m or 1h, not "5": add a unit, 5s or 5ms',
  )
})

t.test('what is no duration is refused', async (t) => {
  for (const text of [
    '',
    ' 5s',
    '5s ',
    '5 s',
    '-5s',
    '+5s',
    '1.5s',
    '5S',
    '5d',
    's',
    '1e3s',
    'never',
  ]) {
    t.equal(
      refusal(() => parseDuration(text)),
      `a duration must be a duration with a unit, such as 500ms, 5s, 2m or 1h, not "${text}"`,
      text,
    )
  }
})

t.test('more than a timer can wait for is refused', async (t) => {
  for (const text of [`${MAX_DURATION + 1}ms`, '577h', `${'9'.repeat(400)}s`]) {
    t.equal(
      refusal(() => parseDuration(text, 'stopTimeout')),
      `stopTimeout must be at most 24 days (576h), not "${text}"`,
    )
  }
})

t.test('a duration is written in the largest unit that holds it exactly', async (t) => {
  t.equal(formatDuration(5), '5ms')
  t.equal(formatDuration(1_500), '1500ms')
  t.equal(formatDuration(30_000), '30s')
  t.equal(formatDuration(120_000), '2m')
  t.equal(formatDuration(7_200_000), '2h')
  t.equal(formatDuration(0), '0ms')
})

t.test('what is written is read back the same', async (t) => {
  t.doesNotThrow(() =>
    fc.assert(
      fc.property(
        fc.integer({ min: 0, max: MAX_DURATION }),
        (ms) => parseDuration(formatDuration(ms)) === ms,
      ),
    ),
  )
})
