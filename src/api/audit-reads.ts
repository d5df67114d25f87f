import type { AppendFile } from '../lib/append-file.ts'
import type { Clock, Moment } from '../lib/clock.ts'
import { isoMillis } from '../lib/time.ts'
import type { Action } from './action.ts'
import type { AuditedCall } from './audit.ts'
import type { Request } from './request.ts'

/**
 * Notes who read what: calls that change nothing, and downloads. One JSON object a line, in the words of the audit's records, into
 * a file that is only appended to. It is on the path of every call: a note is put together from pieces made before.
 */
export interface ReadAudit {
  /** A call of a known caller, and the code it was refused with: '' when it was answered. */
  call(call: AuditedCall, code: string): void
  /** A request for a link, and the status of its answer. */
  download(request: Request, status: number): void
  /** What the file beneath lost, and whether it is losing. */
  readonly dropped: number
  readonly failing: boolean
}

/** Values are cut, as in records of changes. */
const LONGEST = 1024
/** Values that are seen again and again: keys, user agents, addresses. */
const MOST_QUOTED = 4096
const PLAIN = /^[\w .:/+,-]{0,128}$/

/** The notes of one process. */
export function createReadAudit(file: AppendFile, clock: Clock): ReadAudit {
  const quoted = new Map<string, string>()
  /** The same text in quotes, remembered: only for what comes from few places. */
  const quote = (text: string): string => {
    const known = quoted.get(text)
    if (known !== undefined) return known
    if (quoted.size >= MOST_QUOTED) quoted.clear()
    const made = quoteOnce(text)
    quoted.set(text, made)
    return made
  }
  const timeOf = rememberingLast(isoMillis)
  const namesOf = rememberingNames()
  const from = ({ remoteAddress, headers }: Request) =>
    `"remoteAddress":${quote(remoteAddress)},"userAgent":${quote(headers['user-agent'] ?? '')}`

  return {
    call({ request, requestId, action, keyId, parentKeyId, parameters }, code) {
      const outcome = code === '' ? '"outcome":"done","code":""' : `"outcome":"refused","code":"${code}"`
      const instance = quoteOnce(parameters.get('DBInstanceId') ?? '')
      file.add(
        `{"at":"${timeOf(clock.now())}","kind":"call","requestId":"${requestId}","keyId":${quote(keyId)},"parentKeyId":${quote(parentKeyId)},"action":"${action.name}","instanceId":${instance},"parameters":{${valuesOf(namesOf(action), parameters)}},${from(request)},${outcome}}\n`,
      )
    },

    download(request, status) {
      const { method, target, headers } = request
      const [, setId] = /^\/link\/(\d{1,16})\//.exec(target) ?? []
      if (setId === undefined) return
      const outcome = status < 400 ? 'done' : 'refused'
      const range = headers.range === undefined ? '' : `"range":${quoteOnce(headers.range)},`
      file.add(
        `{"at":"${timeOf(clock.now())}","kind":"download","setId":"${setId}","method":${quote(method)},${range}${from(request)},"outcome":"${outcome}","status":${status}}\n`,
      )
    },

    get dropped() {
      return file.dropped
    },
    get failing() {
      return file.failing
    },
  }
}

type Name = readonly [name: string, prefix: string]

/** The parameters of an action that may be told, each with the piece that stands before its value. */
function rememberingNames(): (action: Action) => readonly Name[] {
  const known = new Map<Action, readonly Name[]>()
  return (action) => {
    const names = known.get(action)
    if (names) return names
    const made = Object.entries(action.parameters)
      .filter(([, { secret }]) => secret !== true)
      .map(([name]) => [name, `${JSON.stringify(name)}:`] as const)
    known.set(action, made)
    return made
  }
}

function valuesOf(names: readonly Name[], given: ReadonlyMap<string, string>): string {
  let text = ''
  for (const [name, prefix] of names) {
    const value = given.get(name)
    if (value !== undefined) text += (text === '' ? '' : ',') + prefix + quoteOnce(value)
  }
  return text
}

function quoteOnce(text: string): string {
  if (PLAIN.test(text)) return `"${text}"`
  return JSON.stringify(text.length > LONGEST ? `${text.slice(0, LONGEST)}…` : text)
}

/** Many calls of one millisecond carry the same time. */
function rememberingLast(format: (at: Moment) => string): (at: Moment) => string {
  let last = { at: Number.NaN, text: '' }
  return (at) => {
    if (last.at !== at) last = { at, text: format(at) }
    return last.text
  }
}
