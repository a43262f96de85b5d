/** Sizes of memory: the units, what is refused, and how a size is written. */

import t from 'tap'
import { UsageError } from '../src/errors.js'
import { formatSize, MAX_SIZE, parseSize } from '../src/sizes.js'

t.test('a size has a decimal or a binary unit', async (t) => {
  for (const [text, size] of [
    ['0B', 0],
    ['12B', 12],
    ['1kB', 1_000],
    ['1KB', 1_000],
    ['1KiB', 1_024],
    ['300MB', 300_000_000],
    ['2MiB', 2_097_152],
    ['4GB', 4_000_000_000],
    ['1GiB', 1_073_741_824],
    ['1TiB', 2 ** 40],
    ['1000TB', MAX_SIZE],
  ] as const) {
    t.equal(parseSize(text), size, text)
  }
})

t.test('what is no size is refused in one sentence', async (t) => {
  const aSize = 'a size with a unit, such as 300MB or 1GiB'
  for (const [text, sentence] of [
    ['', `maxRss must be ${aSize}, not ""`],
    ['300', `maxRss must be ${aSize}, not "300": add a unit, 300MB or 300MiB`],
    ['300M', `maxRss must be ${aSize}, not "300M"`],
    ['1.5GB', `maxRss must be ${aSize}, not "1.5GB"`],
    ['-1GB', `maxRss must be ${aSize}, not "-1GB"`],
    ['1 GB', `maxRss must be ${aSize}, not "1 GB"`],
    ['1001TB', 'maxRss must be at most 1000TB, not "1001TB"'],
  ] as const) {
    t.throws(() => parseSize(text, 'maxRss'), new UsageError(sentence), text)
  }
})

t.test('a size is written with the largest unit that holds it exactly', async (t) => {
  for (const text of ['0B', '999B', '1kB', '1KiB', '300MB', '5MiB', '1GB', '1GiB', '3TB', '1TiB'])
    t.equal(formatSize(parseSize(text)), text)
})
