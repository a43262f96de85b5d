/** The public API of `preforkd/http`: re-exports, nothing else. */

export { kidOf } from './handlers/http/connections.js'
export type { HttpOptions } from './handlers/http/limits.js'
export { http } from './handlers/http/serve.js'
export type { Upgrade } from './handlers/http/upgrades.js'
