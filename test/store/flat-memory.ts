import { systemClock } from '../../src/lib/clock.ts'
import type { Bytes } from '../../src/lib/streams.ts'
import { beginSet } from '../../src/set/write.ts'
import { memStore } from '../../src/store/mem.ts'
import type { Store } from '../../src/store/store.ts'

// Writes a part of so many megabytes into a store that keeps nothing, and says how much memory that took at its peak.
const megabytes = Number(process.argv[2])

async function* body(): Bytes {
  let seed = 1
  for (let i = 0; i < megabytes * 16; i++) {
    const chunk = Buffer.alloc(65_536, 'some row of text, ')
    for (let at = 0; at < 32_768; at += 4) {
      seed = (Math.imul(seed, 1_664_525) + 1_013_904_223) >>> 0
      chunk.writeUInt32LE(seed, at)
    }
    yield chunk
  }
}

const nowhere: Store = {
  ...memStore(systemClock),
  async put(key, bytes) {
    let size = 0
    for await (const chunk of bytes) size += chunk.length
    return { key, size, modifiedAt: systemClock.now() }
  },
}

const writer = beginSet(nowhere, { instanceId: 'x', setId: '1', taskId: '1', attempt: 1 }, { level: 1 })
await writer.part('data', body())
console.log(Math.round(process.resourceUsage().maxRSS / 1024))
