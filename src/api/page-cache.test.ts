import assert from 'node:assert/strict'
import { test } from 'node:test'
import { createPageCache, REQUEST_ID_PLACE } from './page-cache.ts'
import type { Pieces } from './request.ts'

const ID_1 = '1A6D328C-84B8-40DC-BF49-6C73984D7494'
const ID_2 = '2B6D328C-84B8-40DC-BF49-6C73984D7494'
const page = (text: string) => async () => `{"RequestId":"${REQUEST_ID_PLACE}","Text":"${text}"}`
const textOf = (pieces: Pieces) => pieces.map(String).join('')
const never = () => assert.fail('rendered again')

test('a page is rendered once, and given with the RequestId of each call', async () => {
  const cache = createPageCache(10_000)
  assert.equal(textOf(await cache.page('k', ID_1, page('é'))), `{"RequestId":"${ID_1}","Text":"é"}`)
  assert.equal(textOf(await cache.page('k', ID_2, never)), `{"RequestId":"${ID_2}","Text":"é"}`)
})

test('calls for one page share its bytes', async () => {
  const cache = createPageCache(10_000)
  const [, first] = await cache.page('k', ID_1, page('a'))
  const [, second] = await cache.page('k', ID_2, never)
  assert.equal(first, second)
})

test('another key is another page', async () => {
  const cache = createPageCache(10_000)
  await cache.page('version 1', ID_1, page('old'))
  assert.match(textOf(await cache.page('version 2', ID_1, page('new'))), /new/)
})

test('calls that miss together share one rendering', async () => {
  const cache = createPageCache(10_000)
  let renderings = 0
  const render = async () => {
    renderings += 1
    return page('a')()
  }
  const pages = await Promise.all([ID_1, ID_2].map((id) => cache.page('k', id, render)))
  assert.equal(renderings, 1)
  assert.deepEqual(
    pages.map((body) => JSON.parse(textOf(body)).RequestId),
    [ID_1, ID_2],
  )
})

test('a rendering that fails is not kept', async () => {
  const cache = createPageCache(10_000)
  await assert.rejects(
    cache.page('k', ID_1, () => Promise.reject(new Error('no catalog'))),
    /no catalog/,
  )
  assert.match(textOf(await cache.page('k', ID_1, page('well'))), /well/)
})

test('it never holds more than its limit, and drops the page used longest ago', async () => {
  const cache = createPageCache(4000)
  const text = 'x'.repeat(600)
  for (const key of ['a', 'b', 'c']) await cache.page(key, ID_1, page(text))
  await cache.page('a', ID_1, never)
  await cache.page('d', ID_1, page(text))
  assert.ok(cache.bytes <= 4000)
  await cache.page('a', ID_1, never)
  let again = false
  await cache.page('b', ID_1, async () => {
    again = true
    return page(text)()
  })
  assert.ok(again)
})

test('a page larger than the limit, and any page at limit zero, is given and not kept', async () => {
  const cache = createPageCache(0)
  assert.match(textOf(await cache.page('k', ID_1, page('a'))), /"a"/)
  assert.equal(cache.bytes, 0)
})
