import assert from 'node:assert/strict'
import { readFile } from 'node:fs/promises'
import { suite, test } from 'node:test'
import { Fault } from '../../src/core/fault.ts'
import { formatInstanceRecord, INSTANCE_RECORD_VERSION, parseInstanceRecord } from '../../src/core/instance-record.ts'
import { formatManifest, MANIFEST_VERSION, parseManifest } from '../../src/core/manifest.ts'
import { formatProofRecord, parseProofRecord, PROOF_RECORD_VERSION } from '../../src/core/proof-record.ts'

interface Format {
  readonly name: string
  readonly file: string
  /** The newest version that is read. */
  readonly newest: number
  /** Reads a text and writes it again. */
  readonly again: (text: string) => string
}

const FORMATS: readonly Format[] = [
  {
    name: 'a manifest',
    file: 'manifest-v1.json',
    newest: MANIFEST_VERSION,
    again: (text) => formatManifest(parseManifest(text, 'here')),
  },
  {
    name: 'the manifest of an encrypted set',
    file: 'manifest-v2.json',
    newest: MANIFEST_VERSION,
    again: (text) => formatManifest(parseManifest(text, 'here')),
  },
  {
    name: 'the manifest of a logical set',
    file: 'manifest-logical-v1.json',
    newest: MANIFEST_VERSION,
    again: (text) => formatManifest(parseManifest(text, 'here')),
  },
  {
    name: 'an instance record',
    file: 'instance-v1.json',
    newest: INSTANCE_RECORD_VERSION,
    again: (text) => formatInstanceRecord(parseInstanceRecord(text, 'here')),
  },
  {
    name: 'a record of proofs',
    file: 'proofs-v1.json',
    newest: PROOF_RECORD_VERSION,
    again: (text) => formatProofRecord(parseProofRecord(text, 'here')),
  },
]

for (const { name, file, newest, again } of FORMATS) {
  const golden = await readFile(new URL(file, import.meta.url), 'utf8')
  const changed = (change: object) => JSON.stringify({ ...(JSON.parse(golden) as object), ...change })

  suite(`${name} in ${file}`, () => {
    test('is read, and written again byte for byte', () => assert.equal(again(golden), golden))

    test('may hold fields that we do not know', () => {
      assert.equal(again(changed({ colour: 'green', nested: { a: [1] } })), golden)
    })

    test('of a newer version is refused with both versions and a hint, whatever else it holds', () => {
      for (const text of [changed({ version: newest + 1 }), `{"version": ${newest + 1}}`]) {
        assert.throws(
          () => again(text),
          (e) => Fault.is(e, 'too_new') && new RegExp(`version ${newest + 1}.*up to ${newest}`).test(e.message) && e.hint !== undefined,
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
