import assert from 'node:assert/strict'
import { test } from 'node:test'
import { differences } from './checksums.ts'

const orders = { kind: 'table', database: 'shop', name: 'public.orders', rows: 3, digest: 'abc' } as const

test('servers that hold the same do not differ', () => {
  assert.deepEqual(differences([orders], [orders]), [])
})

test('a missing, a shorter, a changed and an added table are each told', () => {
  assert.deepEqual(differences([orders], []), ['shop: public.orders is missing'])
  assert.deepEqual(differences([orders], [{ ...orders, rows: 2 }]), ['shop: public.orders has 2 rows instead of 3'])
  assert.deepEqual(differences([orders], [{ ...orders, digest: 'abd' }]), [
    'shop: public.orders has other contents in as many rows',
  ])
  assert.deepEqual(differences([], [orders]), ['shop: public.orders is not in the source'])
})

test('a restored sequence may be ahead of the source, and not behind it', () => {
  const sequence = { kind: 'sequence', database: 'shop', name: 'public.invoices', rows: 10, digest: '' } as const
  assert.deepEqual(differences([sequence], [{ ...sequence, rows: 42 }]), [])
  assert.deepEqual(differences([sequence], [{ ...sequence, rows: 9 }]), ['shop: public.invoices is at 9, behind 10'])
})
