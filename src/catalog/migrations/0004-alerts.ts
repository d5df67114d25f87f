import type { Flavour } from './flavour.ts'

/** Version 4: alerts, who was told of them, and turns that one process at a time has. */
export const alerts = ({ int64, text, keyed, end }: Flavour): readonly string[] => [
  `create table alerts (
     id ${int64} primary key,
     kind ${text} not null,
     subject ${text} not null,
     instance_id ${text},
     what ${text} not null,
     hint ${text} not null,
     raised_at ${int64} not null,
     missing_since ${int64},
     resolved_at ${int64},
     told ${text} not null,
     open ${int64} not null check (open in (0, 1))
   ) ${end}`,
  // One of a kind for a subject, whoever raises it.
  `create unique index alerts_that_last on alerts (kind, subject) where resolved_at is null`,
  `create index alerts_that_are_open on alerts (id) where open = 1`,
  `create index alerts_by_time on alerts (raised_at, id)`,
  `create table alert_receivers (
     name ${text} primary key,
     told_at ${int64},
     failing_since ${int64},
     failure ${text}
   ) ${keyed}`,
  `create table turns (
     name ${text} primary key,
     holder ${text} not null,
     until ${int64} not null
   ) ${keyed}`,
  `create index sets_with_damage on sets (instance_id, id) where damage is not null`,
]
