import { readdir } from 'node:fs/promises'
import { isAbsolute } from 'node:path'
import { realPathBelow } from '../lib/below.ts'
import { RdsError } from './errors.ts'

/**
 * The real path of a directory that a restore asked for through the API may write: strictly below one of the roots, symbolic
 * links resolved, and absent or empty. The worker that writes it tests again.
 */
export async function requireRestoreTarget(path: string, roots: readonly string[]): Promise<string> {
  if (roots.length === 0) {
    throw new RdsError(
      'OperationDenied.RestoreTarget',
      'This service restores through the API nowhere. Set restore.roots in its configuration, or restore with the local command.',
    )
  }
  if (!isAbsolute(path)) throw new RdsError('InvalidTargetPath', 'TargetPath must be an absolute path.')
  const real = await realPathBelow(path, roots)
  if (real === undefined) {
    throw new RdsError(
      'OperationDenied.RestoreTarget',
      'TargetPath must lie below one of the restore.roots of this service.',
    )
  }
  if (!(await isAbsentOrEmpty(real))) {
    throw new RdsError('InvalidTargetPath', 'TargetPath must be a directory that does not exist or is empty.')
  }
  return real
}

async function isAbsentOrEmpty(path: string): Promise<boolean> {
  try {
    return (await readdir(path)).length === 0
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'ENOENT'
  }
}
