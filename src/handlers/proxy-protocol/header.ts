/** What a PROXY header says, and what reading one can come to. */

/** One end of a proxied connection. */
export interface Endpoint {
  /** As node:net writes it: IPv6 in its shortest form. */
  readonly address: string
  readonly port: number
}

/** Who speaks with whom, as the proxy saw it. */
export type Proxied =
  | {
      readonly kind: 'tcp'
      readonly family: 'IPv4' | 'IPv6'
      readonly source: Endpoint
      readonly destination: Endpoint
    }
  /** The client came to the proxy by a Unix socket: there are no addresses that node:net would tell. */
  | { readonly kind: 'unix' }
  /** The proxy speaks for itself (a health check), or cannot say for whom: what the kernel says is all there is. */
  | { readonly kind: 'unknown' }

export type Parsed =
  /** So far so good. */
  | 'more'
  /** Not a header, whatever may follow. */
  | { readonly error: string }
  /** Complete; what follows after so many bytes is the client's. */
  | { readonly length: number; readonly proxied: Proxied }
