import { z } from 'zod'
import type { Parts } from './parts.ts'
import { formatFields } from './table.ts'
import { formatBytes } from './units.ts'

/** What is told of a restored database. */
export const restoredShape = z.object({
  dataDirectory: z.string(),
  startCommand: z.array(z.string()).readonly(),
  port: z.number(),
  socketDirectory: z.string(),
  files: z.number(),
  bytes: z.number(),
  warnings: z.array(z.string()).readonly(),
})
export type RestoredInfo = z.infer<typeof restoredShape>

/** Tells where a restored database lies and how it is started. Warnings go to stderr. */
export function printStart(setId: string, restored: RestoredInfo, { io }: Parts): void {
  for (const warning of restored.warnings) io.err.write(`warning: ${warning}\n`)
  io.out.write(
    formatFields({
      'restored set': setId,
      'data directory': restored.dataDirectory,
      files: `${restored.files}, ${formatBytes(restored.bytes)}`,
      port: String(restored.port),
      'socket directory': restored.socketDirectory,
      'start it with': restored.startCommand.map(quote).join(' '),
    }),
  )
}

const quote = (word: string) => (/^[\w./:=@%+-]+$/.test(word) ? word : `'${word.replaceAll("'", String.raw`'\''`)}'`)
