/** All rows of the fault matrix that there are, in its order; a file of rows is named here or is not run. */

import type { Row } from './row.js'
import { deaths } from './rows/deaths.js'

export const rows: readonly Row[] = [...deaths].sort((a, b) => a.number - b.number)
