import assert from 'node:assert/strict'
import { suite, test } from 'node:test'
import fc from 'fast-check'
import { parseForm, percentEncode, splitTarget } from './canonical.ts'

suite('percent-encoding', () => {
  test('leaves letters, digits and - _ . ~ alone, and encodes the rest in upper case', () => {
    assert.equal(percentEncode('aZ09-_.~'), 'aZ09-_.~')
    assert.equal(percentEncode("!'()* +/=&%é"), '%21%27%28%29%2A%20%2B%2F%3D%26%25%C3%A9')
  })

  test('is undone by reading a form', () => {
    const pairs = fc.array(fc.tuple(fc.string({ unit: 'grapheme' }), fc.string({ unit: 'grapheme' })))
    const property = fc.property(pairs, (given) => {
      const named = given.filter(([name, value]) => `${name}${value}` !== '')
      const form = named.map(([name, value]) => `${percentEncode(name)}=${percentEncode(value)}`).join('&')
      assert.deepEqual(parseForm(form), named)
    })
    fc.assert(property)
  })
})

suite('a form', () => {
  test('may have + for a space, empty pieces and pieces without a value', () => {
    assert.deepEqual(parseForm('&a=1+2&&b&c=&=d&e=f=g&'), [
      ['a', '1 2'],
      ['b', ''],
      ['c', ''],
      ['', 'd'],
      ['e', 'f=g'],
    ])
  })

  test('of broken encoding throws URIError, and nothing else is ever thrown', () => {
    for (const broken of ['%', '%4', '%zz', '%ff', '%C3', '%ED%A0%80', '%C0%80']) {
      assert.throws(() => parseForm(`a=${broken}`), URIError)
    }
    const text = fc.string({ unit: fc.constantFrom('%', 'a', 'F', '0', '&', '=', '+', 'é') })
    fc.assert(fc.property(text, (given) => onlyUriErrors(() => parseForm(given))))
  })
})

function onlyUriErrors(act: () => unknown): boolean {
  try {
    act()
    return true
  } catch (error) {
    return error instanceof URIError
  }
}

test('a target is split at its first question mark, its scheme and host cut off', () => {
  const cases: [target: string, path: string, query: string][] = [
    ['/', '/', ''],
    ['/?a=b?c', '/', 'a=b?c'],
    ['?a=b', '/', 'a=b'],
    ['', '/', ''],
    ['/link/1/x?y', '/link/1/x', 'y'],
    ['http://h:1/p?q', '/p', 'q'],
    ['HTTPS://h?q=http://x/', '/', 'q=http://x/'],
    ['*', '*', ''],
    ['//h/p', '//h/p', ''],
  ]
  for (const [target, path, query] of cases) assert.deepEqual(splitTarget(target), { path, query })
})
