import { isUtf8 } from 'node:buffer'
import type { Log } from '../lib/log.ts'
import { parseForm, type Pair } from './canonical.ts'
import { RdsError } from './errors.ts'
import type { Request } from './request.ts'

/** The parameters of a call: those of its query and of its form body, merged. */
export interface CallParameters {
  readonly all: ReadonlyMap<string, string>
  readonly query: readonly Pair[]
  /** Whether a parameter stood in the body. */
  fromBody(name: string): boolean
}

const FORM = 'application/x-www-form-urlencoded'

/**
 * Reads the parameters of a call, whatever its method. Refused: broken encoding, a body that is no form, more parameters than
 * the limit, and a parameter given twice, wherever: two readers of it could take different ones.
 */
export function readParameters(
  request: Request,
  query: string,
  limits: { readonly parameters: number },
  log: Log,
): CallParameters {
  const inQuery = parse(query, 'query')
  const inBody = request.body.length === 0 ? [] : parse(formText(request), 'body')
  if (inQuery.length + inBody.length > limits.parameters) {
    log.warn({ remoteAddress: request.remoteAddress }, 'over limits.parameters, call refused')
    throw new RdsError('InvalidParameter', `A call has at most ${limits.parameters} parameters.`)
  }
  const all = new Map<string, string>()
  for (const pair of inQuery) put(all, pair)
  for (const pair of inBody) put(all, pair)
  const names = new Set(inBody.map(([name]) => name))
  return { all, query: inQuery, fromBody: (name) => names.has(name) }
}

function put(all: Map<string, string>, [name, value]: Pair): void {
  if (all.has(name)) throw new RdsError('InvalidParameter', `The parameter ${shortened(name)} is given more than once.`)
  all.set(name, value)
}

const shortened = (name: string) => (name.length > 64 ? `${name.slice(0, 64)}…` : name)

function parse(text: string, where: 'query' | 'body'): Pair[] {
  try {
    return parseForm(text)
  } catch (cause) {
    throw new RdsError('MalformedRequest', `The percent-encoding in the ${where} is not that of UTF-8.`, { cause })
  }
}

function formText({ headers, body }: Request): string {
  const [type = ''] = (headers['content-type'] ?? FORM).split(';', 1)
  if (type.trim().toLowerCase() !== FORM) {
    throw new RdsError('MalformedRequest', `The body of a call must be a form, of content type ${FORM}.`)
  }
  if ((headers['content-encoding'] ?? 'identity').toLowerCase() !== 'identity') {
    throw new RdsError('MalformedRequest', 'The body of a call must not be compressed.')
  }
  if (!isUtf8(body)) throw new RdsError('MalformedRequest', 'The body is not UTF-8.')
  return body.toString('utf8')
}
