import assert from 'node:assert/strict'
import { Duplex } from 'node:stream'
import { suite, test } from 'node:test'
import { setImmediate as turn } from 'node:timers/promises'
import { Fault } from '../../src/core/fault.ts'
import type { EngineProgress } from '../../src/engine/engine.ts'
import { streamBackup, type Streamed } from '../../src/engine/postgres/stream-backup.ts'
import { FakeClock } from '../../src/lib/clock.ts'
import { membersOf, plainFacts } from './base-backup-set.ts'
import {
  answer,
  manifestOf,
  report,
  sealed,
  SEGMENT_SIZE,
  small,
  smallTars,
  WAL,
  type ServerMember,
} from './wire-recording.ts'

interface Outcome {
  readonly streamed: Streamed
  readonly tar: Buffer
  readonly manifest: string
  readonly warnings: readonly string[]
  readonly progress: readonly EngineProgress[]
  readonly said: string
  /** Idle time-outs that were set, in order, repeats left out. */
  readonly timeouts: readonly number[]
}

/** Takes a backup of a server that says just this, and then hangs up. */
async function take(
  form: 14 | 15,
  chunks: readonly Buffer[],
  { title = 'Set 1', slowly = false }: { title?: string; slowly?: boolean } = {},
): Promise<Outcome> {
  const said: Buffer[] = []
  const duplex = new Duplex({
    read() {},
    write(chunk: Buffer, _encoding, done) {
      said.push(chunk)
      done()
    },
  })
  const timeouts: number[] = []
  const setTimeout = (ms: number) => void (timeouts.at(-1) !== ms && timeouts.push(ms))
  const wire = Object.assign(duplex, { setTimeout })
  const speak = async () => {
    for (const chunk of chunks) {
      wire.push(chunk)
      if (slowly) await turn()
    }
    wire.push(null)
  }
  const spoken = speak()
  const kept = new Map<string, Buffer>()
  const keep = async (name: string, body: AsyncIterable<Uint8Array>) => {
    kept.set(name, Buffer.concat(await Array.fromAsync(body, (chunk) => Buffer.from(chunk))))
  }
  const warnings: string[] = []
  const progress: EngineProgress[] = []
  const streamed = await streamBackup(wire, {
    facts: plainFacts({ serverVersion: form * 10_000, walSegmentSize: SEGMENT_SIZE }),
    request: {
      method: 'Physical',
      checkpoint: 'fast',
      systemIdentifier: undefined,
      maxKeptWalBytes: 1,
      keepCorrupt: false,
      title,
    },
    sink: { part: keep, extra: keep },
    clock: new FakeClock('2026-11-23T07:00:00Z'),
    signal: new AbortController().signal,
    estimate: { files: 10, bytes: 99_999 },
    verifyChecksums: true,
    onProgress: (one) => progress.push(one),
    warnings,
  })
  await spoken
  const [tar = Buffer.alloc(0), manifest = Buffer.alloc(0)] = [kept.get('data'), kept.get('backup_manifest')]
  return {
    streamed,
    tar,
    manifest: manifest.toString(),
    warnings,
    progress,
    said: Buffer.concat(said).toString(),
    timeouts,
  }
}

const isFault = (error: unknown) => Fault.is(error, 'engine_failed') || Fault.is(error, 'instance_unreachable')

const fails = (words: RegExp) => (error: unknown) => Fault.is(error, 'engine_failed') && words.test(error.message)

for (const form of [14, 15] as const) {
  suite(`BASE_BACKUP as PostgreSQL ${form} answers it`, () => {
    const whole = Buffer.concat(answer(small(), form))
    const changed = (change: (base: ServerMember[]) => ServerMember[], tars = smallTars()) => {
      tars.set('base', change(tars.get('base') ?? []))
      // The manifest stays that of the unchanged cluster.
      return take(form, [Buffer.concat(answer(small({ tars, manifest: manifestOf(smallTars()) }), form))])
    }

    test('becomes one tar in the order of a set, with the manifest last and beside it', async () => {
      const { tar, manifest, streamed } = await take(form, [whole])
      const members = membersOf(tar)
      assert.deepEqual(
        members.map(({ entry }) => entry.name),
        [
          'RESTORE.txt',
          'tablespaces/16384/PG_15_202209061/5',
          'tablespaces/16384/PG_15_202209061/5/16390',
          'data/backup_label',
          'data/tablespace_map',
          'data/base/5',
          'data/base/5/16385',
          'data/base/5/16386',
          'data/global/pg_control',
          `data/pg_wal/${WAL}`,
          'data/backup_manifest',
        ],
      )
      const contents = new Map(members.map(({ entry, content }) => [entry.name, content]))
      for (const [oid, sent] of smallTars()) {
        for (const { name, content } of sent) {
          const below = oid === 'base' ? 'data' : `tablespaces/${oid}`
          assert.deepEqual(contents.get(`${below}/${name}`), content ?? Buffer.alloc(0), name)
        }
      }
      assert.equal(contents.get('data/backup_manifest')?.toString(), small().manifest)
      assert.equal(manifest, small().manifest)
      assert.equal(tar.length % 512, 0)
      assert.ok(tar.subarray(-1024).every((byte) => byte === 0))
      assert.ok(tar.subarray(-1536, -1024).some((byte) => byte !== 0))
      assert.deepEqual(streamed, {
        startLsn: '0/1400',
        endLsn: '0/1570',
        timeline: 1,
        tablespaces: [{ oid: '16384', location: '/somewhere/else' }],
        consistentAt: Date.parse('2026-11-23T07:00:00Z'),
      })
    })

    test('is the same wherever the bytes are cut', async () => {
      const { tar } = await take(form, [whole])
      // Each run is cut at every so many bytes, beginning one later than the run before.
      const stride = 997
      for (let first = 1; first <= stride; first += 1) {
        const chunks = [whole.subarray(0, first)]
        for (let at = first; at < whole.length; at += stride) chunks.push(whole.subarray(at, at + stride))
        const other = await take(form, chunks)
        assert.ok(other.tar.equals(tar), `cut at ${first}`)
      }
      const single = Array.from(whole, (_, at) => whole.subarray(at, at + 1))
      assert.ok((await take(form, single)).tar.equals(tar))
    })

    test('is a failure wherever the connection ends too early', async () => {
      for (let length = 0; length < whole.length; length += 1) {
        await assert.rejects(take(form, [whole.subarray(0, length)]), isFault, `ended after ${length}`)
      }
    })

    test('progress begins with the checkpoint and never goes back', async () => {
      const { progress } = await take(form, answer(small(), form))
      const phases = progress.map(({ phase }) => phase)
      assert.deepEqual([...new Set(phases)], ['checkpoint', 'streaming', 'checking', 'writing'])
      const bytes = progress.map((one) => one.bytes)
      assert.deepEqual(
        bytes,
        bytes.toSorted((a, b) => a - b),
      )
      assert.equal(progress.at(-1)?.totalBytes, 2 * 12 * 1024)
    })

    test('without progress of the server the total is what the catalogs say', async () => {
      const { progress } = await take(form, answer(small({ kilobytes: null }), form))
      assert.equal(progress.at(-1)?.totalBytes, 99_999)
    })

    test('the wait for the checkpoint has no time-out, what follows has one', async () => {
      const { timeouts } = await take(form, answer(small(), form), { slowly: true })
      assert.deepEqual(timeouts, [0, 120_000])
    })

    test('warnings are kept, notices are not', async () => {
      const [head = Buffer.alloc(0), ...rest] = answer(small(), form)
      const { warnings } = await take(form, [
        head,
        report('NOTICE', '00000', 'all is well'),
        report('WARNING', '01000', 'skipping special file "./x"'),
        ...rest,
      ])
      assert.deepEqual(warnings, ['skipping special file "./x"'])
    })

    test('an error of the server is a failure with its words and its hint, also after the last byte of data', async () => {
      const said = answer(small(), form)
      const error = report('ERROR', '55000', 'the standby was promoted during online backup', 'Try another.')
      for (let at = 0; at < said.length; at += 1) {
        const failed = take(form, [...said.slice(0, at), error, ...said.slice(-1)])
        await assert.rejects(
          failed,
          (e) => fails(/the standby was promoted/)(e) && (e as Fault).hint === 'Try another.',
        )
      }
    })

    test('a later timeline without its history is told', async () => {
      const { warnings } = await take(form, answer(small({ timeline: 2 }), form))
      assert.deepEqual(warnings, ['the server has no 00000002.history, so the set does not hold it'])
      const tars = smallTars()
      tars
        .get('base')
        ?.push({ name: 'pg_wal/00000002.history', content: Buffer.from('1\t0/1400\tno recovery target\n') })
      assert.deepEqual((await take(form, answer(small({ tars, timeline: 2 }), form))).warnings, [])
    })

    const flip = (content: Buffer | undefined) =>
      Buffer.from((content ?? Buffer.alloc(7)).map((byte, at) => (at === 100 ? byte ^ 1 : byte)))
    const only = (name: string, change: (content: Buffer | undefined) => Buffer) => (base: ServerMember[]) =>
      base.map((member) => (member.name === name ? { name, content: change(member.content) } : member))
    const damages: Record<string, readonly [(base: ServerMember[]) => ServerMember[], RegExp]> = {
      'a file with a flipped bit': [only('base/5/16385', flip), /base\/5\/16385 has another checksum/],
      'a file cut short': [
        only('base/5/16385', (content) => content?.subarray(1) ?? flip(undefined)),
        /has 1499 bytes instead of 1500/,
      ],
      'an empty file with content': [only('base/5/16386', () => Buffer.from('x')), /base\/5\/16386 has 1 bytes/],
      'a missing file': [(base) => base.filter(({ name }) => name !== 'base/5/16385'), /base\/5\/16385 is missing/],
      'a file that nobody listed': [(base) => [...base, { name: 'extra', content: flip(undefined) }], /1 files that/],
      'the same file twice': [(base) => [...base, ...base.slice(3, 4)], /1 files that/],
      'a missing WAL segment': [
        (base) => base.filter(({ name }) => !name.includes(WAL)),
        new RegExp(`${WAL} is not there`),
      ],
      'a short WAL segment': [
        only(`pg_wal/${WAL}`, () => flip(undefined)),
        new RegExp(`${WAL} is not there, or not whole`),
      ],
    }
    for (const [what, [change, words]] of Object.entries(damages)) {
      test(`${what} fails the backup`, () => assert.rejects(changed(change), fails(words)))
    }

    const manifests: Record<string, string> = {
      'a manifest whose checksum is wrong': small().manifest.replace('Size": 1500', 'Size": 1501'),
      'a manifest without a line of its own checksum': small().manifest.replace(/"Manifest-Checksum.*\n/, ''),
      'a manifest that names no WAL': sealed(
        manifestOf(smallTars())
          .replace(/\{ "Timeline".*\n/, '')
          .replace(/"Manifest-Checksum.*\n/, ''),
      ),
      'a manifest with another kind of checksum': manifestOf(smallTars(), 'SHA224'),
      'an empty manifest': '',
      'a manifest that is none': '{ "Path": nonsense },\n',
    }
    for (const [what, manifest] of Object.entries(manifests)) {
      test(`${what} fails the backup`, () =>
        assert.rejects(take(form, answer(small({ manifest }), form)), fails(/what came is not what the server lists/)))
    }

    test('a title of several lines becomes a label of one', async () => {
      const { said, tar } = await take(form, [whole], { title: "It's set 1\nof two\r\nlines" })
      assert.match(said, /LABEL 'It''s set 1 of two lines'/)
      assert.match(membersOf(tar)[0]?.content.toString() ?? '', /^It's set 1\nof two\r\nlines\n/)
    })
  })
}

test('a stream that is no PostgreSQL is a failure', async () => {
  await assert.rejects(take(15, [Buffer.from('HTTP/1.1 400 Bad Request\r\n\r\n')]), isFault)
  await assert.rejects(take(15, [Buffer.from('E\xff\xff\xff\xff', 'latin1')]), isFault)
})

test('a server of the other form is a failure', async () => {
  for (const [told, said] of [
    [14, 15],
    [15, 14],
  ] as const) {
    await assert.rejects(take(told, answer(small(), said)), isFault)
  }
})
