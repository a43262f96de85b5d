/** What a mutant is: one small wrong, and who must notice. */

/** One wrong: a text of the source that is to be replaced, which must stand there exactly once. */
export interface Mutant {
  /** What is wrong with it, as a sentence about the parent. */
  name: string
  /** Under src/core, also as `../kid/slots.ts`. */
  file: string
  from: string
  to: string
  /** Likewise under test/core, and the title of the test that must fail; others may fail too. */
  test: string
  caughtBy: string
}
