import { Fault } from '../../core/fault.ts'

/** The Fault that a failed write into the target is: 'target_full' without space, 'forbidden' without the right, else 'engine_failed'. */
export function targetFault(error: unknown, doing: string): unknown {
  const code = (error as NodeJS.ErrnoException | null)?.code
  if (error instanceof Fault || code === undefined) return error
  if (code === 'ENOSPC' || code === 'EDQUOT' || code === 'EFBIG') {
    return new Fault('target_full', `${doing}: no space left`, {
      cause: error,
      hint: 'Free space there or restore to another place. What was written does not start; remove it.',
    })
  }
  if (code === 'EACCES' || code === 'EPERM' || code === 'EROFS') {
    return new Fault('forbidden', `${doing}: not allowed (${code})`, {
      cause: error,
      hint: 'Run as the user who owns the place, or choose another place.',
    })
  }
  return new Fault('engine_failed', `${doing}: ${(error as Error).message}`, { cause: error })
}
