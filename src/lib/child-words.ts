/** So much of what a program says on stderr is kept. */
export const STDERR_LIMIT = 16 * 1024

/** Keeps the first or the last `limit` bytes. `add` is false once something was lost from the end. */
export function collector(limit: number, keep: 'head' | 'tail') {
  let chunks: Buffer[] = []
  let size = 0
  let full = false
  return {
    add(data: Buffer): boolean {
      if (keep === 'head' && size + data.length > limit) full = true
      if (full) return false
      chunks.push(data)
      size += data.length
      if (keep === 'tail' && size > 2 * limit) {
        chunks = [Buffer.concat(chunks).subarray(-limit)]
        size = limit
      }
      return true
    },
    full: () => full,
    text: () => Buffer.concat(chunks).subarray(-limit).toString(),
  }
}

/** A text without the secrets in it. */
export const redact = (text: string, secrets: readonly string[]): string =>
  secrets.reduce((rest, secret) => (secret === '' ? rest : rest.replaceAll(secret, '[secret]')), text)

/** The end of what a program said, to stand behind a message; empty when it said nothing. */
export function lastLines(text: string): string {
  const lines = text.split('\n').filter((line) => line.trim() !== '')
  return lines.length === 0 ? '' : `: ${lines.slice(-5).join('; ')}`
}

/** Why a program could not be started. */
export function reasonOf(cause: Error): string {
  const { code } = cause as NodeJS.ErrnoException
  if (code === 'ENOENT') return 'not found'
  return code === 'EACCES' ? 'not allowed' : cause.message
}
