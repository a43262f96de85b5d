/** All rows of the fault matrix that there are, in its order; a file of rows is named here or is not run. */

import type { Row } from './row.js'
import { acceptErrors } from './rows/accept-errors.js'
import { activation } from './rows/activation.js'
import { badHttpAndScgi } from './rows/bad-requests.js'
import { clients } from './rows/clients.js'
import { deaths } from './rows/deaths.js'
import { files } from './rows/files.js'
import { hostileLines } from './rows/hostile-lines.js'
import { identity } from './rows/identity.js'
import { processesAround } from './rows/processes-around.js'
import { restarts } from './rows/restarts.js'
import { sharedListeners } from './rows/shared-listeners.js'
import { signals } from './rows/signals.js'
import { stoppedKids } from './rows/stopped-kids.js'
import { systemErrors } from './rows/system-errors.js'
import { time } from './rows/time.js'

export const rows: readonly Row[] = [
  ...deaths,
  ...stoppedKids,
  ...processesAround,
  ...hostileLines,
  ...sharedListeners,
  ...acceptErrors,
  ...systemErrors,
  ...clients,
  ...badHttpAndScgi,
  ...signals,
  ...time,
  ...restarts,
  ...activation,
  ...files,
  ...identity,
].sort((a, b) => a.number - b.number)
