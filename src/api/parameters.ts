import { z } from 'zod'
import { LEAST_BANDWIDTH } from '../core/bandwidth.ts'
import type { Moment } from '../lib/clock.ts'
import { parseIso } from '../lib/time.ts'

/** The grammar of one scalar parameter. */
export interface ParameterCodec<T> {
  /** What a value must be, to stand after 'must be': for errors and for the reference. */
  readonly form: string
  /** A number is never left empty: a page that was asked for by a broken number is refused, not replaced by the first. */
  readonly isNumber?: boolean
  /** The value that a text means; undefined for every text of another form. */
  parse(text: string): T | undefined
}

const matching = (form: string, pattern: RegExp): ParameterCodec<string> => ({
  form,
  parse: (given) => (pattern.test(given) ? given : undefined),
})

/** `DBInstanceId`. Its form also makes it a safe segment of a path. */
export const instanceId: ParameterCodec<string> = matching(
  '1 to 64 letters, digits, - and _, the first a letter or digit',
  /^[A-Za-z0-9][A-Za-z0-9_-]{0,63}$/,
)

const decimalId: ParameterCodec<string> = {
  form: 'an integer from 0 to 9007199254740991',
  parse: (given) => (readInteger(given, 0, Number.MAX_SAFE_INTEGER) === undefined ? undefined : given),
}

/** `BackupId`: kept as text. */
export const setId = decimalId

/** `HostInstanceID`: kept as text. */
export const nodeId = decimalId

/** `BackupJobId`, `TaskId`: kept as text. */
export const taskId = decimalId

/** Digits with an optional minus and no zeros before them: no `+1`, `1.0`, `1e2`, `0x1E`, and not the empty text. */
export const integer = ({ min, max }: { min: number; max: number }): ParameterCodec<number> => ({
  form: `an integer from ${min} to ${max}`,
  isNumber: true,
  parse: (given) => readInteger(given, min, max),
})

function readInteger(given: string, min: number, max: number): number | undefined {
  if (!/^(0|-?[1-9]\d{0,15})$/.test(given)) return undefined
  const value = Number(given)
  return Number.isSafeInteger(value) && value >= min && value <= max ? value : undefined
}

/** Bytes a second that a limit may have. */
export const bandwidth: ParameterCodec<number> = {
  form: `0, or an integer from ${LEAST_BANDWIDTH} to ${Number.MAX_SAFE_INTEGER}`,
  isNumber: true,
  parse: (given) => (given === '0' ? 0 : readInteger(given, LEAST_BANDWIDTH, Number.MAX_SAFE_INTEGER)),
}

/** One of a few sizes. */
export function pageSize<const T extends number>(sizes: readonly T[]): ParameterCodec<T> {
  return {
    form: choices(sizes.map(String)),
    isNumber: true,
    parse: (given) => sizes.find((size) => String(size) === given),
  }
}

/** One of some words, spelled exactly so. */
export function oneOf<const T extends string>(words: readonly T[]): ParameterCodec<T> {
  return { form: choices(words), parse: (given) => words.find((word) => word === given) }
}

const choices = (words: readonly string[]) =>
  words.length < 2 ? words.join('') : `${words.slice(0, -1).join(', ')} or ${words.at(-1)}`

const FLAGS: Readonly<Record<string, boolean>> = { true: true, True: true, false: false, False: false }

/** `true` or `false`, as the SDKs write them: Python's with a capital. */
export const flag: ParameterCodec<boolean> = {
  form: 'true or false',
  parse: (given) => (Object.hasOwn(FLAGS, given) ? FLAGS[given] : undefined),
}

/** `2011-06-11T15:00Z` or `2011-06-11T15:00:00Z`, and nothing else. */
export const utcMinuteOrSecond: ParameterCodec<Moment> = {
  form: 'a time of the form YYYY-MM-DDThh:mmZ or YYYY-MM-DDThh:mm:ssZ',
  parse: (given) => (given.length === 17 || given.length === 20 ? parseIso(given) : undefined),
}

const CONTROL = /\p{Cc}/u

/** Any text of at most `max` characters without control characters, and of at least `min`: the empty text is one by default. */
export const text = ({ min = 0, max }: { min?: number; max: number }): ParameterCodec<string> => ({
  form: `text of ${min === 0 ? 'at most' : `${min} to`} ${max} characters, none of them a control character`,
  parse: (given) => (given.length >= min && given.length <= max && !CONTROL.test(given) ? given : undefined),
})

/** Values with commas between them: at least one, at most `max`. */
export const list = <T>(codec: ParameterCodec<T>, { max }: { max: number }): ParameterCodec<readonly T[]> => ({
  form: `at most ${max} values with commas between them, each ${codec.form}`,
  parse: (given) => {
    const texts = given.split(',', max + 1)
    const values = texts.map((each) => codec.parse(each)).filter((value) => value !== undefined)
    return texts.length <= max && values.length === texts.length ? values : undefined
  },
})

const MOST_DATABASES = 1000

/** A database's name as PostgreSQL takes it: of 1 to 63 bytes. */
export const databaseName: ParameterCodec<string> = {
  form: 'a name of 1 to 63 bytes without control characters',
  parse: (given) => (isName(given) ? given : undefined),
}

const isName = (given: string) => given !== '' && Buffer.byteLength(given) <= 63 && !CONTROL.test(given)

/** `DBName` of CreateBackup: names of databases with commas between them, none twice. */
export const databaseNames: ParameterCodec<readonly string[]> = {
  form: `names of at most ${MOST_DATABASES} databases with commas between them, each of 1 to 63 bytes, none twice`,
  parse(given) {
    const names = given.split(',', MOST_DATABASES + 1)
    const good = names.every(isName) && new Set(names).size === names.length && names.length <= MOST_DATABASES
    return good ? names : undefined
  },
}

/** JSON that the schema accepts. No string in it may hold NUL, which ends a text wherever C is spoken. */
export const jsonText = <T>(schema: z.ZodType<T>): ParameterCodec<T> => ({
  form: 'JSON text of the structure described',
  parse: (given) => {
    const value = readJson(given)
    return value === undefined ? undefined : schema.safeParse(value).data
  },
})

function readJson(given: string): unknown {
  try {
    return JSON.parse(given, refuseNul)
  } catch {
    return undefined
  }
}

function refuseNul(key: string, value: unknown): unknown {
  if (key.includes('\0') || (typeof value === 'string' && value.includes('\0')))
    throw new SyntaxError('NUL in a string')
  return value
}
