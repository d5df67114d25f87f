import type { Instance } from './instance.ts'

/** Why increments can never be taken of an instance as it is registered; undefined when they may be. */
export function whyNoIncrements({
  engine,
  engineVersion,
}: Pick<Instance, 'engine' | 'engineVersion'>): string | undefined {
  if (engine !== 'postgres') return `${engine} takes no incremental backups here`
  return Number.parseInt(engineVersion, 10) >= 17
    ? undefined
    : `PostgreSQL ${Number.parseInt(engineVersion, 10)} takes no incremental backups: 17 and newer do`
}
