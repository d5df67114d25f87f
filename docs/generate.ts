import { mkdir, writeFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { GENERATED_PAGES } from './pages.ts'

for (const [path, render] of Object.entries(GENERATED_PAGES)) {
  const file = join(import.meta.dirname, path)
  await mkdir(dirname(file), { recursive: true })
  await writeFile(file, render())
}
