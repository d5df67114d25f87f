import { readdirSync, rmdirSync, unlinkSync } from 'node:fs'
import { HELD_SUFFIX } from './extract.ts'
import { absolute } from './extract-paths.ts'
import { targetFault } from './restore-fault.ts'

/** What a set has, by the names of its members: byte strings. */
export interface Present {
  readonly hasFile: (name: string) => boolean
  readonly hasDirectory: (name: string) => boolean
}

/** Removes, below a directory, what earlier sets of a chain left and its last one does not have: dropped tables, databases, tablespaces. */
export function removeAbsent(directory: string, present: Present): void {
  for (const top of ['data', 'tablespaces']) {
    try {
      clear(directory, top, present)
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === 'ENOENT') continue
      throw targetFault(error, 'remove what the last set of the chain does not have')
    }
  }
}

function clear(directory: string, name: string, present: Present): void {
  for (const entry of readdirSync(absolute(directory, name), { withFileTypes: true, encoding: 'latin1' })) {
    const path = `${name}/${entry.name}`
    if (entry.isDirectory()) clear(directory, path, present)
    else if (!present.hasFile(unheld(path))) unlinkSync(absolute(directory, path))
  }
  if (!present.hasDirectory(name)) rmdirSync(absolute(directory, name))
}

const unheld = (name: string): string => (name.endsWith(HELD_SUFFIX) ? name.slice(0, -HELD_SUFFIX.length) : name)
