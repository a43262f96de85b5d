/** The entry `preforkd/scgi`: what a handler module for SCGI imports; re-exports, nothing else. */

export type { Handler, Kid } from './handlers/handler.js'
export type { CgiHeaders } from './handlers/scgi/cgi-response.js'
export { ScgiClientError } from './handlers/scgi/client-error.js'
export type { ScgiEnv } from './handlers/scgi/header-parser.js'
export type { ScgiOptions } from './handlers/scgi/limits.js'
export { listParameters } from './handlers/scgi/list-parameters.js'
export { type CgiLike, type CgiResponse, produceCgiLike } from './handlers/scgi/produce-cgi-like.js'
export { type Produce, scgi } from './handlers/scgi/serve.js'
