/** What has been started and not yet taken, in order, and the two sides that wait on it. */
interface Line<U> {
  readonly results: Promise<IteratorResult<U, undefined>>[]
  outstanding: number
  stopped: boolean
  roomMade: PromiseWithResolvers<void>
  resultAdded: PromiseWithResolvers<void>
}

/**
 * Gives `work(item)` for each item of `source`, in order, while up to `limit` of them run or wait at once.
 *
 * The source is read whether or not anybody waits for a result, until `limit` results are not yet used up (one is, when
 * the next is asked for): this bounds memory and holds the source back. The first failure of the source or of `work`
 * is thrown where its result would have come. Ending early closes the source without waiting for it.
 */
export async function* mapAhead<T, U>(
  source: AsyncIterable<T>,
  limit: number,
  work: (item: T) => Promise<U>,
): AsyncGenerator<U, void, undefined> {
  const line: Line<U> = {
    results: [],
    outstanding: 0,
    stopped: false,
    roomMade: Promise.withResolvers(),
    resultAdded: Promise.withResolvers(),
  }
  const iterator = source[Symbol.asyncIterator]()
  void pump(iterator, line, limit, work)
  try {
    for (;;) {
      const next = await takeFirst(line)
      if (next.done) return
      yield next.value
      line.outstanding--
      line.roomMade.resolve()
    }
  } finally {
    line.stopped = true
    line.roomMade.resolve()
    iterator.return?.().catch(() => undefined)
  }
}

async function takeFirst<U>(line: Line<U>): Promise<IteratorResult<U, undefined>> {
  while (line.results.length === 0) {
    await line.resultAdded.promise
    line.resultAdded = Promise.withResolvers()
  }
  return line.results.shift() ?? { done: true, value: undefined }
}

/** Reads the source and starts the work, ahead of whoever takes the results. Never rejects: a failure is a result. */
async function pump<T, U>(
  iterator: AsyncIterator<T>,
  line: Line<U>,
  limit: number,
  work: (item: T) => Promise<U>,
): Promise<void> {
  for (;;) {
    while (line.outstanding >= limit && !line.stopped) {
      await line.roomMade.promise
      line.roomMade = Promise.withResolvers()
    }
    if (line.stopped) return
    const item = await iterator.next().catch((error: unknown) => ({ failed: error }))
    if (line.stopped) return
    if ('failed' in item) return add(line, Promise.reject(item.failed))
    if (item.done) return add(line, Promise.resolve({ done: true, value: undefined }))
    line.outstanding++
    add(
      line,
      work(item.value).then((value) => ({ done: false, value })),
    )
  }
}

function add<U>(line: Line<U>, result: Promise<IteratorResult<U, undefined>>): void {
  // A failure waits in line for its turn; until then nobody listens to it, which is no unhandled rejection.
  result.catch(() => undefined)
  line.results.push(result)
  line.resultAdded.resolve()
}
