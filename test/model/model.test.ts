/** The quick variants of the model of the accept round, searched by spin; `npm run model` searches all. */

import t from 'tap'
import { Model, missing } from './search.js'
import { variants } from './variants.js'

const lacking = missing()
const skip = lacking.length > 0 && `${lacking.join(' and ')} not installed`

for (const { name, flags, holds = [], breaks = [] } of variants.filter(({ quick }) => quick)) {
  t.test(name, { skip }, async (t) => {
    using model = new Model(flags, false)
    for (const claim of holds) {
      t.equal(model.search(claim).counterexample, undefined, `${claim} holds`)
    }
    for (const claim of breaks) {
      t.not(model.search(claim).counterexample, undefined, `${claim} is seen to be broken`)
    }
  })
}
