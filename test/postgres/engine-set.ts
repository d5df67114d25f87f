import type { PostgresFacts } from '../../src/core/manifest.ts'
import type { SetReader } from '../../src/core/set-reader.ts'
import type { BackupRequest } from '../../src/engine/engine.ts'
import { postgresEngine } from '../../src/engine/postgres/engine.ts'
import { systemClock } from '../../src/lib/clock.ts'
import type { TestServer } from '../lib/postgres.ts'
import { setOf } from './base-backup-set.ts'

const REQUEST: BackupRequest = {
  method: 'Physical',
  checkpoint: 'fast',
  systemIdentifier: undefined,
  maxKeptWalBytes: 2 ** 40,
  keepCorrupt: false,
  title: 'A set of a test.',
}

/** A set that our own engine takes of a server, kept in memory. */
export async function takeSet(server: TestServer): Promise<{ set: SetReader; facts: PostgresFacts; tar: Buffer }> {
  const parts = new Map<string, Buffer>()
  const keep = async (name: string, body: AsyncIterable<Uint8Array>) => {
    const chunks: Buffer[] = []
    // What a part gives may be reused once the next piece is asked for.
    for await (const chunk of body) chunks.push(Buffer.from(chunk))
    parts.set(name, Buffer.concat(chunks))
  }
  const engine = postgresEngine({ clock: systemClock })
  const point = await engine.backup(server.address, REQUEST, { part: keep, extra: keep })
  const tar = parts.get('data')
  if (!tar || !point.postgres) throw new Error('the engine gave no part or no facts')
  return { set: setOf(tar, point.postgres), facts: point.postgres, tar }
}
