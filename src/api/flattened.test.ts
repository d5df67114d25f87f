import assert from 'node:assert/strict'
import { test } from 'node:test'
import { flattenedList } from './flattened.ts'

const list = (query: string, name = 'Node') => flattenedList(new URLSearchParams(query), name)

test('members of a flattened list become objects in the order of their numbers', () => {
  assert.equal(
    list('Node.10.Host=c&Node.2.Host=b&Node.1.Host=a&Node.1.Port=5432'),
    '[{"Host":"a","Port":"5432"},{"Host":"b"},{"Host":"c"}]',
  )
})

test('a list without members is absent', () => {
  assert.equal(list('Host=a&Nodes.1.Host=b&Node=[]'), undefined)
})

test('what is no member of the list is left alone', () => {
  assert.equal(list('Node.0.Host=a&Node.x.Host=b&Node.1=c&Node.101.Host=d&Node.1.a.b=e'), undefined)
})

test('a field named like a property of every object is only a field', () => {
  assert.equal(list('Node.1.constructor=a'), '[{"constructor":"a"}]')
  assert.equal(list('Node.1.toString=a'), '[{"toString":"a"}]')
})
