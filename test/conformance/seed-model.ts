/** What the DescribeBackups page says of one set, as far as its filters look at it. */
export interface Row {
  readonly id: string
  readonly startedAt: number
  readonly status: string
  readonly mode: string
  readonly type: string
}

/** Parameters as a caller writes them. */
export type Ask = Readonly<Partial<Record<AskName, string>>>
export type AskName =
  | 'BackupId'
  | 'BackupStatus'
  | 'BackupMode'
  | 'BackupType'
  | 'StartTime'
  | 'EndTime'
  | 'PageSize'
  | 'PageNumber'

/** Either every code that the page allows for this call, or the page of sets. */
export type Answer =
  | { readonly codes: readonly string[] }
  | { readonly codes?: never; readonly total: number; readonly page: number; readonly ids: readonly string[] }

const GRAMMAR: Readonly<Record<AskName, { readonly form: RegExp; readonly code: string }>> = {
  BackupId: { form: /^(0|[1-9]\d{0,15})$/, code: 'InvalidParameter' },
  BackupStatus: { form: /^(Success|Failed)$/, code: 'InvalidParameter' },
  BackupMode: { form: /^(Automated|Manual)$/, code: 'InvalidParameter' },
  BackupType: { form: /^(FullBackup|IncrementalBackup)$/, code: 'InvalidParameter' },
  StartTime: { form: /^\d{4}-\d\d-\d\dT\d\d:\d\d(:\d\d)?Z$/, code: 'InvalidStartTime.Format' },
  EndTime: { form: /^\d{4}-\d\d-\d\dT\d\d:\d\d(:\d\d)?Z$/, code: 'InvalidEndTime.Format' },
  PageSize: { form: /^(30|50|100)$/, code: 'InvalidMaxRecordsPerPage.Malformed' },
  PageNumber: { form: /^[1-9]\d{0,9}$/, code: 'InvalidPageNumbers.Malformed' },
}

/** A naive reading of the page: filter, sort, cut. An empty filter is none; a page is asked for by a number or not at all. */
export function seedAnswer(rows: readonly Row[], asked: Ask): Answer {
  const ask: Ask = Object.fromEntries(
    Object.entries(asked).filter(([name, value]) => value !== '' || name === 'PageSize' || name === 'PageNumber'),
  )
  const wrong = (Object.entries(ask) as [AskName, string][]).filter(([name, value]) => !isRight(name, value))
  if (wrong.length > 0) return { codes: wrong.map(([name]) => GRAMMAR[name].code) }
  const from = seconds(ask.StartTime) ?? -Infinity
  const to = seconds(ask.EndTime) ?? Infinity
  if (to <= from) return { codes: ['InvalidParameterCombination'] }

  const found = rows
    .filter((row) => ask.BackupId === undefined || row.id === ask.BackupId)
    .filter((row) => ask.BackupStatus === undefined || row.status === ask.BackupStatus)
    .filter((row) => ask.BackupMode === undefined || row.mode === ask.BackupMode)
    .filter((row) => ask.BackupType === undefined || row.type === ask.BackupType)
    .filter((row) => Math.floor(row.startedAt / 1000) >= from && Math.floor(row.startedAt / 1000) <= to)
    .toSorted((a, b) => b.startedAt - a.startedAt || Number(b.id) - Number(a.id))
  const size = Number(ask.PageSize ?? 30)
  const page = Number(ask.PageNumber ?? 1)
  return {
    total: found.length,
    page,
    ids: found.slice((page - 1) * size, page * size).map(({ id }) => id),
  }
}

function isRight(name: AskName, value: string): boolean {
  if (!GRAMMAR[name].form.test(value)) return false
  if (name === 'BackupId') return Number(value) <= Number.MAX_SAFE_INTEGER
  if (name === 'PageNumber') return Number(value) <= 2_147_483_647
  if (name === 'StartTime' || name === 'EndTime') return seconds(value) !== undefined
  return true
}

/** Seconds since 1970, by the calendar and not by the program under test; undefined for a day that does not exist. */
function seconds(text: string | undefined): number | undefined {
  const [year = 0, month = 0, day = 0, hour = 0, minute = 0, second = 0] = (text?.match(/\d+/g) ?? []).map(Number)
  if (text === undefined || hour > 23 || minute > 59 || second > 59) return undefined
  const date = new Date(0)
  date.setUTCFullYear(year, month - 1, day)
  if (date.getUTCMonth() !== month - 1 || date.getUTCDate() !== day) return undefined
  return date.getTime() / 1000 + hour * 3600 + minute * 60 + second
}
