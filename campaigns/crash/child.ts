import { flushCompileCache } from 'node:module'
import { type Arming, createArmedCrashPoints } from './armed-crash-points.ts'
import type { SabotageName } from './sabotage.ts'

/** What the campaign tells a child, and what it hears back; the rest is learnt from its death. */
export type Order =
  | {
      readonly do: 'start'
      readonly settings: Readonly<Record<string, string>>
      readonly sabotage?: SabotageName
      readonly arm?: Arming
    }
  | { readonly do: 'stop' }
export type Report =
  | { readonly is: 'loaded' }
  | { readonly is: 'ready'; readonly url: string; readonly firstKey?: string }
  | { readonly is: 'refused'; readonly why: string }

/** The fourth descriptor is a pipe to the campaign: what was written to it outlives this process. */
const reportTo = 3

const say = (report: Report): void => void process.send!(report)

/** Loading takes most of a start; the next child does it while this one is still to be killed. */
const load = async () => {
  const [{ startApp }, { parseConfig }, { aroundOf }] = await Promise.all([
    import('#src/app.ts'),
    import('#src/config.ts'),
    import('./sabotage.ts'),
    import('#adapters/apns/apns-channel.ts'),
    import('#adapters/fcm/fcm-channel.ts'),
    import('#adapters/twilio/twilio-channel.ts'),
    import('#adapters/twilio/receipts.ts'),
    import('#adapters/sendgrid/sendgrid-channel.ts'),
    import('#adapters/sendgrid/receipts.ts'),
  ])
  flushCompileCache()
  return { startApp, parseConfig, aroundOf }
}

// Nobody may be left behind when the campaign is gone.
process.once('disconnect', () => process.exit(1))

const { startApp, parseConfig, aroundOf } = await load()
const crashPoints = createArmedCrashPoints(reportTo)
let running: AsyncDisposable | undefined

const start = async (order: Extract<Order, { do: 'start' }>): Promise<void> => {
  if (order.arm) crashPoints.arm(order.arm)
  try {
    const around = { ...aroundOf(order.sabotage), crashPoints }
    const app = await startApp(parseConfig(order.settings), around)
    running = app
    say({ is: 'ready', url: app.url, ...(app.firstKey && { firstKey: app.firstKey }) })
  } catch (error) {
    say({ is: 'refused', why: error instanceof Error ? (error.stack ?? '') : String(error) })
  }
}

process.on('message', async (order: Order) => {
  if (order.do === 'start') return start(order)
  await running?.[Symbol.asyncDispose]()
  process.exit(0)
})
say({ is: 'loaded' })
