/** The alarm: that it comes, once, and not after it was stopped; run with the other tests. */

import t from 'tap'
import { Alarm } from '../../src/system/alarm.js'
import { openDescriptors, turn, until } from './observe.js'

const before = openDescriptors()

function counting() {
  const seen = { calls: 0 }
  const alarm = new Alarm(() => {
    seen.calls++
  })
  t.teardown(() => alarm.close())
  return { seen, alarm }
}

t.test('it comes once for each time that was set', async (t) => {
  const { seen, alarm } = counting()
  t.notOk(alarm.isSet)
  alarm.set(1)
  t.ok(alarm.isSet)
  await until(() => seen.calls === 1)
  t.notOk(alarm.isSet)
  alarm.set(1)
  await until(() => seen.calls === 2)
  alarm.close()
})

t.test('it does not come before its time', async (t) => {
  const { seen, alarm } = counting()
  const start = performance.now()
  alarm.set(20)
  await until(() => seen.calls === 1)
  t.ok(performance.now() - start >= 19)
  alarm.close()
})

t.test('what has passed already comes at once', async () => {
  const { seen, alarm } = counting()
  alarm.set(-5)
  await until(() => seen.calls === 1)
  alarm.set(0)
  await until(() => seen.calls === 2)
  alarm.close()
})

t.test('set anew, it comes at the new time alone', async (t) => {
  const { seen, alarm } = counting()
  alarm.set(60_000)
  alarm.set(1)
  await until(() => seen.calls === 1)
  alarm.set(1)
  alarm.set(60_000)
  const other = counting()
  other.alarm.set(20)
  await until(() => other.seen.calls === 1)
  t.equal(seen.calls, 1)
  alarm.close()
  other.alarm.close()
})

t.test('one that was stopped does not come, and can be set again', async (t) => {
  const { seen, alarm } = counting()
  const other = counting()
  alarm.set(1)
  alarm.stop()
  alarm.stop()
  t.notOk(alarm.isSet)
  other.alarm.set(20)
  await until(() => other.seen.calls === 1)
  t.equal(seen.calls, 0)
  alarm.set(1)
  await until(() => seen.calls === 1)
  alarm.close()
  other.alarm.close()
})

t.test('nor one that has rung and was stopped before its turn', async (t) => {
  const { seen, alarm } = counting()
  alarm.set(0)
  const end = performance.now() + 5
  while (performance.now() < end);
  alarm.stop()
  for (let n = 0; n < 5; n++) await turn()
  t.equal(seen.calls, 0)
  alarm.close()
})

t.test('it may be closed twice, and leaves no descriptor', async (t) => {
  const { alarm } = counting()
  alarm.set(60_000)
  alarm.close()
  alarm.close()
  t.same(openDescriptors(), before)
})
