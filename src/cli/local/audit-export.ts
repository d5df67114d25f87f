import { createReadStream } from 'node:fs'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import type { Catalog } from '../../catalog/catalog.ts'
import type { AuditRecord } from '../../core/audit.ts'
import { Fault } from '../../core/fault.ts'
import { appendedFiles } from '../../lib/append-file.ts'
import type { Moment } from '../../lib/clock.ts'
import { isoMillis, parseIso } from '../../lib/time.ts'
import type { ConfigOptions } from '../options.ts'
import type { Parts } from '../parts.ts'
import { auditDirectory, READS } from './audit-files.ts'
import { configOf, withExistingCatalog } from './open.ts'

export interface AuditExportOptions extends ConfigOptions {
  readonly from?: string
  readonly to?: string
}

/** From the first moment, to before the second. */
interface Span {
  readonly from: Moment
  readonly before: Moment
}

/** Prints the audit of this machine as JSON lines: what was changed, from the catalog, then what was read, from the files; each oldest first. */
export async function exportAudit(options: AuditExportOptions, parts: Parts): Promise<void> {
  const config = configOf(options, parts)
  const from = timeOf('--from', options.from) ?? 0
  const span = { from, before: (timeOf('--to', options.to) ?? parts.clock.now()) + 1000 }
  const print = (line: string) => void parts.io.out.write(`${line}\n`)
  await withExistingCatalog(config, parts, (catalog) => printChanges(catalog, span, print))
  const broken = await printReads(auditDirectory(config.dataDir), span, print)
  if (broken > 0) parts.io.err.write(`warning: ${broken} lines are broken off, as a crash leaves them, and left out\n`)
}

function timeOf(option: string, text: string | undefined): Moment | undefined {
  if (text === undefined) return undefined
  const at = parseIso(text)
  if (at === undefined) throw new Fault('invalid', `${option} ${text}`, { hint: 'Write a time as 2026-01-02T03:04Z.' })
  return at
}

const PAGE = 1000

/** From the last page to the first: what is added or forgotten meanwhile moves none of them. */
async function printChanges(catalog: Catalog, span: Span, print: (line: string) => void): Promise<void> {
  const { total } = await catalog.auditRecords({ ...span, offset: 0, limit: 1 })
  for (let page = Math.ceil(total / PAGE) - 1; page >= 0; page--) {
    const { items } = await catalog.auditRecords({ ...span, offset: page * PAGE, limit: PAGE })
    for (const record of items.toReversed()) print(JSON.stringify(lineOf(record)))
  }
}

const lineOf = ({ at, ...record }: AuditRecord) => ({ at: isoMillis(at), kind: 'change', ...record })

/** Gives how many lines were broken. */
async function printReads(directory: string, { from, before }: Span, print: (line: string) => void): Promise<number> {
  let broken = 0
  for (const name of await appendedFiles(directory, READS)) {
    for await (const line of createInterface({ input: createReadStream(join(directory, name)) })) {
      const at = momentOf(line)
      if (at === undefined) broken++
      else if (at >= from && at < before) print(line)
    }
  }
  return broken
}

function momentOf(line: string): Moment | undefined {
  try {
    const { at } = JSON.parse(line) as { at?: unknown }
    return typeof at === 'string' ? parseIso(at) : undefined
  } catch {
    return undefined
  }
}
