import type { Flavour } from './flavour.ts'
import { alerts } from './0003/alerts.ts'
import { audit } from './0003/audit.ts'
import { keys } from './0003/keys.ts'
import { policies } from './0003/policies.ts'
import { tokens } from './0003/tokens.ts'

/** Version 3: policies, roles of keys, audit, alerts and client tokens. */
export const theApiFamily = (flavour: Flavour): readonly string[] => [
  ...policies(flavour),
  ...keys(flavour),
  ...audit(flavour),
  ...alerts(flavour),
  ...tokens(flavour),
]
