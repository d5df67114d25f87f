import { fileURLToPath } from 'node:url'
import { runProgram } from '../../src/cli/program.ts'
import { fakeEngine } from '../../src/engine/fake/fake.ts'
import { systemClock } from '../../src/lib/clock.ts'
import { createParts } from '../../src/main.ts'

// The real program with a pretended database, without the rights of root, which no mode of a file keeps out. Everything is loaded
// before they are given up: another user may not be able to enter the checkout.
const content = new Uint8Array(300_000).fill(7)
const servers = { fake: { role: 'primary', systemIdentifier: '7', content } } as const
const openEngine = () => fakeEngine({ clock: systemClock, servers })
const parts = createParts({ file: fileURLToPath(import.meta.url), clock: systemClock, openEngine })

const user = process.env['HOLDFAST_TEST_USER']
if (user !== undefined) {
  const [uid, gid] = user.split(':').map(Number)
  process.setgroups?.([])
  process.setgid?.(gid ?? 0)
  process.setuid?.(uid ?? 0)
}
const code = await runProgram(process.argv.slice(2), parts)
if (code !== 0) process.exit(code)
