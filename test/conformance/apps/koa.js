// A Koa app that answers when it has read the whole body.
import Koa from 'koa'
import { echo } from './echo.js'

const app = new Koa()
// It would write what clients have done to standard error.
app.silent = true
app.use(async (context) => {
  let length = 0
  for await (const chunk of context.req) length += chunk.length
  context.body = echo(context.req, length)
})
export default app
