import { z } from 'zod'
import { defineAction } from '../action.ts'
import { RdsError } from '../errors.ts'
import { primaryOf } from '../instance-item.ts'
import { engineName } from '../names.ts'
import { instanceId, integer, text } from '../parameters.ts'
import { requireRegistered } from '../require.ts'

const database = z.object({
  DBInstanceId: z.string(),
  DBName: z.string(),
  Engine: z.string(),
  DBStatus: z.literal('Running'),
  DBDescription: z.literal(''),
  CharacterSetName: z.literal(''),
  Accounts: z.object({ AccountPrivilegeInfo: z.array(z.never()) }),
})

/** The databases that an instance holds now. */
export const describeDatabases = defineAction({
  name: 'DescribeDatabases',
  about: 'Asks the primary of an instance which databases it holds now.',
  extension: false,
  mutates: false,
  parameters: {
    DBInstanceId: { codec: instanceId, required: true, about: 'The instance.' },
    DBName: { codec: text({ min: 1, max: 256 }), about: 'Only the database of this name.' },
    DBStatus: { codec: text({ min: 1, max: 64 }), about: 'Only databases of this status. Every one is Running.' },
    PageSize: { codec: integer({ min: 1, max: 1000 }), default: 30, about: 'Databases on a page.' },
    PageNumber: { codec: integer({ min: 1, max: 2_147_483_647 }), default: 1, about: 'Which page.' },
  },
  errors: ['InvalidDBInstanceName.NotFound', 'Database.ConnectError'],
  faults: { instance_unready: 'Database.ConnectError', instance_unreachable: 'Database.ConnectError' },
  reply: z.object({
    PageNumber: z.int(),
    PageRecordCount: z.int(),
    TotalRecordCount: z.int(),
    Databases: z.object({ Database: z.array(database) }),
  }),

  async handle({ DBInstanceId, DBName, DBStatus, PageSize, PageNumber }, { catalog, engineOf, signal }) {
    const instance = await requireRegistered(catalog, DBInstanceId)
    const primary = primaryOf(instance)
    if (!primary) throw new RdsError('Database.ConnectError', `The instance ${DBInstanceId} has no node.`)
    const { databases } = await engineOf(instance.engine).probe(primary.address, { signal })
    const wanted = databases.filter(
      (name) => (DBName === undefined || name === DBName) && (DBStatus ?? 'Running') === 'Running',
    )
    const page = wanted.slice((PageNumber - 1) * PageSize, PageNumber * PageSize)
    return {
      PageNumber,
      PageRecordCount: page.length,
      TotalRecordCount: wanted.length,
      Databases: {
        Database: page.map((name) => ({
          DBInstanceId,
          DBName: name,
          Engine: engineName(instance.engine),
          DBStatus: 'Running' as const,
          DBDescription: '' as const,
          CharacterSetName: '' as const,
          Accounts: { AccountPrivilegeInfo: [] },
        })),
      },
    }
  },
})
