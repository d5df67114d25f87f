import { readFile, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { z } from 'zod'
import { type Account, databaseAccount, makeDirectoryFor } from '../../quickstart/account.ts'
import type { Catalog } from '../../src/catalog/catalog.ts'
import { openCatalog } from '../../src/catalog/open.ts'
import { createClient } from '../../src/cli/remote/client.ts'
import type { NodeAddress } from '../../src/core/instance.ts'
import { systemClock } from '../../src/lib/clock.ts'
import { silentLog } from '../../src/lib/log.ts'
import { openKeyFile } from '../../src/lib/seal.ts'
import { fsStore } from '../../src/store/fs.ts'
import type { Store } from '../../src/store/store.ts'
import { clientEnv, type Serve, SLOW, startServe } from '../lib/service.ts'

export const LEASE_MS = 1000

/** Quick leases, retries and sweeps: the rounds wait for each. Attempts are many, since every kill takes one. */
const SETTINGS = [
  `worker.leaseSeconds=${LEASE_MS / 1000}`,
  'worker.pollSeconds=0.2',
  'worker.retrySeconds=0.1',
  'worker.attempts=20',
  'scheduler.sweepSeconds=0.5',
  // A new instance has a window each night: no round shall meet the backup that is taken in it.
  'scheduler.pollSeconds=1000000',
]

/** How long each chunk of the pretended database takes, of which a backup has a hundred. */
const CHUNK_MS = 5

export interface ServiceWorldOptions {
  /** A real PostgreSQL; a slow pretended one when absent. */
  readonly address?: NodeAddress | undefined
}

/** One data directory, the real service on it, started again whenever its parent was killed, and eyes on its catalog and store. */
export interface ServiceWorld extends AsyncDisposable {
  readonly catalog: Catalog
  readonly store: Store
  readonly storeDirectory: string
  readonly restoreRoot: string
  readonly owner: Account | undefined
  readonly address: NodeAddress
  call(action: string, parameters: Readonly<Record<string, string>>): Promise<unknown>
  /** The child of this role that lives now; 0 when there is none. */
  pidOf(role: 'api' | 'worker'): Promise<number>
  /** Kills the parent and starts the service again. */
  killParent(): Promise<void>
}

const FAKE: NodeAddress = { host: 'slow', port: 5432, user: 'u', password: 'p', sslMode: 'disable' }

export async function openServiceWorld({ address }: ServiceWorldOptions = {}): Promise<ServiceWorld> {
  const owner = await databaseAccount()
  const directory = await makeDirectoryFor(owner, 'holdfast-rounds-', '/tmp')
  const [data, restoreRoot] = [join(directory, 'service'), join(directory)]
  const as = owner ? [`restore.owner=${owner.name}`] : []
  const args = [...SETTINGS, `restore.roots=${restoreRoot}`, ...as].flatMap((setting) => ['--set', setting])
  const program = address ? {} : { program: SLOW, env: { HOLDFAST_TEST_CHUNK_MS: String(CHUNK_MS) } }
  const start = () => startServe({ directory: data, args, ...program })
  let serve = start()
  const url = await serve.url()
  const { HOLDFAST_ACCESS_KEY_ID: accessKeyId = '', HOLDFAST_ACCESS_KEY_SECRET: accessKeySecret = '' } =
    await clientEnv(data, url)
  const clientOf = (endpoint: string) => createClient({ endpoint, accessKeyId, accessKeySecret }, systemClock)
  let client = clientOf(url)
  const catalog = await openEyes(data)
  const storeDirectory = join(data, 'store')
  return {
    catalog,
    store: fsStore(storeDirectory, systemClock),
    storeDirectory,
    restoreRoot,
    owner,
    address: address ?? FAKE,
    call: (action, parameters) => client.call(action, parameters, z.unknown()),
    pidOf: (role) => pidOf(serve, role),
    killParent: async () => {
      serve.signal('SIGKILL')
      await serve.exited
      serve = start()
      client = clientOf(await serve.url())
    },
    [Symbol.asyncDispose]: async () => {
      serve.signal('SIGTERM')
      await serve.exited
      await catalog.close()
      await rm(directory, { recursive: true, force: true, maxRetries: 5 })
    },
  }
}

/** The service's own catalog, read by us beside it. */
async function openEyes(data: string): Promise<Catalog> {
  const sealer = await openKeyFile(join(data, 'key'), (message) => new Error(message))
  const url = `sqlite:${join(data, 'catalog.db')}`
  return openCatalog({ url, sealer, clock: systemClock, log: silentLog, migrate: false })
}

async function pidOf(serve: Serve, role: 'api' | 'worker'): Promise<number> {
  const children = await readFile(`/proc/${serve.pid}/task/${serve.pid}/children`, 'utf8').catch(() => '')
  for (const pid of children.split(' ').filter(Boolean)) {
    const command = await readFile(`/proc/${pid}/cmdline`, 'utf8').catch(() => '')
    if (command.split('\0').includes(role)) return Number(pid)
  }
  return 0
}
