import type { Flavour } from './flavour.ts'

/** Version 7: sets are proven by drills. Never edited once it is on main. */
export const drills = ({ text, int64 }: Flavour): readonly string[] => [
  // When a drill last proved a set, and what the last one found wrong: only another drill takes that back.
  `alter table sets add column drilled_at ${int64}`,
  `alter table sets add column drill_damage ${text}`,
  // The newest drill of each instance is looked at again and again.
  `create index tasks_of_drills on tasks (instance_id, id) where kind = 'drill'`,
]
