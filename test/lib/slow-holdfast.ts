import { fileURLToPath } from 'node:url'
import { runProgram } from '../../src/cli/program.ts'
import { fakeEngine } from '../../src/engine/fake/fake.ts'
import { systemClock } from '../../src/lib/clock.ts'
import { createParts } from '../../src/main.ts'

/**
 * The real program with a pretended database, `slow` on any port, whose backup of 6.4 MB takes HOLDFAST_TEST_CHUNK_MS for each
 * of its hundred chunks: to be stopped and killed in the middle of.
 */
const pause = Number(process.env['HOLDFAST_TEST_CHUNK_MS'] ?? 0)

const openEngine = () =>
  fakeEngine({
    clock: systemClock,
    servers: { slow: { role: 'primary', systemIdentifier: '7', content: new Uint8Array(6_553_600).fill(7) } },
    beforeChunk: () => systemClock.sleep(pause),
  })

const parts = createParts({ file: fileURLToPath(import.meta.url), clock: systemClock, openEngine })
const code = await runProgram(process.argv.slice(2), parts)
if (code !== 0) process.exit(code)
