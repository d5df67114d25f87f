import { glob, mkdir, readFile } from 'node:fs/promises'
import { createServer } from 'node:net'
import { dirname, join } from 'node:path'
import { setTimeout as wait } from 'node:timers/promises'
import { formatBytes } from '../src/cli/units.ts'
import { formatTable } from '../src/cli/table.ts'
import type { Account } from './account.ts'
import { type Checksum, checksums, differences } from './checksums.ts'
import { ask, downloadInTwo } from './download.ts'
import type { EmbeddedPostgres } from './embedded-postgres.ts'
import { type Bar, indented, type Narrator } from './narrator.ts'
import { freePort, launchOnFreePort } from './postgres-process.ts'
import { connectRds, type ListedSet, type Rds, type RestoredPlace } from './rds.ts'
import { addKey, type Key, type Service, startService } from './service.ts'
import { fillSource, type Source, startSource } from './source.ts'
import type { Workplace } from './workplace.ts'

/** What the tour works with. */
export interface TourDeps {
  readonly narrator: Narrator
  readonly postgres: EmbeddedPostgres
  readonly account: Account | undefined
  readonly workplace: Workplace
  readonly port: number | undefined
  /** Ends what was started, the last first. */
  readonly cleanUp: AsyncDisposableStack
  /** Aborts when the tour shall end early. */
  readonly signal: AbortSignal
}

/** What the tour came to. */
export interface Toured {
  readonly service: Service
  readonly key: Key
  readonly instanceId: string
  readonly set: ListedSet
  readonly restored: RestoredPlace
  /** TCP port, and name of the socket, of the restored server. */
  readonly restoredPort: number
  readonly sampleBytes: number
  readonly setBytes: number
  readonly checksums: readonly Checksum[]
  /** What the restored server has otherwise than the source; empty is what we are here for. */
  readonly differences: readonly string[]
}

const INSTANCE = 'pgm-quickstart'

/** The main job, end to end. Rejects when a step fails; a difference found is no failure of the tour. */
export async function tour(deps: TourDeps): Promise<Toured> {
  const { source, sampleBytes } = await makeSource(deps)
  const { service, key, rds } = await serve(deps)
  await register(deps, rds, source)
  const setId = await backUp(deps, rds, sampleBytes)
  const set = await list(deps, rds, setId)
  await download(deps, set)
  await expire(deps, service, key)
  const restored = await restore(deps, rds, setId)
  const { found, different, port } = await compare(deps, source, restored)
  const setBytes = Number(set.backupSize)
  const about = { service, key, instanceId: INSTANCE, set, restored, restoredPort: port, sampleBytes, setBytes }
  return { ...about, checksums: found, differences: different }
}

function makeSource(deps: TourDeps): Promise<{ source: Source; sampleBytes: number }> {
  const { narrator, postgres, account, workplace, cleanUp } = deps
  const heading = `A real PostgreSQL ${postgres.version}, filled with a sample`
  return narrator.step('sample', heading, async (bar) => {
    const source = await startSource({ binDirectory: postgres.binDirectory, account }, workplace.databases)
    cleanUp.defer(() => source.process.stop('immediate'))
    const sampleBytes = await fillSource(source, (done, what) => bar({ label: what, percent: Math.floor(done * 100) }))
    narrator.say(`   ${formatBytes(sampleBytes)}: tables, indexes, a large object, a second tablespace`)
    return { source, sampleBytes }
  })
}

function serve(deps: TourDeps): Promise<{ service: Service; key: Key; rds: Rds }> {
  const { narrator, workplace, cleanUp } = deps
  return narrator.step('serve', 'Holdfast, with its embedded catalog and a store of files', async () => {
    const config = { ...commonConfig(deps), api: { port: deps.port ?? (await usualPort()) } }
    const service = await startService(workplace.service, 'holdfast', config)
    cleanUp.defer(() => service.stop())
    const key = await addKey(service.configFile)
    narrator.say(`   it answers on ${service.url}, and has its first access key, ${key.accessKeyId}`)
    return { service, key, rds: connectRds(service.url, key) }
  })
}

function commonConfig({ workplace, postgres, account }: TourDeps) {
  return {
    dataDir: join(workplace.service, 'data'),
    metrics: { port: 0 },
    drills: { directory: join(workplace.databases, 'drills') },
    restore: {
      roots: [workplace.databases],
      binDirs: [postgres.binDirectory],
      ...(account ? { owner: account.name } : {}),
    },
  }
}

/** The default port where it is free, else any. */
function usualPort(): Promise<number> {
  const probe = createServer()
  return new Promise((resolve) => {
    probe.once('error', () => resolve(0))
    probe.listen(8080, '127.0.0.1', () => probe.close(() => resolve(8080)))
  })
}

function register({ narrator }: TourDeps, rds: Rds, { client }: Source): Promise<void> {
  return narrator.step('register', `RegisterDBInstance: the PostgreSQL becomes instance ${INSTANCE}`, () =>
    rds.register(INSTANCE, {
      Host: client.host,
      Port: String(client.port),
      User: 'postgres',
      Password: client.password,
    }),
  )
}

function backUp({ narrator }: TourDeps, rds: Rds, sampleBytes: number): Promise<string> {
  return narrator.step('backup', 'CreateBackup: a full physical backup', async (bar) => {
    const setId = await rds.backUp(INSTANCE, ({ phase, percent }) =>
      bar({ label: phase, percent, bytes: (sampleBytes * percent) / 100, totalBytes: sampleBytes }),
    )
    bar({ label: 'Finished', percent: 100 })
    narrator.say(`   backup set ${setId}`)
    return setId
  })
}

interface BriefLink {
  readonly url: string
  readonly endsAt: number
}

/**
 * A link with a short life, by a second API process over the same catalog and key that is configured so. It points to the
 * first, which knows nothing of it.
 */
async function briefLink({ workplace, ...deps }: TourDeps, service: Service, key: Key): Promise<BriefLink> {
  const port = await freePort()
  const config = {
    ...commonConfig({ workplace, ...deps }),
    dataDir: join(workplace.service, 'brief'),
    keyFile: join(workplace.service, 'data/key'),
    catalog: { url: `sqlite:${join(workplace.service, 'data/catalog.db')}` },
    store: { url: `file://${join(workplace.service, 'data/store')}` },
    api: { port, publicUrl: service.url },
    links: { lifetimeSeconds: BRIEF_SECONDS },
  }
  const second = await startService(workplace.service, 'brief', config, ['--role', 'api'])
  try {
    const [set] = await connectRds(`http://127.0.0.1:${port}`, key).list(INSTANCE)
    const url = String(set?.backupDownloadURL)
    return { url, endsAt: Number(new URL(url).searchParams.get('Expires')) * 1000 }
  } finally {
    await second.stop()
  }
}

const BRIEF_SECONDS = 2

function list({ narrator }: TourDeps, rds: Rds, setId: string): Promise<ListedSet> {
  return narrator.step('list', 'DescribeBackups, through the official SDK @alicloud/rds20140815', async () => {
    const sets = await rds.list(INSTANCE)
    const columns = [
      { title: 'BackupId', value: (set: ListedSet) => String(set.backupId) },
      { title: 'BackupStatus', value: (set: ListedSet) => String(set.backupStatus) },
      { title: 'BackupType', value: (set: ListedSet) => String(set.backupType) },
      { title: 'BackupMethod', value: (set: ListedSet) => String(set.backupMethod) },
      { title: 'BackupStartTime', value: (set: ListedSet) => String(set.backupStartTime) },
      { title: 'BackupSize', value: (set: ListedSet) => String(set.backupSize), right: true },
    ]
    narrator.say(indented(formatTable(columns, sets)))
    const set = sets.find(({ backupId }) => String(backupId) === setId)
    if (!set?.backupDownloadURL) throw new Error(`DescribeBackups does not list set ${setId} with a link`)
    narrator.say(indented(`BackupDownloadURL: ${set.backupDownloadURL}`))
    return set
  })
}

function download({ narrator, workplace }: TourDeps, set: ListedSet): Promise<void> {
  return narrator.step('download', 'Download by the link, over a connection that breaks half way', async (bar) => {
    const url = new URL(String(set.backupDownloadURL))
    const directory = join(workplace.service, 'download')
    await mkdir(directory)
    const file = join(directory, decodeURIComponent(url.pathname.split('/').at(-1) ?? ''))
    const done = await downloadInTwo(url.href, file, (bytes, totalBytes) =>
      bar({ label: 'download', percent: Math.floor((100 * bytes) / totalBytes), bytes, totalBytes }),
    )
    if (done.bytes !== Number(set.backupSize)) throw new Error(`got ${done.bytes} bytes of ${set.backupSize}`)
    if (done.sha256 !== (await storedSha256(workplace, String(set.backupId)))) {
      throw new Error('the downloaded file is not what the manifest of the set says')
    }
    narrator.say(`   cut after ${formatBytes(done.resumedAt)}, resumed by Range from byte ${done.resumedAt} (206)`)
    narrator.say(`   ${formatBytes(done.bytes)}, SHA-256 as in the manifest: ${done.sha256}`)
  })
}

/** What the manifest in the store says of the one part of a set. */
async function storedSha256({ service }: Workplace, setId: string): Promise<string | undefined> {
  for await (const path of glob('data/store/sets/**/manifest.json', { cwd: service })) {
    const manifest = JSON.parse(await readFile(join(service, path), 'utf8')) as {
      backupId: string
      parts: { sha256: string }[]
    }
    if (manifest.backupId === setId) return manifest.parts[0]?.sha256
  }
  return undefined
}

function expire(deps: TourDeps, service: Service, key: Key): Promise<void> {
  const { narrator, signal } = deps
  const heading = `A link of ${BRIEF_SECONDS} seconds, made by a second API process and asked for when its life has ended`
  return narrator.step('expire', heading, async () => {
    const { url, endsAt } = await briefLink(deps, service, key)
    await wait(Math.max(0, endsAt - Date.now()) + 10, undefined, { signal })
    const { status, contentType, body } = await ask(url)
    narrator.say(indented(`${url}\n${status} ${contentType}\n${body}`))
    if (status !== 403 || !body.includes('<Message>Request has expired.</Message>')) {
      throw new Error('a link whose life has ended was not refused')
    }
  })
}

function restore({ narrator, workplace }: TourDeps, rds: Rds, setId: string): Promise<RestoredPlace> {
  return narrator.step('restore', 'RestoreBackup into an empty directory', async (bar) => {
    const to = join(workplace.databases, 'restored')
    const restored = await rds.restore(INSTANCE, setId, to, ({ phase, percent, bytes, totalBytes }) =>
      bar({ label: phase, percent, bytes, totalBytes }),
    )
    bar({ label: 'done', percent: 100 })
    narrator.say(`   ${restored.dataDirectory}`)
    return restored
  })
}

function compare(deps: TourDeps, source: Source, restored: RestoredPlace) {
  const { narrator, account, cleanUp, workplace } = deps
  return narrator.step('compare', 'The restored server started, and every table compared', async (bar) => {
    const programs = { binDirectory: dirname(restored.startCommand[0] ?? ''), account }
    const log = join(workplace.databases, 'restored.log')
    const server = await launchOnFreePort(programs, restored.dataDirectory, [], log)
    cleanUp.defer(() => server.stop('immediate'))
    const there = { host: restored.socketDirectory, port: server.port, user: restored.superuser, database: 'postgres' }
    const [found, again] = await Promise.all([checksums(source.client, shown(bar)), checksums(there)])
    return { found, different: differences(found, again), port: server.port }
  })
}

const shown = (bar: Bar) => (name: string, done: number, total: number) =>
  bar({ label: name, percent: Math.floor((100 * done) / total) })
