import type { Parameters } from './action.ts'
import { RdsError } from './errors.ts'
import { instanceId, integer, oneOf, pageSize, setId, utcMinuteOrSecond } from './parameters.ts'

const LARGEST_PAGE_NUMBER = 2_147_483_647

/** What lists of sets are filtered and paged by. */
export const SET_FILTERS = {
  DBInstanceId: { codec: instanceId, about: 'Only sets of this instance.' },
  BackupId: { codec: setId, about: 'Only the set of this id.' },
  BackupStatus: { codec: oneOf(['Success', 'Failed']), about: 'Only sets of this status.' },
  BackupMode: { codec: oneOf(['Automated', 'Manual']), about: 'Only sets of this mode.' },
  StartTime: {
    codec: utcMinuteOrSecond,
    malformed: 'InvalidStartTime.Format',
    about: 'Only sets whose backup started at this second or later.',
  },
  EndTime: {
    codec: utcMinuteOrSecond,
    malformed: 'InvalidEndTime.Format',
    about: 'Only sets whose backup started at this second or earlier. Must be later than StartTime.',
  },
  PageSize: {
    codec: pageSize([30, 50, 100]),
    malformed: 'InvalidMaxRecordsPerPage.Malformed',
    default: 30,
    about: 'Sets on a page.',
  },
  PageNumber: {
    codec: integer({ min: 1, max: LARGEST_PAGE_NUMBER }),
    malformed: 'InvalidPageNumbers.Malformed',
    default: 1,
    about: 'Which page. Past the last one the page is empty.',
  },
} as const satisfies Parameters

/** Refuses a span that ends before it begins. */
export function requireSpan({ StartTime, EndTime }: { StartTime?: number | undefined; EndTime?: number | undefined }) {
  if (StartTime === undefined || EndTime === undefined || EndTime > StartTime) return
  throw new RdsError('InvalidParameterCombination', 'EndTime must be later than StartTime.')
}
