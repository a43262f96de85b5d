// The handler of rows about HTTP: tells its pid; /much sends ten megabytes.

const much = Buffer.alloc(10_000_000, 'x')

export default function handle(request, response) {
  if (request.url === '/much') response.end(much)
  else request.resume().on('end', () => response.end(`pid ${process.pid}`))
}
