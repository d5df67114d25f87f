import { readFile, stat } from 'node:fs/promises'
import { createSecureContext } from 'node:tls'
import { Fault } from '../core/fault.ts'
import type { Clock } from '../lib/clock.ts'
import type { Log } from '../lib/log.ts'

/** Paths of PEM files. */
export interface TlsFiles {
  readonly cert: string
  readonly key: string
}

/** A certificate chain and its private key. */
export interface TlsPair {
  readonly cert: Buffer
  readonly key: Buffer
}

/** How often the files are looked at. */
const LOOK_MS = 2000

/** Reads the pair and sees that they belong together. Fault 'invalid' naming the files otherwise. */
export async function readTlsPair({ cert, key }: TlsFiles): Promise<TlsPair> {
  try {
    const pair = { cert: await readFile(cert), key: await readFile(key) }
    createSecureContext(pair)
    return pair
  } catch (cause) {
    const why = cause instanceof Error ? cause.message : String(cause)
    throw new Fault('invalid', `read the TLS certificate ${cert} and its key ${key}: ${why}`, {
      cause,
      hint: 'api.tls.cert and api.tls.key name PEM files that belong together and that this user may read.',
    })
  }
}

/**
 * Gives each new pair to `use` soon after the files have changed, until `signal` aborts. A pair that cannot be used, as one that is
 * half replaced, is logged and looked at again: the one in use stays.
 */
export async function watchTlsPair(
  files: TlsFiles,
  use: (pair: TlsPair) => void,
  { clock, log, signal }: { readonly clock: Clock; readonly log: Log; readonly signal: AbortSignal },
): Promise<void> {
  let seen = await versionOf(files)
  let complained = ''
  while (!signal.aborted) {
    await clock.sleep(LOOK_MS, signal).catch(() => {})
    const version = await versionOf(files)
    if (signal.aborted || version === seen) continue
    try {
      use(await readTlsPair(files))
      seen = version
      log.info({ cert: files.cert }, 'TLS certificate read again')
    } catch (error) {
      if (complained !== version) log.error({ err: error }, 'the new TLS certificate cannot be used, the old one stays')
      complained = version
    }
  }
}

async function versionOf({ cert, key }: TlsFiles): Promise<string> {
  const versions = [cert, key].map(async (path) => {
    try {
      const { ino, size, mtimeMs } = await stat(path)
      return `${ino} ${size} ${mtimeMs}`
    } catch {
      return 'absent'
    }
  })
  return (await Promise.all(versions)).join(', ')
}
