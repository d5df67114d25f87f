import { execFileSync, spawnSync } from 'node:child_process'
import { accessSync, constants, existsSync, mkdirSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'

/** A program that tests use as users do: found in PATH or one of `places`, and in Debian's `package`. */
export interface Need {
  readonly program: string
  readonly package: string
  readonly places?: readonly string[]
}

/** Everything the tests take from the operating system. */
export const NEEDS: readonly Need[] = [
  { program: 'postgres', package: 'postgresql-15', places: ['/usr/lib/postgresql/15/bin'] },
  { program: 'pg_createcluster', package: 'postgresql-common' },
  { program: 'zstd', package: 'zstd' },
  { program: 'age', package: 'age' },
  { program: 'tar', package: 'tar' },
  { program: 'curl', package: 'curl' },
  { program: 'wget', package: 'wget' },
  { program: 'openssl', package: 'openssl' },
  { program: 'nginx', package: 'nginx-light', places: ['/usr/sbin'] },
]

/** The packages to install, none twice. `has` tells whether a file can be run; `path` is PATH. */
export function missingPackages(needs: readonly Need[], path: string, has: (file: string) => boolean): string[] {
  const there = (need: Need) => (need.places ?? path.split(':')).some((place) => has(join(place, need.program)))
  return [...new Set(needs.filter((need) => !there(need)).map((need) => need.package))]
}

/** The line that a person runs where we may not. */
export const aptLine = (packages: readonly string[]): string =>
  `sudo apt-get update && sudo apt-get install --no-install-recommends ${packages.join(' ')}`

/**
 * Sees to it that all that is needed is there: as root on Debian by apt, unless HOLDFAST_TEST_INSTALL is 0. Gives what is
 * still missing, having said on stderr what it did.
 */
export function installNeeds(environment: NodeJS.ProcessEnv): string[] {
  const missing = () => missingPackages(NEEDS, environment['PATH'] ?? '', canRun)
  const packages = missing()
  const may = process.getuid?.() === 0 && existsSync('/usr/bin/apt-get') && environment['HOLDFAST_TEST_INSTALL'] !== '0'
  if (packages.length === 0 || !may) return packages
  console.error(`The tests need ${packages.join(', ')}: installing by apt-get (HOLDFAST_TEST_INSTALL=0 forbids it).`)
  withoutServices(() => {
    apt('update')
    apt('install', '--yes', '--no-install-recommends', '-o', 'Dpkg::Options::=--force-confold', ...packages)
  })
  return missing()
}

function canRun(file: string): boolean {
  try {
    accessSync(file, constants.X_OK)
    return true
  } catch {
    return false
  }
}

function apt(...args: string[]): void {
  const { status } = spawnSync('apt-get', ['-q', ...args], {
    stdio: ['ignore', 2, 2],
    env: { ...process.env, DEBIAN_FRONTEND: 'noninteractive' },
  })
  if (status !== 0) console.error(`apt-get ${args[0]} ended with ${status}`)
}

const POLICY = '/usr/sbin/policy-rc.d'
const CLUSTERS = '/etc/postgresql-common/createcluster.conf'

/** Packages of servers make and start one when they are installed; the tests start their own. */
function withoutServices(install: () => void): void {
  if (!existsSync(CLUSTERS)) {
    mkdirSync('/etc/postgresql-common', { recursive: true })
    writeFileSync(CLUSTERS, 'create_main_cluster = false\n')
  }
  const ours = !existsSync(POLICY)
  if (ours) writeFileSync(POLICY, '#!/bin/sh\nexit 101\n', { mode: 0o755 })
  try {
    install()
  } finally {
    if (ours) rmSync(POLICY)
  }
}

/** `PostgreSQL 15.18, zstd 1.5.4, …`: what a test run ran against. */
export function versions(): string[] {
  const ask = (file: string, ...args: string[]) => {
    const { stdout, stderr } = spawnSync(file, args, { encoding: 'utf8' })
    return `${stdout ?? ''}${stderr ?? ''}`.split('\n')[0]?.trim() ?? ''
  }
  return [
    `node ${process.version}`,
    ask('/usr/lib/postgresql/15/bin/postgres', '--version'),
    ask('zstd', '--version'),
    ask('/usr/sbin/nginx', '-v'),
    execFileSync('uname', ['-srm'], { encoding: 'utf8' }).trim(),
  ].filter(Boolean)
}
