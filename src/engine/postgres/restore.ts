import { join } from 'node:path'
import { Fault } from '../../core/fault.ts'
import type { PostgresFacts } from '../../core/manifest.ts'
import type { SetReader } from '../../core/set-reader.ts'
import { syncDirectory } from '../../lib/files.ts'
import type { EngineOptions, Restored, RestoreOptions, Target } from '../engine.ts'
import { findBinaries, majorOf, type Binaries } from './binaries.ts'
import { extensionWarnings, libcWarnings, localeWarnings } from './collation.ts'
import { chainOf } from './restore-chain.ts'
import { replaceConfiguration } from './replace-configuration.ts'
import { majorIn, makeConfiguration } from './restore-configuration.ts'
import { writeFiles } from './restore-files.ts'
import { linkTablespaces, releaseHeld, removeSignals } from './restore-layout.ts'
import { inspectMachine, type RestoreMachine } from './restore-machine.ts'
import { restoreLogical } from './restore-logical.ts'
import type { Owner } from './restore-owner.ts'
import { freePort } from './restore-port.ts'
import { makeSocketDirectory } from './restore-socket.ts'
import { claimTarget, emptyTarget, reachWarnings, releaseTarget } from './restore-target.ts'

/**
 * Restores a full set, or the last of a chain, into a target: `data/`, `tablespaces/<oid>/` and `RESTORE.txt` below it, each file held against the
 * server's own backup_manifest, and a configuration of its own. Resolves when every file and directory is durable; until
 * then nothing there can be started. A logical set becomes a server of its own there: see `restoreLogical`.
 *
 * Before anything is written: Fault 'unsupported' for a set of another kind, architecture or a version whose programs
 * are not on this machine; and the faults of a target that is not empty or has no room. Fault 'store_corrupt' for a set that is not what it says.
 * One that is cancelled leaves the target empty; one that fails leaves what it wrote, for a person to look at.
 */
export async function restore(
  target: Target,
  chain: readonly SetReader[],
  request: RestoreOptions,
  options: EngineOptions = {},
): Promise<Restored> {
  const [first] = chain
  return first?.manifest.logical
    ? restoreLogical(target, first, request, options)
    : restorePhysical(target, chain, request, options)
}

async function restorePhysical(
  target: Target,
  chain: readonly SetReader[],
  request: RestoreOptions,
  options: EngineOptions,
): Promise<Restored> {
  const found = chainOf(chain, request)
  const { bytes } = found
  const { facts } = found.last
  checkArchitecture(facts)
  const binaries = await findBinaries(majorIn(facts), request.binDirs ?? [], options)
  const root = await claimTarget(target, bytes)
  try {
    return await fill(root, { found, binaries, owner: target.owner, bytes }, request, options)
  } catch (error) {
    if (Fault.is(options.signal?.reason, 'cancelled')) await emptyTarget(root)
    throw error
  }
}

interface Filling {
  readonly found: ReturnType<typeof chainOf>
  readonly binaries: Binaries
  readonly owner: Owner
  readonly bytes: number
}

/** What a restore does in a target that is its own. */
async function fill(
  root: string,
  { found, binaries, owner, bytes }: Filling,
  request: RestoreOptions,
  options: EngineOptions,
): Promise<Restored> {
  const { facts } = found.last
  const extracted = await writeFiles(found, { root, owner }, options)
  options.onProgress?.({ phase: 'finishing', bytes, totalBytes: bytes })
  await linkTablespaces(root, owner)
  const machine = await inspectMachine(binaries, join(root, 'data'), options)
  const socket = await makeSocketDirectory(root, owner)
  const port = await freePort()
  const configuration = makeConfiguration({
    facts,
    machine,
    port,
    socketDirectory: socket.directory,
    keepSideEffects: request.keepSideEffects ?? false,
  })
  const warnings = [
    ...(await reachWarnings(join(root, 'data'), owner, options)),
    ...socket.warnings,
    ...warningsOf(facts, machine, binaries, owner),
    ...configuration.warnings,
  ]
  await replaceConfiguration(join(root, 'data'), configuration, owner)
  await removeSignals(root)
  for (const directory of [join(root, 'data'), root]) await syncDirectory(directory)
  await releaseHeld(root)
  await releaseTarget(root)
  return {
    dataDirectory: join(root, 'data'),
    startCommand: [binaries.postgres, '-D', join(root, 'data')],
    port: configuration.port,
    socketDirectory: socket.directory,
    superuser: facts.superuser ?? 'postgres',
    files: extracted.files,
    bytes: extracted.bytes,
    warnings,
  }
}

/** Node's names of what PostgreSQL's version() calls by the compiler's. */
const ARCHITECTURES: Readonly<Record<string, readonly string[]>> = {
  x64: ['x86_64', 'amd64'],
  arm64: ['aarch64', 'arm64'],
  ppc64: ['powerpc64le', 'ppc64le'],
  s390x: ['s390x'],
  riscv64: ['riscv64'],
}

function checkArchitecture({ architecture }: PostgresFacts): void {
  const ours = ARCHITECTURES[process.arch] ?? [process.arch]
  if (architecture === '' || ours.includes(architecture)) return
  throw new Fault('unsupported', `restore: the set is of a server on ${architecture}, this machine is ${ours[0]}`, {
    hint: "PostgreSQL's files are not portable between architectures: restore on a machine like the source.",
  })
}

function warningsOf(facts: PostgresFacts, machine: RestoreMachine, binaries: Binaries, owner: Owner): string[] {
  const all = [
    ...damageWarnings(facts),
    ...libcWarnings(facts, machine.libcVersion),
    ...localeWarnings(facts, machine.hasLocale),
    ...extensionWarnings(facts, machine.hasExtension),
  ]
  if (process.geteuid?.() === 0 && !owner) {
    all.push('the files belong to root, and PostgreSQL does not run as root: give them to its user before starting')
  }
  const [theirs, ours] = [facts.serverVersionText, binaries.version]
  if (majorOf(theirs) === majorOf(ours) && olderMinor(ours, theirs)) {
    all.push(`the source ran ${theirs}, this machine has the older ${ours}: update before you use it`)
  }
  return all
}

function damageWarnings({ pageChecksums, badPages }: PostgresFacts): string[] {
  if (pageChecksums !== 'failed') return []
  const where = badPages.length === 0 ? 'pages that the server did not name' : badPages.join('; ')
  return [`the source had bad page checksums when the set was taken, and what is restored has them too: ${where}`]
}

function olderMinor(ours: string, theirs: string): boolean {
  const minor = (version: string) => Number(/^\d+\.(\d+)/.exec(version)?.[1] ?? 0)
  return minor(ours) < minor(theirs)
}
