import assert from 'node:assert/strict'
import { suite, test } from 'node:test'
import fc from 'fast-check'
import { z } from 'zod'
import {
  flag,
  instanceId,
  integer,
  jsonText,
  list,
  oneOf,
  pageSize,
  setId,
  text,
  utcMinuteOrSecond,
  type ParameterCodec,
} from './parameters.ts'

const codecs: Record<string, ParameterCodec<unknown>> = {
  instanceId,
  setId,
  integer: integer({ min: -5, max: 2_147_483_647 }),
  pageSize: pageSize([30, 50, 100]),
  oneOf: oneOf(['Success', 'Failed']),
  flag,
  utcMinuteOrSecond,
  text: text({ max: 20 }),
  list: list(setId, { max: 3 }),
  jsonText: jsonText(z.array(z.strictObject({ Host: z.string() }))),
}

/** Texts that a codec takes, with their values, and texts that it refuses. */
const cases: Record<string, { good: [string, unknown][]; bad: string[] }> = {
  instanceId: {
    good: [
      ['rm-uf6wjk5xxxxxxx', 'rm-uf6wjk5xxxxxxx'],
      ['A_1', 'A_1'],
      ['x'.repeat(64), 'x'.repeat(64)],
    ],
    bad: ['', '-a', '_a', 'a/b', '..', 'a b', 'é', 'a\n', 'x'.repeat(65), '%41'],
  },
  setId: {
    good: [
      ['0', '0'],
      ['321020562', '321020562'],
      ['9007199254740991', '9007199254740991'],
    ],
    bad: ['', '-1', '+1', '01', '1.0', '1e3', '0x1', ' 1', '1 ', '9007199254740992', '99999999999999999999'],
  },
  integer: {
    good: [
      ['0', 0],
      ['-5', -5],
      ['2147483647', 2_147_483_647],
    ],
    bad: ['', '-6', '-0', '2147483648', '1.5', '1e2', '0x1E', '١', 'NaN', 'Infinity', '1_000', '00'],
  },
  pageSize: {
    good: [
      ['30', 30],
      ['100', 100],
    ],
    bad: ['', '29', '31', '030', '30.0', '1000'],
  },
  oneOf: { good: [['Failed', 'Failed']], bad: ['', 'failed', 'Success ', 'toString'] },
  flag: {
    good: [
      ['true', true],
      ['False', false],
    ],
    bad: ['', '1', 'yes', 'TRUE', 'constructor'],
  },
  utcMinuteOrSecond: {
    good: [
      ['2011-06-11T15:00Z', Date.UTC(2011, 5, 11, 15)],
      ['2011-06-11T15:00:07Z', Date.UTC(2011, 5, 11, 15, 0, 7)],
      ['2024-02-29T00:00Z', Date.UTC(2024, 1, 29)],
    ],
    bad: [
      '',
      '2011-06-11',
      '2011-06-11T15:00',
      '2011-06-11T15:00+00:00',
      '2011-06-11T15:00:00.000Z',
      '2023-02-29T00:00Z',
      '2011-06-11T24:00Z',
      '2011-13-01T00:00Z',
      '2011-6-11T15:00Z',
      '2011-06-11t15:00z',
      ' 2011-06-11T15:00Z',
    ],
  },
  text: {
    good: [
      ['', ''],
      ['é ö', 'é ö'],
      ['x'.repeat(20), 'x'.repeat(20)],
    ],
    bad: ['x'.repeat(21), 'a\0', 'a\n', '\u0085'],
  },
  list: {
    good: [
      ['1', ['1']],
      ['1,2,3', ['1', '2', '3']],
    ],
    bad: ['', '1,', ',1', '1,2,3,4', '1 ,2'],
  },
  jsonText: {
    good: [
      ['[{"Host":"a"}]', [{ Host: 'a' }]],
      ['[]', []],
    ],
    bad: [
      '',
      '{',
      '{}',
      '[{"Host":1}]',
      '[{"Host":"a","More":1}]',
      String.raw`[{"Host":"a\u0000b"}]`,
      '['.repeat(100_000),
    ],
  },
}

for (const [name, { good, bad }] of Object.entries(cases)) {
  suite(`the codec ${name}`, () => {
    const codec = codecs[name]
    assert.ok(codec)
    test('takes every text of its form', () => {
      for (const [given, value] of good) assert.deepEqual(codec.parse(given), value, given)
    })
    test('refuses every other text', () => {
      for (const given of bad) assert.equal(codec.parse(given), undefined, given.slice(0, 40))
    })
    test('says what it wants in words that stand after "must be"', () => {
      assert.match(codec.form, /^[a-zA-Z0-9].*[^.]$/)
    })
    test('never throws', () => {
      fc.assert(
        fc.property(
          fc.oneof(fc.string(), fc.string({ unit: 'binary' }), fc.json()),
          (given) => void codec.parse(given),
        ),
      )
    })
  })
}

test('an integer is read exactly when its decimal form is the text', () => {
  const codec = integer({ min: -1000, max: 1000 })
  const texts = fc.oneof(
    fc.integer({ min: -2000, max: 2000 }).map(String),
    fc.string({ unit: fc.constantFrom(...'+-0123456789.eExX '.split('')) }),
  )
  const property = fc.property(texts, (given) => {
    const value = Number(given)
    const exact = Number.isInteger(value) && String(value) === given && value >= -1000 && value <= 1000
    assert.equal(codec.parse(given), exact ? value : undefined)
  })
  fc.assert(property)
})
