import assert from 'node:assert/strict'
import { suite, test } from 'node:test'
import { mapAhead } from './ahead.ts'

async function* numbers(count: number, onStop?: () => void): AsyncGenerator<number> {
  try {
    for (let i = 0; i < count; i++) yield i
  } finally {
    onStop?.()
  }
}

const turn = () => new Promise((resolve) => setImmediate(resolve))

suite('work ahead of its reader', () => {
  test('gives results in order, whichever is ready first', async () => {
    const gates = Array.from({ length: 5 }, () => Promise.withResolvers<void>())
    const results = Array.fromAsync(
      mapAhead(numbers(5), 5, async (i) => {
        await gates[i]?.promise
        return i * 10
      }),
    )
    for (const gate of gates.toReversed()) {
      gate.resolve()
      await turn()
    }
    assert.deepEqual(await results, [0, 10, 20, 30, 40])
  })

  test('starts no more than the limit before the reader has used results up', async () => {
    const started: number[] = []
    const reader = mapAhead(numbers(10), 3, async (i) => void started.push(i))
    await reader.next()
    await turn()
    assert.deepEqual(started, [0, 1, 2])
    await reader.next()
    await turn()
    assert.deepEqual(started, [0, 1, 2, 3])
    await reader.return()
  })

  test('goes on working while the reader is busy with a result', async () => {
    let running = 0
    const reader = mapAhead(numbers(10), 4, async () => ++running)
    await reader.next()
    await turn()
    assert.equal(running, 4)
    await reader.return()
  })

  test('a failure of the work comes in its place, after the results before it', async () => {
    const seen: number[] = []
    const failing = mapAhead(numbers(9), 4, async (i) => {
      if (i === 2) throw new Error('two')
      return i
    })
    await assert.rejects(
      async () => {
        for await (const i of failing) seen.push(i)
      },
      { message: 'two' },
    )
    assert.deepEqual(seen, [0, 1])
  })

  test('a failure of the source comes after the results of what it gave', async () => {
    const seen: number[] = []
    const source = async function* () {
      yield* numbers(2)
      throw new Error('cut')
    }
    await assert.rejects(
      async () => {
        for await (const i of mapAhead(source(), 4, async (i) => i)) seen.push(i)
      },
      { message: 'cut' },
    )
    assert.deepEqual(seen, [0, 1])
  })

  test('a reader that stops early closes the source, and does not wait for one that hangs', async () => {
    let stopped = false
    for await (const i of mapAhead(
      numbers(100, () => (stopped = true)),
      3,
      async (i) => i,
    ))
      if (i === 1) break
    await turn()
    assert.ok(stopped)

    const hanging = async function* () {
      yield 1
      await new Promise(() => undefined)
    }
    for await (const i of mapAhead(hanging(), 3, async (i) => i)) if (i === 1) break
  })

  test('an empty source gives nothing', async () => {
    assert.deepEqual(await Array.fromAsync(mapAhead(numbers(0), 3, async (i) => i)), [])
  })
})
