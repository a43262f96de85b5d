// A Fastify app that answers when the body has been parsed.
import fastify from 'fastify'
import { echo } from './echo.js'

// preforkd's own default: there the option keepAliveTimeout counts, whatever the app says, and the answer names it.
const app = fastify({ keepAliveTimeout: 5_000 })
app.removeAllContentTypeParsers()
app.addContentTypeParser('*', { parseAs: 'buffer' }, (_request, body, done) => done(null, body))
app.all('*', (request) => echo(request.raw, request.body?.length ?? 0))
export default app
