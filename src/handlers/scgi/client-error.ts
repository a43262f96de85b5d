/** What a client did to fail its own request; told to the handler through `body` and `out`, and logged at debug only. */

/** The failures that are the client's: what each is called in `code`, and the answer it gets if none has begun. */
const statuses = {
  ERR_SCGI_MALFORMED: 400,
  ERR_SCGI_SHORT_BODY: 400,
  ERR_SCGI_HEADERS_TIMEOUT: 408,
  ERR_SCGI_REQUEST_TIMEOUT: 408,
  /** Nobody is left to answer. */
  ERR_SCGI_SEND_TIMEOUT: undefined,
  ERR_SCGI_CLIENT_GONE: undefined,
} as const

export class ScgiClientError extends Error {
  readonly code: keyof typeof statuses

  constructor(code: keyof typeof statuses, message: string, options?: ErrorOptions) {
    super(message, options)
    this.name = 'ScgiClientError'
    this.code = code
  }

  /** Whether a limit of ours has ended its request. */
  get isTimeout(): boolean {
    return this.code.endsWith('_TIMEOUT')
  }

  get status(): 400 | 408 | undefined {
    return statuses[this.code]
  }
}
