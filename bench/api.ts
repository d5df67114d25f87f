/**
 * DescribeBackups, a page of 30, beside a bare node:http server that sends the same bytes, over small and large catalogs.
 * `npm run bench:api -- [--largest 10000000] [--rounds 3] [--seconds 4]`; writes its section of docs/performance.md.
 * Needs Debian's wrk, and two processors: the server has one, the load the other.
 */
import { execFile, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { parseArgs, promisify } from 'node:util'
import { instanceName, loadCatalog, type Load } from './catalog-load.ts'
import { pinned, type Service, startService } from './holdfast.ts'
import { median, spread } from './measure.ts'
import { table, writeSection } from './page.ts'
import { type Call, formatRequest, type Signature, writeRequests } from './requests.ts'

const run = promisify(execFile)
const here = (name: string) => fileURLToPath(new URL(name, import.meta.url))
const { values } = parseArgs({
  options: {
    largest: { type: 'string', default: '10000000' },
    rounds: { type: 'string', default: '3' },
    seconds: { type: 'string', default: '4' },
  },
})
const [rounds, seconds] = [Number(values.rounds), Number(values.seconds)]
/** More requests than any service of ours answers in a run: each nonce is sent once. */
const requests = seconds * 25_000
const directory = await mkdtemp('/var/tmp/holdfast-bench-')

/** What one kind of call reached, in requests a second, and the bare server beside it in the same rounds. */
interface Row {
  readonly name: string
  readonly ours: number[]
  readonly bare: number[]
  readonly bytes: number
}

/** Sends the requests of a file for some seconds and gives requests a second. Throws when an answer was no success. */
async function replay(url: string, file: string): Promise<number> {
  const args = ['-c', '1', 'wrk', '-t1', '-c16', `-d${seconds}s`, '-s', here('replay.lua'), url]
  const { stdout } = await run('taskset', args, { env: { ...process.env, REQUESTS: file } })
  const [count, micros, errors] = /RESULT (\d+) (\d+) (\d+)/.exec(stdout)?.slice(1).map(Number) ?? []
  if (!count || !micros || errors === undefined) throw new Error(`wrk said: ${stdout}`)
  if (errors > 0) throw new Error(`${errors} of ${count} requests failed at ${url}`)
  return (count / micros) * 1e6
}

async function sign(service: Service, signature: Signature, call: (n: number) => Call): Promise<string> {
  const file = join(directory, 'requests')
  const { host } = new URL(service.url)
  await writeRequests(file, requests, (n) => formatRequest(signature, host, service.key, call(n)))
  return file
}

/** Measures one kind of call, ours and bare in turn, the order alternated; the first round warms up. */
async function measure(name: string, service: Service, signature: Signature, call: (n: number) => Call): Promise<Row> {
  const reply = await service.call(
    'call',
    'DescribeBackups',
    `DBInstanceId=${call(0).instance}`,
    `PageNumber=${call(0).page}`,
  )
  const body = join(directory, 'body')
  await writeFile(body, JSON.stringify(reply))
  const bare = spawn(...pinned(0, process.execPath, [here('bare-server.ts'), body]), {
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  const [port] = (await once(bare.stdout, 'data')) as [Buffer]
  const row: Row = { name, ours: [], bare: [], bytes: JSON.stringify(reply).length }
  const steps = [
    async () => row.ours.push(await replay(service.url, await sign(service, signature, call))),
    async () =>
      row.bare.push(await replay(`http://127.0.0.1:${String(port).trim()}`, await sign(service, signature, call))),
  ]
  for (let round = 0; round <= rounds; round++) {
    for (const step of round % 2 === 0 ? steps : steps.toReversed()) await step()
    if (round === 0) row.ours.length = row.bare.length = 0
  }
  bare.kill()
  await once(bare, 'exit')
  process.stderr.write(`${name}: ${spread(row.ours, 0)} of ${spread(row.bare, 0)} a second\n`)
  return row
}

/** A data directory whose catalog is loaded. */
async function loaded(load: Load): Promise<string> {
  const data = await mkdtemp(join(directory, 'data-'))
  await loadCatalog(data, load)
  return data
}

/** A service over a data directory, pinned to one processor. */
async function withService(data: string, cacheBytes: number, work: (service: Service) => Promise<void>): Promise<void> {
  const settings = [`limits.cacheBytes=${cacheBytes}`, 'limits.noncesPerKey=20000000']
  await using service = await startService(data, settings, { processor: 0 })
  await work(service)
}

const CACHE = 67_108_864
const rows: Row[] = []
for (const sets of [1e3, 1e5, 1e7].filter((size) => size <= Number(values.largest))) {
  const instances = Math.min(1e4, sets / 100)
  const data = await loaded({ instances, setsPerInstance: sets / instances })
  const label = `10^${Math.log10(sets)} sets`
  const hot = (): Call => ({ instance: instanceName(0), page: 1 })
  const uniform = (n: number): Call => ({ instance: instanceName((n * 7919) % instances), page: 1 })
  for (const signature of ['V1', 'V3'] as const) {
    await withService(data, CACHE, async (service) => {
      rows.push(await measure(`${label}, one hot page, hits, ${signature}`, service, signature, hot))
    })
    await withService(data, 0, async (service) => {
      rows.push(await measure(`${label}, uniform, misses, ${signature}`, service, signature, uniform))
    })
  }
  await rm(data, { recursive: true })
}
await withService(await loaded({ instances: 1, setsPerInstance: 1e5 }), 0, async (service) => {
  const page = (number: number) => (): Call => ({ instance: instanceName(0), page: number })
  rows.push(await measure('an instance of 10^5 sets, first page, misses, V1', service, 'V1', page(1)))
  rows.push(await measure('the same, a page in the middle', service, 'V1', page(1667)))
  rows.push(await measure('the same, its last full page', service, 'V1', page(3333)))
})
report()
await rm(directory, { recursive: true })

function report(): void {
  const ratio = ({ ours, bare }: Row) => median(ours) / median(bare)
  const body = `Requests a second of one API process and of a bare \`node:http\` server that sends the same bytes, each alone on one
processor, the load (wrk, 16 connections, every request signed with a nonce of its own) on the other; ${rounds} counted rounds of
${seconds} s after a warm-up, order alternated; median and spread. Aims: half of the bare server for a page in the cache, a
tenth for one that is not, the same at 10^7 sets as at 10^3 within 10 %, the last page in at most 1.5 of the time of the first.
10^3 and 10^5 sets are spread over as many instances as give each a hundred, 10^7 over 10^4.

${table(
  ['DescribeBackups', 'reply bytes', 'ours', 'bare', 'ratio'],
  rows.map((row) => [row.name, String(row.bytes), spread(row.ours, 0), spread(row.bare, 0), ratio(row).toFixed(2)]),
)}`
  writeSection('DescribeBackups', 'npm run bench:api', body)
  process.stdout.write(`${body}\n`)
}
