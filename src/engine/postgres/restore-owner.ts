import { chown, mkdir, writeFile } from 'node:fs/promises'
import { targetFault } from './restore-fault.ts'

/** Whom restored files belong to, when that is somebody else than us. */
export type Owner = { readonly uid: number; readonly gid: number } | undefined

/** Writes a new file into the target, durable, with the owner of the rest. */
export async function writeOwned(path: string, text: string, mode: number, owner: Owner): Promise<void> {
  try {
    await writeFile(path, text, { mode, flag: 'wx', flush: true })
    if (owner) await chown(path, owner.uid, owner.gid)
  } catch (error) {
    throw targetFault(error, `write ${path}`)
  }
}

/** Makes a directory of mode 0700 for `owner`. */
export async function makeOwned(path: string, owner: Owner): Promise<void> {
  try {
    await mkdir(path, { mode: 0o700 })
    if (owner) await chown(path, owner.uid, owner.gid)
  } catch (error) {
    throw targetFault(error, `make ${path}`)
  }
}
