import { Fault } from '../../core/fault.ts'
import type { SetReader } from '../../core/set-reader.ts'
import { feedProgram } from '../../lib/program.ts'
import type { Bytes } from '../../lib/streams.ts'
import type { IntoRequest } from '../engine.ts'
import type { ClientSession } from './client-session.ts'
import { majorOf } from './binaries.ts'
import type { Tool } from './client-tools.ts'

/** What pg_restore is run with. */
export interface DumpReader {
  readonly tool: Tool
  readonly session: ClientSession
  readonly set: SetReader
  readonly request: Pick<IntoRequest, 'owners' | 'tablespaces'>
  readonly signal: AbortSignal | undefined
  /** Told of each piece of a dump that was read. */
  readonly count: (bytes: number) => void
}

/** The options that decide whose things are and where they lie, for pg_restore. */
export const placing = ({ owners, tablespaces }: DumpReader['request']): string[] => [
  ...(owners ? [] : ['--no-owner', '--no-acl']),
  ...(tablespaces ? [] : ['--no-tablespaces']),
]

/**
 * Runs pg_restore over a part of the set. Every byte of it is read and checked, also what is not wanted; with `beginning` no more
 * is read than pg_restore asks for.
 */
export async function restorePart(
  reader: DumpReader,
  part: string,
  args: readonly string[],
  { doing, beginning = false }: { readonly doing: string; readonly beginning?: boolean },
): Promise<void> {
  const body = reader.set.read(part, undefined, { signal: reader.signal })
  await restoreBytes(reader, beginning ? body : counted(body, reader.count), args, { doing, beginning })
}

/** Runs pg_restore over a dump, which need not be of the set. */
export async function restoreBytes(
  { tool, session, request }: DumpReader,
  body: Bytes,
  args: readonly string[],
  { doing, beginning = false }: { readonly doing: string; readonly beginning?: boolean },
): Promise<void> {
  const all = ['--no-password', '--exit-on-error', ...placing(request), ...args]
  await feedProgram(tool.path, all, body, {
    ...session.options('engine_failed', doing, rightsHint),
    whole: !beginning,
  })
}

const rightsHint = (said: string): string | undefined =>
  /permission denied|must be (owner|superuser|member|able)/.test(said)
    ? 'Restore as a superuser, or leave ownership and rights out (--no-owner).'
    : undefined

/** More than any list of what to do to one database. */
const LARGEST_SCRIPT = 64 * 1024 * 1024

/**
 * The SQL that pg_restore makes of what a dump holds at its beginning: reads no further than it must. Fault 'unsupported' when it
 * could not read the rows behind that.
 */
export async function scriptOf(
  reader: DumpReader,
  part: string,
  args: readonly string[],
  doing: string,
): Promise<string> {
  const chunks: Buffer[] = []
  let size = 0
  const onOutput = (chunk: Buffer) => {
    size += chunk.length
    if (size <= LARGEST_SCRIPT) chunks.push(chunk)
  }
  let said = ''
  const onSaid = (text: string) => (said = text)
  const options = { ...reader.session.options('engine_failed', doing), whole: false, onOutput, onSaid }
  const body = reader.set.read(part, undefined, { signal: reader.signal })
  await feedProgram(reader.tool.path, [...args, '--file=-'], body, options)
  needDecompression(reader.tool, doing, said)
  if (size > LARGEST_SCRIPT) throw options.fail(`it is larger than ${LARGEST_SCRIPT} bytes`)
  return Buffer.concat(chunks).toString()
}

/** Built without what the rows are compressed by, pg_restore warns of it, and is content as long as it need not read them. */
function needDecompression({ path, version }: Tool, doing: string, said: string): void {
  if (!said.includes('this installation does not support compression')) return
  throw new Fault('unsupported', `${doing}: ${path} was built without zstd, by which the rows are compressed`, {
    hint: `Install the package postgresql-client-${majorOf(version)} (Debian and Ubuntu), or name the directory of another pg_restore in restore.binDirs.`,
  })
}

async function* counted(bytes: Bytes, count: (bytes: number) => void): Bytes {
  for await (const chunk of bytes) {
    count(chunk.length)
    yield chunk
  }
}
