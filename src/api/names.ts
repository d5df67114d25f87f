import type { EngineKind, NodeRole } from '../core/instance.ts'

/** What RDS calls an engine. */
const ENGINE_NAMES: Readonly<Record<EngineKind, string>> = { postgres: 'PostgreSQL', mariadb: 'MariaDB' }

const isEngineKind = (kind: string): kind is EngineKind => Object.hasOwn(ENGINE_NAMES, kind)

/** RDS's name of an engine; one that is no kind of ours is left as it is. */
export const engineName = (kind: string): string => (isEngineKind(kind) ? ENGINE_NAMES[kind] : kind)

/** The kind of engine that RDS's name, in any case, means; undefined for one that is none of ours. */
export const engineKind = (name: string): EngineKind | undefined =>
  Object.keys(ENGINE_NAMES).find(
    (kind) => isEngineKind(kind) && engineName(kind).toLowerCase() === name.toLowerCase(),
  ) as EngineKind | undefined

/** What RDS calls the role of a node. */
export const roleName = (role: NodeRole): 'Master' | 'Slave' => (role === 'primary' ? 'Master' : 'Slave')
