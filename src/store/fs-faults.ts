import { Fault, type FaultCode } from '../core/fault.ts'

const OPEN_TO_US = 'Let the user that runs Holdfast read and write the directory of the store and all in it.'

const KNOWN: Readonly<Record<string, { code: FaultCode; hint: string }>> = {
  ENOSPC: { code: 'store_full', hint: 'Free space on the disk of the store, or remove sets that are not needed.' },
  EDQUOT: { code: 'store_full', hint: 'Raise the disk quota of the user that runs Holdfast, or remove sets.' },
  EFBIG: { code: 'store_full', hint: 'The file system or a limit of the process takes no file of this size.' },
  EACCES: { code: 'store_unavailable', hint: OPEN_TO_US },
  EPERM: { code: 'store_unavailable', hint: OPEN_TO_US },
  EROFS: { code: 'store_unavailable', hint: 'The file system of the store is mounted read-only.' },
  EIO: { code: 'store_unavailable', hint: 'The disk of the store reports errors: look at the system log.' },
  EMFILE: { code: 'store_unavailable', hint: 'Raise the limit of open files (ulimit -n) of the service.' },
}

/** The system's code of a failed call (`ENOENT`); undefined for anything else that was thrown. */
export function systemCode(error: unknown): string | undefined {
  const code = error instanceof Error && 'code' in error && 'syscall' in error ? error.code : undefined
  return typeof code === 'string' ? code : undefined
}

/** What a failed system call means to whoever uses the store. Anything else is given back as it is. */
export function storeFault(doing: string, error: unknown): unknown {
  const code = systemCode(error)
  if (code === undefined) return error
  const { code: fault, hint } = KNOWN[code] ?? { code: 'store_unavailable', hint: undefined }
  return new Fault(fault, `${doing}: ${error instanceof Error ? error.message : code}`, { hint, cause: error })
}

/** What `call` gives; its failure as a Fault that says what was being done. */
export async function faulting<T>(doing: string, call: Promise<T>): Promise<T> {
  try {
    return await call
  } catch (error) {
    throw storeFault(doing, error)
  }
}

/** What `call` gives; `otherwise` when it fails with one of these codes. */
export async function unless<T, U>(codes: readonly string[], call: Promise<T>, otherwise: U): Promise<T | U> {
  try {
    return await call
  } catch (error) {
    if (codes.includes(systemCode(error) ?? '')) return otherwise
    throw error
  }
}
