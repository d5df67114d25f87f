import { Option, type Command } from 'commander'
import { z } from 'zod'
import { ALERT_KINDS } from '../../core/alert.ts'
import type { AlertsTestOptions } from '../local/alerts-test.ts'
import { withConfigOptions } from '../options.ts'
import type { Parts } from '../parts.ts'
import { formatTable } from '../table.ts'
import { formatTime } from '../units.ts'
import { clientOf, printJson, withRemoteOptions, type RemoteOptions } from './session.ts'

const alert = z.object({
  AlertId: z.string(),
  Kind: z.string(),
  Subject: z.string(),
  DBInstanceId: z.string(),
  What: z.string(),
  Hint: z.string(),
  RaisedTime: z.string(),
  ResolvedTime: z.string(),
  Told: z.object({ Receiver: z.array(z.object({ Name: z.string(), Time: z.string(), As: z.string() })) }),
})
type Alert = z.infer<typeof alert>
const page = z.object({ TotalRecordCount: z.number(), Items: z.object({ Alert: z.array(alert) }) })

interface ListOptions extends RemoteOptions {
  readonly instance?: string
  readonly kind?: string
  readonly all?: boolean
}

/** `alerts list` asks the service what is wrong; `alerts test` tells the receivers of this machine's configuration something. */
export function addAlerts(program: Command, parts: Parts): void {
  const alerts = program.command('alerts').description('what is wrong, and who is told of it')
  withRemoteOptions(alerts.command('list'))
    .description('list what is wrong now, newest first')
    .option('--instance <id>', 'only about this instance')
    .addOption(new Option('--kind <kind>', 'only of this kind').choices(ALERT_KINDS))
    .option('--all', 'also what is over')
    .action((options: ListOptions) => list(options, parts))
  withConfigOptions(alerts.command('test'))
    .description('send each receiver of the configuration a message, and say whether it took it')
    .option('--json', 'print the outcome as JSON')
    .action(async (options: AlertsTestOptions) => (await import('../local/alerts-test.ts')).testAlerts(options, parts))
}

async function list(options: ListOptions, parts: Parts): Promise<void> {
  const items = await read(options, parts)
  if (options.json) return printJson(items, parts)
  parts.io.out.write(
    formatTable(
      [
        { title: 'SINCE', value: (item) => formatTime(item.RaisedTime, options) },
        { title: 'OVER', value: (item) => (item.ResolvedTime === '' ? '' : formatTime(item.ResolvedTime, options)) },
        { title: 'KIND', value: (item) => item.Kind },
        { title: 'ABOUT', value: (item) => item.Subject },
        { title: 'WHAT', value: (item) => item.What },
      ],
      items,
    ),
  )
}

const PAGE = 100

async function read({ instance, kind, all, ...options }: ListOptions, parts: Parts): Promise<Alert[]> {
  const client = clientOf(options, parts)
  const wanted = { DBInstanceId: instance, Kind: kind, State: all ? 'all' : undefined, PageSize: String(PAGE) }
  const items: Alert[] = []
  for (let number = 1; ; number++) {
    const reply = await client.call('DescribeAlerts', { ...wanted, PageNumber: String(number) }, page)
    items.push(...reply.Items.Alert)
    if (reply.Items.Alert.length < PAGE || items.length >= reply.TotalRecordCount) return items
  }
}
