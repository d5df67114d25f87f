import { z } from 'zod'
import { configSchema } from './schema.ts'

/** One setting as a person meets it: its path in the file, its environment variable, its form, default and meaning. */
export interface ConfigKey {
  /** `api.tls.cert` */
  readonly path: string
  /** `HOLDFAST_API_TLS_CERT` */
  readonly env: string
  readonly form: 'string' | 'integer' | 'number' | 'boolean' | 'array'
  /** Undefined when it has none of its own. */
  readonly default: unknown
  readonly choices: readonly string[] | undefined
  readonly least: number | undefined
  /** Set when the value must be greater than this. */
  readonly above: number | undefined
  readonly most: number | undefined
  readonly about: string
}

interface Shape {
  readonly type?: string
  readonly properties?: Readonly<Record<string, Shape>>
  readonly default?: unknown
  readonly description?: string
  readonly enum?: readonly string[]
  readonly minimum?: number
  readonly exclusiveMinimum?: number
  readonly maximum?: number
}

const variable = (path: string) =>
  `HOLDFAST_${path
    .replaceAll('.', '_')
    .replaceAll(/(?<=[a-z])(?=[A-Z])/g, '_')
    .toUpperCase()}`

function* listKeys(shape: Shape, prefix: string): Generator<ConfigKey> {
  for (const [name, property] of Object.entries(shape.properties ?? {})) {
    const path = prefix + name
    if (property.properties) yield* listKeys(property, `${path}.`)
    else yield keyOf(path, property)
  }
}

function keyOf(path: string, shape: Shape): ConfigKey {
  return {
    path,
    env: variable(path),
    form: (shape.type ?? 'string') as ConfigKey['form'],
    default: shape.default,
    choices: shape.enum,
    least: shape.minimum,
    above: shape.exclusiveMinimum,
    most: shape.maximum !== undefined && shape.maximum < Number.MAX_SAFE_INTEGER ? shape.maximum : undefined,
    about: shape.description ?? '',
  }
}

/** Every setting of the schema, in its order. The loader, the sample file and the reference page are made from this list. */
export const CONFIG_KEYS: readonly ConfigKey[] = [
  ...listKeys(z.toJSONSchema(configSchema, { io: 'input' }) as Shape, ''),
]
