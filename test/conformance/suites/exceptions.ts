/** Tests of the suites that go otherwise under preforkd on purpose, each with the reason. */

export interface Exception {
  readonly suite: string
  /** The file of the test, or how its path ends. */
  readonly file: string
  readonly why: string
}

const limits = "keepAliveTimeout is an option of preforkd, and counts for the server's own"

export const exceptions: readonly Exception[] = [
  {
    suite: 'node',
    file: 'test-http-connect.js',
    why: 'counts the listeners of a socket: a kid has two of its own for its end',
  },
  {
    suite: 'node',
    file: 'test-http-exceptions.js',
    why: 'an app that throws ends no kid: its request is answered with 500',
  },
  {
    suite: 'node',
    file: 'test-http-server-capture-rejections.js',
    why: 'an app that rejects is answered with 500 in words of preforkd, whatever captureRejections says',
  },
  { suite: 'node', file: 'test-http-keep-alive-timeout.js', why: limits },
  { suite: 'node', file: 'test-http-server-headers-timeout-keepalive.js', why: limits },
  { suite: 'node', file: 'test-http-server-request-timeout-keepalive.js', why: limits },
  {
    suite: 'node',
    file: 'test-http-server-options-highwatermark.js',
    why: "sockets are the kid's: highWaterMark, an option of the server for its sockets, is not looked at",
  },
  {
    suite: 'node',
    file: 'test-http-set-timeout-server.js',
    why: 'a server without a listener for requests lets them wait for ever; preforkd answers 404',
  },
  {
    suite: 'node',
    file: 'test-http-parser-lazy-loaded.js',
    why: 'replaces a part of Node.js before http is loaded, but the preload has loaded it',
  },
]

/** Why this test, a path and a name, goes otherwise; undefined when that is a defect. */
export function reasonFor(suite: string, test: string): string | undefined {
  const [path = ''] = test.split(': ', 1)
  return exceptions.find((each) => each.suite === suite && path.endsWith(`/${each.file}`))?.why
}
