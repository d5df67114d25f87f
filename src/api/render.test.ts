import assert from 'node:assert/strict'
import { suite, test } from 'node:test'
import fc from 'fast-check'
import { SaxesParser } from 'saxes'
import { renderError, renderReply } from './render.ts'

suite('a reply in XML', () => {
  test('has lists as repeated elements and leaves out null', () => {
    const fields = {
      Items: { Backup: [{ Id: '1', Size: 5, Ok: true, Link: null }, { Id: '2' }] },
      Empty: { Backup: [] },
    }
    assert.equal(
      renderReply('XML', 'DescribeBackups', 'R', fields),
      `<?xml version='1.0' encoding='UTF-8'?><DescribeBackupsResponse><RequestId>R</RequestId><Items><Backup><Id>1</Id><Size>5</Size><Ok>true</Ok></Backup><Backup><Id>2</Id></Backup></Items><Empty></Empty></DescribeBackupsResponse>`,
    )
  })

  test('is well formed for every text, and gives it back but for what XML cannot say', () => {
    const text = fc.oneof(
      fc.string({ unit: 'binary' }),
      fc.string({ unit: fc.constantFrom('<', '&', ']]>', '"', '\r', '\n', '\t', '\0', '\uD800', '\uFFFE', '😀') }),
    )
    const property = fc.property(text, (given) => {
      const sayable = Array.from(given.toWellFormed(), (point) => (canSay(point) ? point : '\uFFFD')).join('')
      assert.equal(textOf(renderReply('XML', 'Test', '', { Text: given }), 'Text'), sayable)
    })
    fc.assert(property)
  })
})

suite('an error', () => {
  const fields = { requestId: 'R', hostId: 'h:1', code: 'C', message: 'M & m.' }

  test('in JSON has the fields that clients read, in their order', () => {
    assert.equal(
      renderError('JSON', fields),
      '{"RequestId":"R","HostId":"h:1","Code":"C","Message":"M & m.","Recommend":""}',
    )
  })

  test('in XML has the same under the root Error', () => {
    assert.equal(
      renderError('XML', fields),
      `<?xml version='1.0' encoding='UTF-8'?><Error><RequestId>R</RequestId><HostId>h:1</HostId><Code>C</Code><Message>M &amp; m.</Message><Recommend></Recommend></Error>`,
    )
  })
})

test('a reply in JSON begins with its RequestId and keeps null', () => {
  assert.equal(renderReply('JSON', 'X', 'R', { Link: null, None: undefined }), '{"RequestId":"R","Link":null}')
})

/** Whether XML 1.0 may hold a character. */
const canSay = (point: string) =>
  (point >= ' ' || ['\t', '\n', '\r'].includes(point)) && point !== '\uFFFE' && point !== '\uFFFF'

/** The text in an element, by a parser that refuses what is not well formed. */
function textOf(xml: string, name: string): string {
  const parser = new SaxesParser()
  let inside = false
  let found = ''
  parser.on('opentag', (tag) => void (inside = tag.name === name))
  parser.on('closetag', () => void (inside = false))
  parser.on('text', (text) => void (found += inside ? text : ''))
  parser.on('error', (error) => {
    throw error
  })
  parser.write(xml).close()
  return found
}
