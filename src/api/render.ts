/** The forms of a reply. */
export type Format = 'JSON' | 'XML'

/** Exactly as clients insist on them: some read an error as XML only under this very text. */
export const CONTENT_TYPES: Readonly<Record<Format, string>> = {
  JSON: 'application/json;charset=utf-8',
  XML: 'text/xml;charset=utf-8',
}

type Fields = Readonly<Record<string, unknown>>

const PROLOG = `<?xml version='1.0' encoding='UTF-8'?>`

/** The body of a good reply. In XML its root is named after the action, and a list is its elements one after another. */
export function renderReply(format: Format, action: string, requestId: string, fields: Fields): string {
  const all = { RequestId: requestId, ...fields }
  return format === 'JSON' ? JSON.stringify(all) : `${PROLOG}${element(`${action}Response`, all)}`
}

export interface ErrorFields {
  readonly requestId: string
  readonly hostId: string
  readonly code: string
  readonly message: string
}

/** The body of an error. */
export function renderError(format: Format, { requestId, hostId, code, message }: ErrorFields): string {
  const all = { RequestId: requestId, HostId: hostId, Code: code, Message: message, Recommend: '' }
  return format === 'JSON' ? JSON.stringify(all) : `${PROLOG}${element('Error', all)}`
}

/** An element and what is in it; nothing for null and undefined, which XML has no word for. */
function element(name: string, value: unknown): string {
  if (value === null || value === undefined) return ''
  if (Array.isArray(value)) return value.map((item: unknown) => element(name, item)).join('')
  return `<${name}>${content(value)}</${name}>`
}

/** Numbers and truth values look in XML as they do in JSON. */
function content(value: unknown): string {
  if (typeof value === 'string') return escapeXml(value)
  if (typeof value === 'object') {
    return Object.entries(value ?? {})
      .map(([name, inner]) => element(name, inner))
      .join('')
  }
  return JSON.stringify(value) ?? ''
}

const ESCAPES: Readonly<Record<string, string>> = {
  '&': '&amp;',
  '<': '&lt;',
  '>': '&gt;',
  '"': '&quot;',
  '\r': '&#13;',
}
const SPECIAL = /[&<>"\r]/g
/** What XML 1.0 cannot hold, not even escaped. */
const UNSAYABLE = /[^\t\n\r\u0020-\uD7FF\uE000-\uFFFD\u{10000}-\u{10FFFF}]/gu

const escapeXml = (text: string): string =>
  text.replaceAll(UNSAYABLE, '\uFFFD').replaceAll(SPECIAL, (character) => ESCAPES[character] ?? character)
