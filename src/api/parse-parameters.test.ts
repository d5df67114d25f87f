import assert from 'node:assert/strict'
import { suite, test } from 'node:test'
import { z } from 'zod'
import { defineAction } from './action.ts'
import { RdsError, type RdsErrorCode } from './errors.ts'
import { instanceId, integer, jsonText, oneOf, text } from './parameters.ts'
import { parseParameters } from './parse-parameters.ts'

const action = defineAction({
  name: 'Test',
  about: '',
  extension: true,
  mutates: true,
  parameters: {
    DBInstanceId: { codec: instanceId, required: true, missing: 'InvalidDBInstanceName.NotFound', about: '' },
    Name: { codec: text({ max: 10 }), required: true, about: '' },
    Size: {
      codec: integer({ min: 1, max: 9 }),
      malformed: 'InvalidMaxRecordsPerPage.Malformed',
      default: 3,
      about: '',
    },
    Page: { codec: integer({ min: 1, max: 9 }), about: '' },
    Mode: { codec: oneOf(['a', 'b']), default: 'a', about: '' },
    Note: { codec: text({ max: 10 }), default: 'none', about: '' },
    Node: { codec: jsonText(z.array(z.object({ Host: z.string() }))), secret: true, flattened: true, about: '' },
  },
  neglected: { Vpc: 'refused', Flag: 'ignored' },
  combine: ({ Page }) => {
    if (Page === 9) throw new RdsError('InvalidParameterCombination')
  },
  faults: {},
  reply: z.object({}),
  handle: async () => ({}),
})

type Given = Record<string, string>
const GOOD: Given = { DBInstanceId: 'rm-1', Name: 'n' }
const PRESET = { Size: 3, Mode: 'a', Note: 'none' }

const parse = (given: Given, { method = 'POST', body = [] }: { method?: string; body?: string[] } = {}) =>
  parseParameters(action, new Map(Object.entries(given)), { method, fromBody: (name) => body.includes(name) })

function refused(given: Given, code: RdsErrorCode, named: RegExp, from?: Parameters<typeof parse>[1]) {
  assert.throws(
    () => parse(given, from),
    (error) => error instanceof RdsError && error.code === code && named.test(error.message),
  )
}

suite('the parameters of an action', () => {
  test('come as values, with defaults filled in and absent ones undefined', () => {
    assert.deepEqual(parse({ ...GOOD, Page: '2' }), { ...GOOD, ...PRESET, Page: 2, Node: undefined })
  })

  test('that it does not know are ignored, as are documented ones whose neglect does no harm', () => {
    assert.deepEqual(parse({ ...GOOD, RegionId: 'x', OwnerId: '', Flag: '1', toString: 'x' }), {
      ...GOOD,
      ...PRESET,
      Page: undefined,
      Node: undefined,
    })
  })

  test('whose neglect could do harm are refused by name', () => {
    refused({ ...GOOD, Vpc: 'v' }, 'InvalidParameter', /^Vpc /)
  })

  test('that are empty are not given, but where the empty text is a value, or must be a number', () => {
    const { Mode, Note, Node } = parse({ ...GOOD, Mode: '', Note: '', Node: '', Vpc: '' }, { body: ['Node'] })
    assert.deepEqual([Mode, Note, Node], ['a', '', undefined])
    refused({ ...GOOD, Page: '' }, 'InvalidParameter', /^Page must be/)
  })

  test('that are required and missing or empty are told with their own code, or the general one', () => {
    refused({ Name: 'n' }, 'InvalidDBInstanceName.NotFound', /DBInstanceId/)
    refused({ ...GOOD, Name: '' }, 'MissingParameter', /Name/)
  })

  test('of another form are told with their own code, or the general one, and what they must be', () => {
    refused({ ...GOOD, Size: '10' }, 'InvalidMaxRecordsPerPage.Malformed', /^Size must be an integer from 1 to 9\.$/)
    refused({ ...GOOD, Mode: 'c' }, 'InvalidParameter', /^Mode must be/)
  })

  test('are judged by presence before form, and form before combination', () => {
    refused({ DBInstanceId: '/', Size: 'x' }, 'MissingParameter', /Name/)
    refused({ ...GOOD, Size: 'x', Page: '9' }, 'InvalidMaxRecordsPerPage.Malformed', /Size/)
    refused({ ...GOOD, Page: '9' }, 'InvalidParameterCombination', /./)
  })

  test('that are lists may come as JSON text or flattened, and not as both', () => {
    const body = ['Node', 'Node.1.Host']
    assert.deepEqual(parse({ ...GOOD, Node: '[{"Host":"a"}]' }, { body }), {
      ...GOOD,
      ...PRESET,
      Page: undefined,
      Node: [{ Host: 'a' }],
    })
    assert.deepEqual(parse({ ...GOOD, 'Node.1.Host': 'a' }, { body }), {
      ...GOOD,
      ...PRESET,
      Page: undefined,
      Node: [{ Host: 'a' }],
    })
    refused({ ...GOOD, Node: '[]', 'Node.1.Host': 'a' }, 'InvalidParameterCombination', /Node/, { body })
  })
})

suite('a secret parameter', () => {
  test('is refused by name in a query, before anything else is said, and its value never told', () => {
    for (const given of [{ Node: 'hush' }, { 'Node.1.Password': 'hush' }]) {
      refused(given, 'InvalidParameter', /^Node is secret: send it in the body of a POST(?!.*hush)/)
    }
  })

  test('is refused in the body of anything but a POST', () => {
    refused({ ...GOOD, Node: '[]' }, 'InvalidParameter', /Node/, { method: 'GET', body: ['Node'] })
  })

  test('of another form is not told back', () => {
    refused({ ...GOOD, Node: 'hush' }, 'InvalidParameter', /^Node must be JSON(?!.*hush)/, { body: ['Node'] })
  })
})
