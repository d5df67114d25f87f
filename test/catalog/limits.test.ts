import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { text } from 'node:stream/consumers'
import { after, test } from 'node:test'
import { fileURLToPath } from 'node:url'
import { openCatalog } from '../../src/catalog/open.ts'
import { systemClock } from '../../src/lib/clock.ts'
import { silentLog } from '../../src/lib/log.ts'
import { instance, node } from '../contract/catalog/fixture.ts'
import { postgresDatabases } from './postgres-databases.ts'
import { sealerOf } from './sealer.ts'

const CLAIMER = fileURLToPath(new URL('claimer.ts', import.meta.url))
const LIMITS = { bulk: 3, perHost: 2 }

interface Claims {
  readonly claimed: readonly string[]
  readonly most: number
  readonly mostAtHost: number
}

async function claimer(url: string, name: string): Promise<Claims> {
  const words = [CLAIMER, url, name, String(LIMITS.bulk), String(LIMITS.perHost)]
  const child = spawn(process.execPath, words, { stdio: ['ignore', 'pipe', 'inherit'] })
  return JSON.parse(await text(child.stdout)) as Claims
}

/** Thirty backups that wait at four hosts, and four processes that do them. */
async function proveLimits(url: string): Promise<void> {
  const catalog = await openCatalog({ url, sealer: sealerOf(1), clock: systemClock, log: silentLog })
  for (let at = 0; at < 30; at++) {
    const host = `host-${at % 4}`
    await catalog.addInstance(instance(`pg-${at}`, { nodes: [node(host)] }))
    await catalog.addTask({ kind: 'take-backup', instanceId: `pg-${at}`, request: host })
  }
  const all = await Promise.all(['a', 'b', 'c', 'd'].map((name) => claimer(url, name)))
  const claimed = all.flatMap((one) => one.claimed)
  assert.deepEqual([claimed.length, new Set(claimed).size], [30, 30])
  const most = Math.max(...all.map((one) => one.most))
  assert.ok(most <= LIMITS.bulk, `${most} ran at once`)
  assert.ok(Math.max(...all.map((one) => one.mostAtHost)) <= LIMITS.perHost)
  await catalog.close()
}

test('processes that claim at once from one SQLite file keep the limits, and leave nothing undone', async () => {
  const directory = await mkdtemp(join(tmpdir(), 'holdfast-limits-'))
  after(() => rm(directory, { recursive: true }))
  await proveLimits(`sqlite:${join(directory, 'catalog.db')}`)
})

test('processes that claim at once from a PostgreSQL database keep the limits, and leave nothing undone', async () => {
  const databases = postgresDatabases(18)
  after(() => databases.close())
  const { url, password } = await databases.make()
  const whole = new URL(url)
  whole.password = encodeURIComponent(password ?? '')
  await proveLimits(whole.href)
})
