import { z } from 'zod'
import { ALERT_KINDS, type Alert } from '../../core/alert.ts'
import { isoSeconds } from '../../lib/time.ts'
import { defineAction } from '../action.ts'
import { instanceId, integer, oneOf, pageSize } from '../parameters.ts'

const item = z.object({
  AlertId: z.string(),
  Kind: z.enum(ALERT_KINDS),
  Subject: z.string().describe('The id of an instance, a set or an access key, or store.'),
  DBInstanceId: z.string().describe('Empty when it is about no instance.'),
  What: z.string(),
  Hint: z.string().describe('What to do about it.'),
  RaisedTime: z.string().describe('When it was first found, UTC.'),
  ResolvedTime: z.string().describe('When it was found to be over; empty while it lasts.'),
  Told: z
    .object({ Receiver: z.array(z.object({ Name: z.string(), Time: z.string(), As: z.enum(['raised', 'resolved']) })) })
    .describe('What each receiver was last told of it.'),
})

/** What is wrong, and what was. */
export const describeAlerts = defineAction({
  name: 'DescribeAlerts',
  about:
    'Lists alerts, newest first: what is wrong now, and what was within the last 90 days. See docs/guide/alerts.md.',
  extension: true,
  mutates: false,
  limited: 'filters',
  parameters: {
    DBInstanceId: { codec: instanceId, about: 'Only alerts about this instance.' },
    Kind: { codec: oneOf(ALERT_KINDS), about: 'Only alerts of this kind.' },
    State: {
      codec: oneOf(['lasting', 'resolved', 'all']),
      default: 'lasting',
      about: 'Alerts that last, that are over, or both.',
    },
    PageSize: {
      codec: pageSize([30, 50, 100]),
      malformed: 'InvalidMaxRecordsPerPage.Malformed',
      default: 30,
      about: 'Alerts on a page.',
    },
    PageNumber: {
      codec: integer({ min: 1, max: 2_147_483_647 }),
      malformed: 'InvalidPageNumbers.Malformed',
      default: 1,
      about: 'Which page. Past the last one the page is empty.',
    },
  },
  faults: {},
  reply: z.object({
    PageNumber: z.int(),
    PageRecordCount: z.int().describe('Alerts on this page.'),
    TotalRecordCount: z.int().describe('Alerts on all pages.'),
    Items: z.object({ Alert: z.array(item) }),
  }),

  async handle(values, { catalog, caller }) {
    const { DBInstanceId, Kind: kind, State, PageNumber, PageSize } = values
    const { total, items } = await catalog.alerts({
      kind,
      instanceIds: DBInstanceId === undefined ? caller.rights.instances : [DBInstanceId],
      resolved: State === 'all' ? undefined : State === 'resolved',
      offset: (PageNumber - 1) * PageSize,
      limit: PageSize,
    })
    return {
      PageNumber,
      PageRecordCount: items.length,
      TotalRecordCount: total,
      Items: { Alert: items.map(render) },
    }
  },
})

const render = (alert: Alert): z.infer<typeof item> => ({
  AlertId: alert.id,
  Kind: alert.kind,
  Subject: alert.subject,
  DBInstanceId: alert.instanceId ?? '',
  What: alert.what,
  Hint: alert.hint,
  RaisedTime: isoSeconds(alert.raisedAt),
  ResolvedTime: alert.resolvedAt === undefined ? '' : isoSeconds(alert.resolvedAt),
  Told: {
    Receiver: Object.entries(alert.told).map(([Name, { at, as }]) => ({ Name, Time: isoSeconds(at), As: as })),
  },
})
