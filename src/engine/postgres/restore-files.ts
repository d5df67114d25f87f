import { readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { Fault } from '../../core/fault.ts'
import type { EngineOptions } from '../engine.ts'
import { applyIncrement } from './apply-increment.ts'
import { isListed } from './backup-manifest.ts'
import { writeCombinedManifest } from './combined-manifest.ts'
import { extract } from './extract.ts'
import { createFileList, type FileList, type FileSum } from './file-list.ts'
import { incrementOf } from './increment-file.ts'
import { parseLsn } from './lag.ts'
import type { Chain, Member } from './restore-chain.ts'
import { targetFault } from './restore-fault.ts'
import type { Owner } from './restore-owner.ts'
import { checkFiles } from './restore-verify.ts'
import { syncTree } from './sync-tree.ts'

interface Place {
  readonly root: string
  readonly owner: Owner
}

/** What the sets written so far have left. */
interface Written {
  readonly lists: FileList[]
  /** Files that an increment wrote blocks into, and what they came to if that is known. */
  readonly changed: Map<string, FileSum | undefined>
  /** Bytes of the tars read whole. */
  bytes: number
  files: number
}

/**
 * Writes the files of a chain below `root`: its full set once, then each increment over it, every one read once and held against the
 * server's own manifest of it. What lies there afterwards is what the server had when the last set was taken, with a manifest that says so.
 */
export async function writeFiles(
  chain: Chain,
  place: Place,
  options: EngineOptions,
): Promise<{ files: number; bytes: number }> {
  const written: Written = { lists: [], changed: new Map(), bytes: 0, files: 0 }
  let start: bigint | undefined
  for (const member of chain.members) {
    try {
      await writeMember(chain, member, { place, written, options })
      start = await checkLabel(place.root, start)
    } catch (error) {
      throw chain.members.length > 1 ? named(error, chain, member) : error
    }
  }
  if (chain.members.length > 1) await finish(place, written, options)
  return { files: written.files, bytes: written.bytes }
}

interface Writing {
  readonly place: Place
  readonly written: Written
  readonly options: EngineOptions
}

async function writeMember(chain: Chain, member: Member, { place, written, options }: Writing): Promise<void> {
  const { root, owner } = place
  const isLast = member === chain.last
  const list = createFileList()
  const before = written.lists.at(-1)
  written.files = 0
  const told = {
    signal: options.signal,
    onFile: (path: string, size: number, crc: number) => {
      written.files += 1
      if (isListed(path)) list.add(path, size, crc)
    },
    onBytes: (done: number) =>
      options.onProgress?.({ phase: 'writing', bytes: written.bytes + done, totalBytes: chain.bytes }),
    // Recovery begins where the last set does: its own log is all that is needed.
    isSkipped: (name: string) => !isLast && name.startsWith('data/pg_wal/'),
  }
  const where = { directory: root, directoryMode: modeOf(member), owner } as const
  const tar = member.set.read('data', undefined, options)
  if (before === undefined) await extract(tar, where, { ...told, durable: isLast })
  else {
    await applyIncrement(tar, where, {
      ...told,
      blockSize: member.facts.blockSize,
      isLast,
      wasThere: (path) => before.look(path) !== undefined || before.look(incrementOf(path)) !== undefined,
      sumOf: (path) => sumOf(path, written),
      onChanged: (path, sum) => written.changed.set(path, sum),
      onReplaced: (path) => written.changed.delete(path),
    })
  }
  written.bytes += member.bytes
  options.onProgress?.({ phase: 'checking', bytes: written.bytes, totalBytes: chain.bytes })
  const walSegmentSize = isLast ? member.facts.walSegmentSize : undefined
  await checkFiles(list, join(root, 'data'), { walSegmentSize, signal: options.signal })
  written.lists.push(list)
}

/** What a file came to: as the last set that has it whole says, or as increments left it since. */
function sumOf(path: string, { changed, lists }: Written): FileSum | undefined {
  if (changed.has(path)) return changed.get(path)
  for (const list of lists.toReversed()) {
    const known = list.look(path)
    if (known) return known
  }
  return undefined
}

const modeOf = ({ facts }: Member) => (facts.dataDirectoryMode === '0750' ? 0o750 : 0o700)

/** Where the member that was just written begins; it must add to one that begins at `expected`, or to none. */
async function checkLabel(root: string, expected: bigint | undefined): Promise<bigint | undefined> {
  const label = await readFile(join(root, 'data/backup_label'), 'latin1').catch(() => '')
  const base = /^INCREMENTAL FROM LSN: (\S+)$/m.exec(label)?.[1]
  if ((base === undefined ? undefined : parseLsn(base)) !== expected) {
    throw new Fault(
      'store_corrupt',
      expected === undefined
        ? 'read the set: its backup_label is that of an increment'
        : `read the set: its backup_label says that it adds to a backup from ${base ?? 'nowhere'}, which the set before it is not`,
    )
  }
  const start = /^START WAL LOCATION: (\S+) /m.exec(label)?.[1]
  return start === undefined ? undefined : parseLsn(start)
}

async function finish({ root, owner }: Place, written: Written, { signal }: EngineOptions): Promise<void> {
  const path = join(root, 'data/backup_label')
  try {
    const label = await readFile(path, 'latin1')
    await writeFile(path, label.replaceAll(/^INCREMENTAL FROM .*\n/gm, ''), { encoding: 'latin1', flush: true })
  } catch (error) {
    throw targetFault(error, `write ${path}`)
  }
  await writeCombinedManifest({ root, owner, sumOf: (file) => sumOf(file, written), signal })
  await syncTree(root, { signal })
}

/** Damage, with the set of the chain that has it. */
function named(error: unknown, chain: Chain, member: Member): unknown {
  if (!Fault.is(error, 'store_corrupt')) return error
  const [whole, one] = [chain.last.set.manifest.backupId, member.set.manifest.backupId]
  const which = whole === one ? `set ${one}` : `set ${one}, which set ${whole} needs`
  return new Fault('store_corrupt', `restore ${which}: ${error.message}`, { hint: error.hint, cause: error })
}
