import type { Task } from '../core/task.ts'

/** The reason of a failed attempt that came as far as a node: it names the node, for people and for the next attempt. */
export const reasonOnNode = (nodeId: string | undefined, reason: string): string =>
  nodeId === undefined ? reason : `node ${nodeId}: ${reason}`

/** The node on which the last attempt at this task failed; undefined when it failed elsewhere, or was only interrupted. */
export const failedNode = ({ reason }: Task): string | undefined => /^node (\d+): /.exec(reason ?? '')?.[1]
