// An Express app that answers when the body has been parsed; Express answers requests without one within the call.
import express from 'express'
import { echo } from './echo.js'

const app = express()
app.use(express.raw({ type: () => true }))
app.use((req, res) => res.send(echo(req, req.body?.length ?? 0)))
// Its own words about a body that fails would go to standard error, with paths of this machine in them.
app.use((error, _req, res, _next) => res.status(error.status ?? 500).send(`${error.type}\n`))
export default app
