import { Fault } from '../../core/fault.ts'
import { spawn } from '../../lib/spawn.ts'

/** The ids of a system user. Fault 'invalid' when there is none of that name, or we are not root and may give files to nobody. */
export async function ownerOf(name: string): Promise<{ readonly uid: number; readonly gid: number }> {
  if (process.getuid?.() !== 0) {
    throw new Fault('invalid', `give restored files to ${name}`, {
      hint: 'Only root may: run as that user instead, and leave the owner away.',
    })
  }
  const id = async (flag: string) => {
    const { stdout } = await spawn('id', [flag, '--', name], {
      fail: (message, cause) => new Fault('invalid', `find the user ${name}: ${message}`, { cause }),
    })
    return Number(stdout)
  }
  return { uid: await id('-u'), gid: await id('-g') }
}
