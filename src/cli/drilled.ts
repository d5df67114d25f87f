import { z } from 'zod'
import type { Parts } from './parts.ts'
import { formatBytes } from './units.ts'

/** What a drill that passed found, as its task tells it. */
export const drillShape = z.object({
  seconds: z.object({ restore: z.number(), start: z.number(), check: z.number() }),
  bytes: z.number(),
  databases: z.array(
    z.object({
      name: z.string(),
      check: z.enum(['amcheck', 'read']),
      relations: z.number(),
      indexes: z.number(),
      tables: z.array(z.object({ name: z.string(), rows: z.number() })),
    }),
  ),
  pageChecksums: z.string(),
  pages: z.number(),
  warnings: z.array(z.string()),
})

type Drilled = z.infer<typeof drillShape>

/** Tells what was proven, and what was not looked at. */
export function printDrill(
  BackupId: string,
  found: Drilled,
  { json }: { json?: boolean | undefined },
  { io }: Parts,
): void {
  if (json) {
    io.out.write(`${JSON.stringify({ BackupId, ...found }, null, 2)}\n`)
    return
  }
  const { seconds, databases, pageChecksums, pages } = found
  io.out.write(`set ${BackupId} comes back: ${formatBytes(found.bytes)} restored in ${seconds.restore} s, `)
  io.out.write(`accepted connections after ${seconds.start} s, checked in ${seconds.check} s\n`)
  for (const { name, check, relations, indexes, tables } of databases) {
    const rows = tables.reduce((sum, table) => sum + table.rows, 0)
    const how =
      check === 'amcheck'
        ? `${relations} relations and ${indexes} indexes by amcheck`
        : `${relations} relations read whole, indexes not looked at`
    io.out.write(`  ${name}: ${how}; ${rows} rows in ${tables.length} tables\n`)
  }
  io.out.write(`  page checksums: ${pageChecksums}${pages > 0 ? ` (${pages} pages)` : ''}\n`)
  for (const warning of found.warnings) io.err.write(`warning: ${warning}\n`)
}
