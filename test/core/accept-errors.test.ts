/** What each failure of accept means; run with the other tests. */

import t from 'tap'
import { classOfAcceptError, mayAcceptAgain } from '../../src/core/accept-errors.js'

const classes = {
  nothing:
    'EAGAIN EWOULDBLOCK EINTR ECONNABORTED ECONNRESET EPROTO EPERM ENETDOWN ENETUNREACH EHOSTDOWN ' +
    'EHOSTUNREACH ENONET ENOPROTOOPT EOPNOTSUPP ETIMEDOUT',
  kid: 'EMFILE',
  system: 'ENFILE ENOBUFS ENOMEM EUNKNOWN EWHATEVER',
  listener: 'EBADF EINVAL ENOTSOCK',
}

for (const [name, codes] of Object.entries(classes)) {
  for (const code of codes.split(' ')) {
    t.test(`${code} concerns: ${name}`, async (t) => {
      t.equal(classOfAcceptError(code), name)
    })
    const again = name === 'nothing' && code !== 'EAGAIN' && code !== 'EWOULDBLOCK'
    t.test(
      `after ${code} another accept ${again ? 'may' : 'may not'} be tried at once`,
      async (t) => {
        t.equal(mayAcceptAgain(code), again)
      },
    )
  }
}

t.test('a name that every object has is no errno', async (t) => {
  t.equal(classOfAcceptError('ECONSTRUCTOR'), 'system')
})
