import assert from 'node:assert/strict'
import { readFile } from 'node:fs/promises'
import { suite, test } from 'node:test'
import { Fault } from '../../src/core/fault.ts'
import { formatInstanceRecord, parseInstanceRecord } from '../../src/core/instance-record.ts'
import { formatManifest, parseManifest } from '../../src/core/manifest.ts'

interface Format {
  readonly name: string
  readonly file: string
  /** Reads a text and writes it again. */
  readonly again: (text: string) => string
}

const FORMATS: readonly Format[] = [
  { name: 'a manifest', file: 'manifest-v1.json', again: (text) => formatManifest(parseManifest(text, 'here')) },
  {
    name: 'the manifest of a logical set',
    file: 'manifest-logical-v1.json',
    again: (text) => formatManifest(parseManifest(text, 'here')),
  },
  {
    name: 'an instance record',
    file: 'instance-v1.json',
    again: (text) => formatInstanceRecord(parseInstanceRecord(text, 'here')),
  },
]

for (const { name, file, again } of FORMATS) {
  const golden = await readFile(new URL(file, import.meta.url), 'utf8')
  const changed = (change: object) => JSON.stringify({ ...(JSON.parse(golden) as object), ...change })

  suite(`${name} of version 1`, () => {
    test('is read, and written again byte for byte', () => assert.equal(again(golden), golden))

    test('may hold fields that we do not know', () => {
      assert.equal(again(changed({ colour: 'green', nested: { a: [1] } })), golden)
    })

    test('of a newer version is refused with both versions and a hint, whatever else it holds', () => {
      for (const text of [changed({ version: 2 }), '{"version": 2}']) {
        assert.throws(
          () => again(text),
          (e) => Fault.is(e, 'too_new') && /version 2.*up to 1/.test(e.message) && e.hint !== undefined,
        )
      }
    })

    test('that is none is store_corrupt, and the message names it', () => {
      for (const text of ['', '{', 'null', '[]', '7', '{}', golden.slice(0, -10), changed({ format: 'other' })]) {
        assert.throws(
          () => again(text),
          (e) => Fault.is(e, 'store_corrupt') && e.message.includes('here'),
          text,
        )
      }
    })
  })
}
