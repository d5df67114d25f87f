import type { Flavour } from '../flavour.ts'

export const tokens = ({ int64, text, keyed }: Flavour): readonly string[] => [
  `create table client_tokens (
     key_id ${text} not null,
     action ${text} not null,
     token ${text} not null,
     digest ${text} not null,
     reply ${text} not null,
     expires_at ${int64} not null,
     primary key (key_id, action, token)
   ) ${keyed}`,
  `create index client_tokens_by_end on client_tokens (expires_at)`,
]
