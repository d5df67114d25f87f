import { execFile } from 'node:child_process'
import { open, readFile, writeFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { setTimeout as wait } from 'node:timers/promises'
import { promisify } from 'node:util'
import { stringify } from 'yaml'
import { startTied } from './tied.ts'

const run = promisify(execFile)
const program = join(dirname(import.meta.dirname), 'src/main.ts')

/** A running `holdfast serve`. */
export interface Service {
  /** Base URL of its API. */
  readonly url: string
  readonly configFile: string
  readonly logFile: string
  /** As SIGTERM asks it to, orderly. */
  stop(): Promise<void>
}

/** An access key, as printed the one time it can be seen. */
export interface Key {
  readonly accessKeyId: string
  readonly accessKeySecret: string
}

/**
 * Writes this configuration to `<directory>/<name>.yaml` and runs `holdfast serve` with it until it says that it is ready. It
 * does not outlive us. Rejects with the end of its log when it ends before.
 */
export async function startService(
  directory: string,
  name: string,
  config: object,
  args: readonly string[] = [],
): Promise<Service> {
  const configFile = join(directory, `${name}.yaml`)
  const logFile = join(directory, `${name}.log`)
  await writeFile(configFile, stringify(config), { mode: 0o600 })
  const log = await open(logFile, 'a')
  const started = startTied(process.execPath, [program, 'serve', '--config', configFile, ...args], {
    signal: 'SIGTERM',
    env: cleanEnvironment(),
    output: [log.fd, log.fd],
  })
  await log.close()
  let ended = false
  void started.gone.then(() => (ended = true))
  for (let round = 0; round < 1200 && !ended; round++) {
    const url = readyUrl(await readFile(logFile, 'utf8'))
    if (url) return { url, configFile, logFile, stop: () => started.end('SIGTERM') }
    await wait(25)
  }
  await started.end('SIGTERM')
  throw new Error(`holdfast serve did not start: ${(await readFile(logFile, 'utf8')).slice(-2000)}`)
}

/** Makes an access key in the catalog of a configuration, on this machine: nothing else may, before there is a first key. */
export async function addKey(configFile: string): Promise<Key> {
  const args = [program, 'keys', 'add', '--local', '--json', '--config', configFile, '--description', 'quickstart']
  const { stdout } = await run(process.execPath, args, { env: cleanEnvironment() })
  const made = JSON.parse(stdout) as { AccessKeyId: string; AccessKeySecret: string }
  return { accessKeyId: made.AccessKeyId, accessKeySecret: made.AccessKeySecret }
}

/** Ours without settings of another Holdfast, which would outrank the configuration file. */
function cleanEnvironment(): NodeJS.ProcessEnv {
  return Object.fromEntries(Object.entries(process.env).filter(([name]) => !name.startsWith('HOLDFAST_')))
}

/** The address in the one line of the log that says that the service answers. */
function readyUrl(log: string): string | undefined {
  for (const line of log.split('\n').filter((text) => text.includes('"msg":"ready"'))) {
    const { url } = JSON.parse(line) as { url?: string }
    if (url) return url
  }
  return undefined
}
