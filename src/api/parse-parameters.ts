import type { Action, Parameter, Parameters, Values } from './action.ts'
import { RdsError } from './errors.ts'
import { flattenedList } from './flattened.ts'

/** Where parameters came from, which matters to secret ones. */
export interface Origin {
  readonly method: string
  fromBody(name: string): boolean
}

/**
 * The values of an action's parameters. Judged in this order, so that an error names one parameter and is always the same:
 * where a secret stands, presence, form, combination. A parameter that the action does not know is ignored; one that is
 * documented and not honoured is refused where its neglect could do harm. An empty value is none, as real clients send it, but
 * where the empty text is a value of its own (a description), or should be a number.
 */
export function parseParameters<P extends Parameters>(
  action: Action<P>,
  given: ReadonlyMap<string, string>,
  origin: Origin,
): Values<P> {
  const parameters: readonly (readonly [string, Parameter])[] = Object.entries(action.parameters)
  for (const [name, parameter] of parameters) if (parameter.secret) refuseInQuery(name, given, origin)
  const texts = parameters.map(([name, parameter]) => presentText(name, parameter, given))
  for (const [name, neglect] of Object.entries(action.neglected ?? {})) {
    if (neglect === 'refused' && (given.get(name) ?? '') !== '') throw refused(name)
  }
  const values = parameters.map(([name, parameter], at) => [name, valueOf(name, parameter, texts[at])] as const)
  const parsed = Object.fromEntries(values) as Values<P>
  action.combine?.(parsed)
  return parsed
}

const refused = (name: string) =>
  new RdsError(
    'InvalidParameter',
    `${name} is not supported here, and to leave it out of account could change what the call does. Leave it out of the call.`,
  )

/** Queries end up in logs of proxies and in histories of shells. */
function refuseInQuery(name: string, given: ReadonlyMap<string, string>, origin: Origin): void {
  for (const key of given.keys()) {
    if (key !== name && !key.startsWith(`${name}.`)) continue
    if (origin.method === 'POST' && origin.fromBody(key)) continue
    throw new RdsError('InvalidParameter', `${name} is secret: send it in the body of a POST, never in a query.`)
  }
}

function presentText(name: string, parameter: Parameter, given: ReadonlyMap<string, string>): string | undefined {
  const plain = given.get(name)
  const members = parameter.flattened ? flattenedList(given, name) : undefined
  if (plain !== undefined && members !== undefined) {
    throw new RdsError('InvalidParameterCombination', `${name} is given both as JSON text and in flattened form.`)
  }
  const text = plain ?? members
  if (!parameter.required || (text !== undefined && text !== '')) return text
  throw new RdsError(parameter.missing ?? 'MissingParameter', `The parameter ${name} is required.`)
}

function valueOf(name: string, { codec, malformed, default: preset }: Parameter, text: string | undefined): unknown {
  if (text === undefined) return preset
  const value = codec.parse(text)
  if (value !== undefined) return value
  if (text === '' && !codec.isNumber) return preset
  throw new RdsError(malformed ?? 'InvalidParameter', `${name} must be ${codec.form}.`)
}
