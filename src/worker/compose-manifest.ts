import type { Instance, Node } from '../core/instance.ts'
import type { Manifest, SetEncryption } from '../core/manifest.ts'
import type { TakeBackupRequest } from '../core/task.ts'
import type { Point } from '../engine/engine.ts'
import type { Moment } from '../lib/clock.ts'
import type { AttemptPlace, SetWriter } from '../set/set.ts'

/** What is known of a backup when all its bytes lie in the store. */
export interface WrittenBackup {
  readonly place: AttemptPlace
  readonly request: TakeBackupRequest
  /** What it adds to; absent for a full set. */
  readonly base: Manifest | undefined
  readonly instance: Instance
  readonly node: Node
  readonly point: Point
  readonly writer: SetWriter
  /** To whom the parts are encrypted; absent when they are not. */
  readonly encryption: SetEncryption | undefined
  readonly startedAt: Moment
  readonly endedAt: Moment
}

/** The manifest of a set. */
export function composeManifest(backup: WrittenBackup): Manifest {
  const { place, request, base, instance, node, point, writer, encryption, startedAt, endedAt } = backup
  return {
    format: 'holdfast-set',
    // What knows version 1 alone shall say that it is too old, and not that the set is damaged.
    version: encryption ? 2 : 1,
    backupId: place.setId,
    taskId: place.taskId,
    attempt: place.attempt,
    instance: {
      id: instance.id,
      engine: instance.engine,
      engineVersion: instance.engineVersion,
      description: instance.description,
    },
    node: { id: node.id, role: node.role },
    type: base ? 'IncrementalBackup' : 'FullBackup',
    mode: request.mode,
    method: request.method,
    ...(base && { parentId: base.backupId }),
    startedAt,
    endedAt,
    consistentAt: point.consistentAt,
    available: point.available,
    warnings: [...point.warnings],
    // Several are written at once, and end in any order.
    parts: writer.parts.toSorted((a, b) => (a.key < b.key ? -1 : 1)),
    extras: [...writer.extras],
    ...(encryption && { encryption }),
    ...(point.postgres && { postgres: point.postgres }),
    ...(point.logical && { logical: point.logical }),
  }
}
