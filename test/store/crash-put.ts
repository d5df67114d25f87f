import { systemClock } from '../../src/lib/clock.ts'
import { openStore } from '../../src/store/open.ts'

// A process that replaces one object for ever, to be killed at any moment. Every version of the object is 3 MB of one letter.
const [url = ''] = process.argv.slice(2)
const store = await openStore(url, systemClock)

async function* version(letter: string) {
  const chunk = Buffer.alloc(100_000, letter)
  for (let i = 0; i < 30; i++) yield chunk
}

for (let i = 0; ; i++) {
  const letter = String.fromCharCode(97 + (i % 26))
  await store.put('dir/object', version(letter))
  await store.put(`new/${process.pid}/${i}`, version(letter))
  if (i > 2) await store.remove(`new/${process.pid}/${i - 3}`)
  if (i === 0) process.stdout.write('ready\n')
}
