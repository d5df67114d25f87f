import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after } from 'node:test'
import { catalogContract } from '../../test/contract/catalog.ts'
import { FakeClock } from '../lib/clock.ts'
import { silentLog } from '../lib/log.ts'
import { createSealer } from '../lib/seal.ts'
import type { Catalog } from './catalog.ts'
import { openCatalog } from './open.ts'

const directory = await mkdtemp(join(tmpdir(), 'holdfast-catalog-'))
const clock = new FakeClock('2026-01-02T03:04:05Z')
const opened: Catalog[] = []
after(async () => {
  for (const catalog of opened) await catalog.close()
  await rm(directory, { recursive: true })
})

catalogContract('sqlite', {
  leaseMs: 60_000,
  pass: async (ms) => clock.advance(ms),
  about: async () => `SQLite ${process.versions.sqlite}`,
  open: async () => {
    const sealer = createSealer([Buffer.alloc(32, opened.length)], (message) => new Error(message))
    const url = `sqlite:${join(directory, `${opened.length}.db`)}`
    const catalog = await openCatalog({ url, sealer, clock, log: silentLog })
    opened.push(catalog)
    return catalog
  },
})
