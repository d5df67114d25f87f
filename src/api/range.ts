/** What a `Range` header asks of an object: all of it, one piece from `start` up to, not including, `end`, or nothing it has. */
export type RangeAnswer =
  | { readonly kind: 'whole' | 'unsatisfiable' }
  | { readonly kind: 'part'; readonly start: number; readonly end: number }

const WHOLE: RangeAnswer = { kind: 'whole' }
const UNSATISFIABLE: RangeAnswer = { kind: 'unsatisfiable' }

/**
 * Reads a `Range` header as RFC 9110 has it for an object of `size` bytes. Several ranges, another unit and what is no range at
 * all mean the whole object; a piece that begins past the end cannot be given; one that ends past it is cut there.
 */
export function parseRange(header: string | undefined, size: number): RangeAnswer {
  const [, first = '', last = ''] = /^bytes[ \t]*=[ \t]*(\d*)-(\d*)[ \t]*$/i.exec(header ?? '') ?? []
  if (first === '' && last === '') return WHOLE
  if (first === '') return suffix(Number(last), size)
  const start = Number(first)
  const end = last === '' ? size : Number(last) + 1
  if (end <= start && last !== '') return WHOLE
  return start < size ? { kind: 'part', start, end: Math.min(end, size) } : UNSATISFIABLE
}

function suffix(length: number, size: number): RangeAnswer {
  return length > 0 && size > 0 ? { kind: 'part', start: Math.max(0, size - length), end: size } : UNSATISFIABLE
}

/** What the conditional headers of a request come to, in the order that RFC 9110 gives them. */
export type Condition = 'proceed' | 'not modified' | 'failed'

export interface Version {
  /** Strong, quoted. */
  readonly etag: string
  /** Unix milliseconds, whole seconds. */
  readonly modifiedAt: number
}

type Headers = Readonly<Record<string, string | undefined>>

/** Judges If-Match, If-Unmodified-Since, If-None-Match and If-Modified-Since. A date that cannot be read is as if it were absent. */
export function judgeConditions(headers: Headers, version: Version, dateOf: (text: string) => number | undefined) {
  const since = (name: string) => {
    const text = headers[name]
    return text === undefined ? undefined : dateOf(text)
  }
  const match = headers['if-match']
  const noneMatch = headers['if-none-match']
  const unmodifiedSince = match === undefined ? since('if-unmodified-since') : undefined
  const modifiedSince = noneMatch === undefined ? since('if-modified-since') : undefined

  if (match !== undefined && !names(match, version.etag, { weak: false })) return 'failed'
  if (unmodifiedSince !== undefined && version.modifiedAt > unmodifiedSince) return 'failed'
  if (noneMatch !== undefined && names(noneMatch, version.etag, { weak: true })) return 'not modified'
  if (modifiedSince !== undefined && version.modifiedAt <= modifiedSince) return 'not modified'
  return 'proceed'
}

/** Whether a Range still means the object its sender has part of: If-Range is absent, or names exactly this version. */
export function rangeStillHolds(headers: Headers, version: Version, dateOf: (text: string) => number | undefined) {
  const header = headers['if-range']
  if (header === undefined) return true
  return header.includes('"') ? header.trim() === version.etag : dateOf(header) === version.modifiedAt
}

function names(list: string, etag: string, { weak }: { weak: boolean }): boolean {
  if (list.trim() === '*') return true
  const tags = list.match(/(?:W\/)?"[^"]*"/g) ?? []
  return tags.some((tag) => (weak ? tag.replace(/^W\//, '') : tag) === etag)
}
