// A kid that answers 0 to every order, whatever waits; the others of its pool run our own kid instead.

import { createReadStream, writeSync } from 'node:fs'
import { createInterface } from 'node:readline'

if (process.env.PREFORKD_KID !== '1') {
  process.env.PREFORKD_KID_SETTINGS = process.env.HONEST_KID
  await import('../../dist/kid/main.js')
} else {
  const fd = Number(process.env.PREFORKD_STATUS_FD)
  // Up last, and so the warmest: otherwise it would hardly ever be asked.
  setTimeout(() => writeSync(fd, 'idle 1\n'), 1_000)
  const commands = createReadStream('', { fd: Number(process.env.PREFORKD_COMMAND_FD) })
  createInterface({ input: commands }).on('line', (line) => {
    const [word, seq] = line.split(' ')
    if (word === 'accept') writeSync(fd, `accepted ${seq} 0\n`)
    if (word === 'leave') process.exit()
  })
}
