import { chmodSync, chownSync, closeSync, fsyncSync, lstatSync, mkdirSync, openSync } from 'node:fs'
import { Fault } from '../../core/fault.ts'
import type { ExtractPlace } from './extract.ts'
import { absolute } from './extract-paths.ts'
import { targetFault } from './restore-fault.ts'

/** The directories of one set. Names are byte strings. */
export interface Directories {
  /** Makes what a file lies in, and all above it. */
  makeParent(name: string): void
  make(name: string): undefined
  /** Whether the set has it. */
  has(name: string): boolean
  /** Makes all of them durable. */
  sync(): void
}

/**
 * Makes directories, each once; those that only a file below them asks for may still get a member of their own. With `mayExist`
 * they may be there already, as those of an earlier set of the chain are.
 */
export function createDirectories(place: ExtractPlace, { mayExist = false } = {}): Directories {
  const made = new Map<string, 'asked' | 'implied'>()

  const create = (name: string) => {
    const path = absolute(place.directory, name)
    try {
      mkdirSync(path, place.directoryMode)
      chmodSync(path, place.directoryMode)
      if (place.owner) chownSync(path, place.owner.uid, place.owner.gid)
    } catch (error) {
      const exists = (error as NodeJS.ErrnoException).code === 'EEXIST'
      if (exists && mayExist && lstatSync(path).isDirectory()) return
      if (!exists) throw targetFault(error, `make ${path.toString()}`)
      throw new Fault('store_corrupt', `read the set: it holds ${path.toString()} twice`, { cause: error })
    }
  }
  const makeParent = (name: string) => {
    const cut = name.lastIndexOf('/')
    if (cut === -1 || made.has(name.slice(0, cut))) return
    const parent = name.slice(0, cut)
    makeParent(parent)
    create(parent)
    made.set(parent, 'implied')
  }

  return {
    makeParent,
    make(name: string): undefined {
      const before = made.get(name)
      if (before === 'asked') throw new Fault('store_corrupt', `read the set: it holds directory ${name} twice`)
      makeParent(name)
      if (before === undefined) create(name)
      made.set(name, 'asked')
      return undefined
    },
    has: (name) => made.has(name),
    sync(): void {
      for (const name of [...made.keys(), '.']) syncNow(absolute(place.directory, name))
    },
  }
}

/** A directory's names are durable once it was synced. */
function syncNow(path: Buffer): void {
  const fd = openSync(path, 'r')
  try {
    fsyncSync(fd)
  } catch (error) {
    throw targetFault(error, `sync ${path.toString()}`)
  } finally {
    closeSync(fd)
  }
}
