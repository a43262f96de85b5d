// What the apps answer with: all that a server has understood of a request.

/** One line on a request, and on the length of its body as far as the app has read it. */
export function echo(request, length) {
  const { method, url, httpVersion, rawHeaders, rawTrailers } = request
  const counts = `${rawHeaders.length / 2} headers, ${rawTrailers.length / 2} trailers`
  return `${method} ${url} HTTP/${httpVersion}, ${counts}, ${length} bytes\n`
}
