/** What a client may send over HTTP to do harm. */

const megabyte = 'a'.repeat(1024 * 1024)
const head = 'Host: a\r\n'
const post = (headers: string, body = '') => `POST / HTTP/1.1\r\n${head}${headers}\r\n${body}`
export const chunked = (body: string) => post('Transfer-Encoding: chunked\r\n', body)

/** Each with the status of the answer; 0 is none. */
export const malformed: Readonly<Record<string, readonly [status: number, bytes: string]>> = {
  'Content-Length and Transfer-Encoding': [
    400,
    post('Content-Length: 6\r\nTransfer-Encoding: chunked\r\n', '0\r\n\r\nG'),
  ],
  'two Content-Lengths': [400, post('Content-Length: 6\r\nContent-Length: 5\r\n', '123456')],
  'the same Content-Length twice': [400, post('Content-Length: 1\r\nContent-Length: 1\r\n', '1')],
  'a negative Content-Length': [400, post('Content-Length: -1\r\n')],
  'a Content-Length with a sign': [400, post('Content-Length: +1\r\n', '1')],
  'a Content-Length that overflows': [400, post(`Content-Length: ${'9'.repeat(30)}\r\n`)],
  'a space before a colon': [400, post('Content-Length : 1\r\n', '1')],
  'a folded header': [400, post('X: a\r\n b\r\n')],
  'a folded Transfer-Encoding': [400, post('Transfer-Encoding:\r\n chunked\r\n', '0\r\n\r\n')],
  'a coding that is not chunked': [400, post('Transfer-Encoding: xchunked\r\n', '0\r\n\r\n')],
  'another coding after chunked': [
    400,
    post('Transfer-Encoding: chunked\r\nTransfer-Encoding: identity\r\n', '0\r\n\r\n'),
  ],
  'lines that end in LF': [400, 'GET / HTTP/1.1\nHost: a\n\n'],
  'one header that ends in LF': [400, 'GET / HTTP/1.1\r\nHost: a\nX: b\r\n\r\n'],
  'a CR inside a header': [400, 'GET / HTTP/1.1\r\nHost: a\rX: b\r\n\r\n'],
  'a NUL in a header': [400, 'GET / HTTP/1.1\r\nHost: a\r\nX: a\0b\r\n\r\n'],
  'no Host': [400, 'GET / HTTP/1.1\r\n\r\n'],
  'a version that is not': [400, 'GET / HTTP/9.9\r\nHost: a\r\n\r\n'],
  'HTTP/2': [400, 'PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n'],
  'the beginning of TLS': [400, '\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03'],
  'a chunk without a size': [400, chunked('zz\r\n')],
  'a chunk with 0x': [400, chunked('0x1\r\na\r\n0\r\n\r\n')],
  'a chunk size that ends in LF': [400, chunked('1\na\r\n0\r\n\r\n')],
  'a chunk size that overflows': [400, chunked(`${'f'.repeat(17)}\r\n`)],
  'an endless chunk extension': [413, chunked(`1;${megabyte}`)],
  'an endless trailer': [431, chunked(`0\r\nX: ${megabyte}`)],
  'a header of 1 MB': [431, `GET / HTTP/1.1\r\n${head}X: ${megabyte}\r\n\r\n`],
  'a path of 1 MB': [431, `GET /${megabyte} HTTP/1.1\r\n${head}\r\n`],
  'a hundred thousand headers': [431, `GET / HTTP/1.1\r\n${head}${'X: a\r\n'.repeat(100_000)}\r\n`],
  'a tunnel': [0, 'CONNECT a:80 HTTP/1.1\r\nHost: a\r\n\r\n'],
}
