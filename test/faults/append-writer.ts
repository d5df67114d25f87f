import { createAppendFile } from '../../src/lib/append-file.ts'
import { systemClock } from '../../src/lib/clock.ts'

/** Appends numbered lines below the directory it is given, batch by batch, and prints what became of them as JSON. */
const told: unknown[] = []
const file = createAppendFile(
  { directory: process.argv[2] ?? '', kind: 'reads', writer: 'w', fileBytes: 1_000_000, fileMs: 1e9, files: 9 },
  {
    clock: systemClock,
    failed: (error) => told.push((error as NodeJS.ErrnoException).code),
    recovered: (dropped) => told.push(dropped),
  },
)
for (let batch = 0; batch < 3; batch++) {
  for (let line = 0; line < 50; line++) file.add(`${JSON.stringify({ batch, line, pad: 'x'.repeat(70) })}\n`)
  await file.flush()
  if (file.failing) await file.flush()
}
await file.close()
process.stdout.write(JSON.stringify({ told, dropped: file.dropped, failing: file.failing }))
