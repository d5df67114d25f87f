import { z } from 'zod'
import { defineAction } from '../action.ts'
import { LOG_PARAMETERS, noLog } from '../log-files.ts'
import { requireRegistered } from '../require.ts'
import { requireSpan } from '../set-filters.ts'

const file = z.object({
  DownloadLink: z.string(),
  IntranetDownloadLink: z.string(),
  LinkExpiredTime: z.string(),
  LogBeginTime: z.string(),
  LogEndTime: z.string(),
  FileSize: z.int(),
  LogFileName: z.string(),
  HostInstanceID: z.string(),
  RemoteStatus: z.enum(['Uploading', 'Completed']),
  Checksum: z.string(),
})

/** The log files that are kept of an instance. */
export const describeBinlogFiles = defineAction({
  name: 'DescribeBinlogFiles',
  about:
    'Lists the files of binlog or WAL that are kept of an instance. None are yet: no engine here follows the log, and the list is empty.',
  extension: false,
  mutates: false,
  parameters: LOG_PARAMETERS,
  combine: (values) => requireSpan(values),
  errors: ['InvalidDBInstance.NotFound', 'InvalidParameterCombination'],
  faults: {},
  reply: z.object({
    PageNumber: z.int(),
    PageRecordCount: z.int(),
    TotalRecordCount: z.int(),
    TotalFileSize: z.int(),
    Items: z.object({ BinLogFile: z.array(file) }),
  }),

  async handle({ DBInstanceId, PageNumber }, { catalog }) {
    await requireRegistered(catalog, DBInstanceId, 'InvalidDBInstance.NotFound')
    return { ...noLog(PageNumber), Items: { BinLogFile: [] } }
  },
})
