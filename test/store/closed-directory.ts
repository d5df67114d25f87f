import { chmod } from 'node:fs/promises'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { Fault } from '../../src/core/fault.ts'
import { systemClock } from '../../src/lib/clock.ts'
import { openStore } from '../../src/store/open.ts'
import { bytes, whole } from '../contract/store.ts'

// Uses a store that this process's user may not write to, or not read, and says what each call came to.
const NOBODY = 65_534
const [directory = ''] = process.argv.slice(2)
const store = await openStore(pathToFileURL(directory).href, systemClock)
await store.put('open/k', bytes('x'))
await store.put('closed/k', bytes('x'))
await chmod(directory, 0o555)
await chmod(join(directory, 'open'), 0o555)
await chmod(join(directory, 'open', 'k'), 0o444)
await chmod(join(directory, 'closed'), 0o000)
await chmod(join(directory, '~drafts'), 0o555)
if (process.getuid?.() === 0) process.setuid?.(NOBODY)

const outcome = async (call: Promise<unknown>) => {
  const error = await call.then(
    () => 'no failure',
    (failed: unknown) => failed,
  )
  return Fault.is(error) ? { code: error.code, hint: error.hint } : String(error)
}
console.log(
  JSON.stringify({
    reading: (await whole(await store.get('open/k'))).toString(),
    refused: {
      get: await outcome(store.get('closed/k')),
      stat: await outcome(store.stat('closed/k')),
      list: await outcome(Array.fromAsync(store.list('closed/'))),
      put: await outcome(store.put('open/k', bytes('y'))),
      remove: await outcome(store.remove('open/k')),
    },
  }),
)
