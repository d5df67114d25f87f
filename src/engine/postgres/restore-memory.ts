const UNITS: Readonly<Record<string, number>> = { '': 8192, B: 1, kB: 2 ** 10, MB: 2 ** 20, GB: 2 ** 30, TB: 2 ** 40 }

/**
 * Lowers shared_buffers to a quarter of this machine's memory when the source had more than half of it, and says so;
 * undefined when nothing had to change.
 */
export function capMemory(settings: Record<string, string>, memory: number): string | undefined {
  const value = settings['shared_buffers']
  const [, digits, unit] = /^(\d+)\s*(B|kB|MB|GB|TB|)$/.exec(value ?? '') ?? []
  if (value === undefined || digits === undefined || unit === undefined) return undefined
  if (Number(digits) * (UNITS[unit] ?? 1) <= memory / 2) return undefined
  const lowered = `${Math.max(16, Math.floor(memory / 4 / 2 ** 20))}MB`
  settings['shared_buffers'] = lowered
  return `shared_buffers is ${lowered} instead of ${value}, since this machine has ${Math.floor(memory / 2 ** 20)} MB`
}
