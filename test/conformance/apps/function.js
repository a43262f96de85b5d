// A (req, res) function that answers when it has read the whole body.
import { echo } from './echo.js'

export default function app(request, response) {
  let length = 0
  request.on('data', (chunk) => {
    length += chunk.length
  })
  request.on('end', () => response.end(echo(request, length)))
}
