import { readdir } from 'node:fs/promises'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { Fault } from '../../src/core/fault.ts'
import { systemClock } from '../../src/lib/clock.ts'
import { openStore } from '../../src/store/open.ts'
import { bytes, whole } from '../contract/store.ts'

// Replaces an object by one that does not fit, in a process whose disk or file size is limited, and says what came of it.
const [directory = ''] = process.argv.slice(2)
const store = await openStore(pathToFileURL(directory).href, systemClock)
await store.put('dir/k', bytes('the old one'))
const tooMuch = bytes(...Array.from({ length: 100 }, () => Buffer.alloc(100_000, 'x')))
const error = await store.put('dir/k', tooMuch).catch((failed: unknown) => failed)
console.log(
  JSON.stringify({
    fault: Fault.is(error) ? { code: error.code, hint: error.hint !== undefined } : String(error),
    cause: error instanceof Error && error.cause instanceof Error && 'code' in error.cause ? error.cause.code : '',
    kept: (await whole(await store.get('dir/k'))).toString(),
    drafts: (await readdir(join(directory, '~drafts'))).length,
  }),
)
