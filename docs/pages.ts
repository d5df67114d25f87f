import { z } from 'zod'
import type { Action, Parameter } from '../src/api/action.ts'
import { ACTIONS } from '../src/api/actions.ts'
import { RDS_ERRORS } from '../src/api/errors.ts'
import { LINK_ERRORS } from '../src/api/link-errors.ts'
import { refused } from '../src/api/refused.ts'
import { CONFIG_KEYS, type ConfigKey } from '../src/config/keys.ts'
import { FAULTS } from '../src/core/fault.ts'

const NOTICE = '<!-- Made by `npm run docs` from the program itself. Do not edit. -->'

const cell = (text: string) => text.replaceAll('|', String.raw`\|`).replaceAll('\n', ' ')
const code = (text: unknown) => `\`${String(text)}\``

/** A table of Markdown; nothing where there are no rows. */
function table(head: readonly string[], rows: readonly (readonly string[])[]): string {
  if (rows.length === 0) return ''
  const line = (cells: readonly string[]) => `| ${cells.map(cell).join(' | ')} |`
  return [line(head), line(head.map(() => '---')), ...rows.map(line)].join('\n')
}

const page = (title: string, ...blocks: readonly string[]) =>
  `${[NOTICE, `# ${title}`, ...blocks].filter((block) => block !== '').join('\n\n')}\n`

/** docs/reference/api.md: every action, its parameters, its reply and its errors. */
export function apiPage(): string {
  const contents = ACTIONS.map(({ name, about }) => [`[${name}](#${name.toLowerCase()})`, about])
  return page(
    'API reference',
    INTRODUCTION,
    table(['Action', 'What it does'], contents),
    ...ACTIONS.map(describeAction),
  )
}

const INTRODUCTION = `Holdfast answers the RPC API of Alibaba Cloud RDS, version 2014-08-15, at \`/\`: GET or POST, parameters in the query, in a form
body, or both, signed with signature V1 or V3. Replies are JSON or XML, as \`Format\` asks; signature V3 gets JSON. Every reply carries \`RequestId\`.
Times are UTC. Actions marked *extension* are what RDS has no action for. A parameter that no action here knows is ignored, a documented one is
as its table says: *honoured*, *ignored*, or *refused* (a call that has it fails and changes nothing, since leaving it out of account could change which
data is kept, deleted or restored, or which instances a caller means). \`RegionId\`, \`SourceIp\`, \`OwnerId\`, \`OwnerAccount\`,
\`ResourceOwnerId\`, \`ResourceOwnerAccount\`, \`ResourceGroupId\` and \`ClientToken\` are ignored wherever they are not listed. An empty value is none, as SDKs and
Terraform send it, except where the empty text is a value of its own (a description) and for numbers, which are refused. What each error code means is in
[errors.md](errors.md).`

function describeAction(action: Action): string {
  const kind = [action.extension ? 'Extension.' : '', action.mutates ? 'Changes something.' : 'Only reads.']
    .join(' ')
    .trim()
  return [
    `## ${action.name}`,
    `${action.about} *${kind}*`,
    parameterTable(action),
    'Reply, beside `RequestId`:',
    replyTable(action) || 'Nothing.',
    errorLine(action),
  ].join('\n\n')
}

function parameterTable(action: Action): string {
  const honoured = Object.entries(action.parameters).map(([name, parameter]) => [
    code(name),
    parameter.codec === refused ? 'refused' : 'honoured',
    needOf(parameter),
    parameter.codec === refused ? '' : parameter.codec.form,
    parameter.about,
    code(parameter.malformed ?? 'InvalidParameter'),
  ])
  const neglected = Object.entries(action.neglected ?? {}).map(([name, neglect]) => [
    code(name),
    neglect,
    'no',
    '',
    '',
    '',
  ])
  const head = ['Parameter', 'Here', 'Required', 'Form', 'Meaning', 'Error of another form']
  return table(head, [...honoured, ...neglected]) || 'No parameters.'
}

function needOf({ required, default: preset, secret, flattened }: Parameter): string {
  const need = required ? 'yes' : preset === undefined || preset === '' ? 'no' : `no, ${code(preset)}`
  const notes = [secret ? 'secret: only in a POST body' : '', flattened ? 'JSON text, or flattened' : ''].filter(
    Boolean,
  )
  return [need, ...notes].join('; ')
}

/** The part of JSON Schema that replies use. */
interface Shape {
  readonly type?: string | readonly string[]
  readonly properties?: Readonly<Record<string, Shape>>
  readonly items?: Shape
  readonly enum?: readonly unknown[]
  readonly const?: unknown
  readonly anyOf?: readonly Shape[]
  readonly description?: string
}

function replyTable(action: Action): string {
  const shape = z.toJSONSchema(action.reply, { unrepresentable: 'any' }) as Shape
  return table(['Field', 'Type', 'Meaning'], [...replyRows(shape, '')])
}

function* replyRows(shape: Shape, prefix: string): Generator<string[]> {
  for (const [name, field] of Object.entries(shape.properties ?? {})) {
    const isList = field.type === 'array'
    const inner = isList ? (field.items ?? {}) : field
    const path = `${prefix}${name}${isList ? '[]' : ''}`
    if (inner.properties) {
      if (field.description) yield [code(path), isList ? 'list' : 'structure', field.description]
      yield* replyRows(inner, `${path}.`)
    } else {
      yield [code(path), typeOf(field), field.description ?? '']
    }
  }
}

function typeOf(shape: Shape): string {
  if (shape.const !== undefined) return code(JSON.stringify(shape.const))
  if (shape.enum) return shape.enum.map((value) => code(JSON.stringify(value))).join(', ')
  if (shape.anyOf) return shape.anyOf.map(typeOf).join(' or ')
  return [shape.type ?? 'any'].flat().join(' or ')
}

function errorLine(action: Action): string {
  const own = Object.values(action.parameters).flatMap(({ missing, malformed }) => [missing, malformed])
  const codes = new Set(
    [...own, ...(action.errors ?? []), ...Object.values(action.faults)].filter((name) => name !== undefined),
  )
  return codes.size === 0 ? '' : `Errors of its own: ${[...codes].toSorted().map(code).join(', ')}.`
}

/** docs/reference/errors.md: RDS codes, what links answer, and exit codes. */
export function errorsPage(): string {
  const rds = Object.entries(RDS_ERRORS).toSorted(([a], [b]) => (a < b ? -1 : 1))
  const links = Object.values(LINK_ERRORS).map((error) => [code(error.code), String(error.status), error.message])
  const faults = Object.entries(FAULTS).map(([name, { exit, retry }]) => [
    code(name),
    String(exit),
    retry ? 'yes' : 'no',
  ])
  return page(
    'Errors',
    '## The API',
    'A failed call answers with one of these codes as `Code`, and this status. `Message` may say more than this table.',
    table(
      ['Code', 'Status', 'Message'],
      rds.map(([name, { status, message }]) => [code(name), String(status), message]),
    ),
    '## Links',
    'What a download link answers instead of bytes, as XML: `Code`, `Message`, `Expires` and `ServerTime` of an expired one, `RequestId`, `HostId`.',
    table(['Code', 'Status', 'Message'], links),
    '## The command line',
    'Every failure has a code, which the command line turns into its exit code. 0 is success, 1 a bug. A retry may help where it says so.',
    table(['Fault', 'Exit code', 'Retry'], faults),
  )
}

/** docs/reference/config.md: every setting. */
export function configPage(): string {
  return page(
    'Configuration',
    'Defaults, then the file that `--config` names (YAML), then the environment, then flags: the later wins. Durations are seconds, sizes bytes. ' +
      '`holdfast config check` tells everything that is wrong at once.',
    table(
      ['Setting', 'Environment', 'Form', 'Default', 'Meaning'],
      CONFIG_KEYS.map((key) => [code(key.path), code(key.env), formOf(key), defaultOf(key), key.about]),
    ),
  )
}

const defaultOf = ({ default: preset }: ConfigKey) => (preset === undefined ? '' : code(JSON.stringify(preset)))

function formOf({ form, choices, least, above, most }: ConfigKey): string {
  if (choices) return choices.map(code).join(', ')
  const low = least === undefined ? (above === undefined ? '' : `above ${above}`) : `from ${least}`
  const high = most === undefined ? '' : `up to ${most}`
  return [form, low, high].filter((word) => word !== '').join(' ')
}

/** Every generated page, by its path below docs/. */
export const GENERATED_PAGES = {
  'reference/api.md': apiPage,
  'reference/errors.md': errorsPage,
  'reference/config.md': configPage,
} as const satisfies Record<string, () => string>
