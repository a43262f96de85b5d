// A (req, res) function that answers within the call, whatever is still to come of the body.
import { echo } from './echo.js'

export default function app(request, response) {
  response.end(echo(request, 0))
}
