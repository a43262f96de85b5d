/**
 * fast-check with one seed for all properties, so that a run says the same twice; imported by every test that has some.
 * SEED=random (or a number) and RUNS=100000 look further; what they find becomes a test of its own.
 */

import fc from 'fast-check'

const wanted = process.env.SEED ?? '20260101'
if (wanted !== 'random') fc.configureGlobal({ seed: Number(wanted) })

export default fc
