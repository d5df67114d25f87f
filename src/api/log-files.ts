import { instanceId, integer, utcMinuteOrSecond } from './parameters.ts'
import type { Parameters } from './action.ts'

/** What both lists of log files are asked with. */
export const LOG_PARAMETERS = {
  DBInstanceId: { codec: instanceId, required: true, about: 'The instance.' },
  StartTime: {
    codec: utcMinuteOrSecond,
    required: true,
    malformed: 'InvalidStartTime.Format',
    about: 'Only log from this moment on.',
  },
  EndTime: {
    codec: utcMinuteOrSecond,
    required: true,
    malformed: 'InvalidEndTime.Format',
    about: 'Only log up to this moment. Must be later than StartTime.',
  },
  PageSize: {
    codec: integer({ min: 30, max: 1000 }),
    malformed: 'InvalidMaxRecordsPerPage.Malformed',
    default: 30,
    about: 'Files on a page.',
  },
  PageNumber: {
    codec: integer({ min: 1, max: 2_147_483_647 }),
    malformed: 'InvalidPageNumbers.Malformed',
    default: 1,
    about: 'Which page. Past the last one the page is empty.',
  },
} as const satisfies Parameters

/** The page of an instance of which no log is kept. */
export const noLog = (PageNumber: number) => ({
  PageNumber,
  PageRecordCount: 0,
  TotalRecordCount: 0,
  TotalFileSize: 0,
})
