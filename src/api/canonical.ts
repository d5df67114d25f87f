/** A parameter: its name and value, decoded. */
export type Pair = readonly [name: string, value: string]

const UNRESERVED = /^[A-Za-z0-9._~-]*$/
const LEFT_RAW = /[!'()*]/g

/** Percent-encoding as both signatures want it: RFC 3986, everything but `A-Z a-z 0-9 - _ . ~`, in upper-case hex of UTF-8. */
export function percentEncode(text: string): string {
  if (UNRESERVED.test(text)) return text
  return encodeURIComponent(text).replace(LEFT_RAW, (character) => `%${hex(character)}`)
}

const hex = (character: string) => character.charCodeAt(0).toString(16).toUpperCase()

/**
 * The parameters of a query or a form, decoded: percent-encoding, and `+` for a space. An empty piece (`a=1&&b=2`) is none, a
 * piece without `=` has an empty value. Throws URIError where the encoding, or the UTF-8 in it, is broken.
 */
export function parseForm(text: string): Pair[] {
  const pairs: Pair[] = []
  for (let start = 0; start < text.length;) {
    const ampersand = text.indexOf('&', start)
    const end = ampersand < 0 ? text.length : ampersand
    if (end > start) pairs.push(parsePair(text.slice(start, end)))
    start = end + 1
  }
  return pairs
}

function parsePair(piece: string): Pair {
  const equals = piece.indexOf('=')
  return equals < 0 ? [decode(piece), ''] : [decode(piece.slice(0, equals)), decode(piece.slice(equals + 1))]
}

function decode(text: string): string {
  const spaced = text.includes('+') ? text.replaceAll('+', ' ') : text
  return spaced.includes('%') ? decodeURIComponent(spaced) : spaced
}

/** Splits a request target at its first `?`. The scheme and host of an absolute form are cut off, and an empty path is `/`. */
export function splitTarget(target: string): { readonly path: string; readonly query: string } {
  const own = target.startsWith('/') ? target : target.replace(/^https?:\/\/[^/?]*/i, '')
  const mark = own.indexOf('?')
  if (mark < 0) return { path: own || '/', query: '' }
  return { path: own.slice(0, mark) || '/', query: own.slice(mark + 1) }
}
