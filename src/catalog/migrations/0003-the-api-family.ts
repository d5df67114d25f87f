import type { Flavour } from './flavour.ts'
import { audit } from './0003/audit.ts'
import { keys } from './0003/keys.ts'
import { policies } from './0003/policies.ts'
import { taskIds } from './0003/task-ids.ts'
import { tokens } from './0003/tokens.ts'

/** Version 3: policies, pins and ends of sets, rights of keys, audit and client tokens. */
export const theApiFamily = (flavour: Flavour): readonly string[] => [
  ...policies(flavour),
  ...keys(flavour),
  ...audit(flavour),
  ...tokens(flavour),
  ...taskIds(flavour),
]
