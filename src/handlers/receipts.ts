import { sha256 } from '#domain/identity.ts'
import type { RecordReceipt } from '#domain/notification/commands.ts'
import type { DispatchedData, DispatchedPersonal } from '#domain/notification/events.ts'
import type { Policies } from '#domain/notification/policy.ts'
import type { Receipt } from '#ports/channel.ts'
import type { Clock } from '#ports/clock.ts'
import type { CrashPoints } from '#ports/crash-points.ts'
import type { Random } from '#ports/random.ts'
import type { Consequences } from './consequences.ts'
import type { createReferences } from './messages.ts'
import { type Loaded, type Notifications, UnreadableStream } from './notifications.ts'
import type { Quarantine } from './quarantine.ts'
import type { Removals } from './removals.ts'

export interface AttemptRef {
  readonly notificationId: string
  readonly deliveryId: string
  readonly attempt: number
}

/** Takes verified receipts; each is in the log when the promise resolves. */
export interface Receipts {
  take(app: string, provider: string, receipts: readonly Receipt[]): Promise<void>
  /** Records what a receipt says of an attempt; `false`: there is no such attempt that can be read. */
  apply(provider: string, receipt: Receipt, ref: AttemptRef): Promise<boolean>
}

/** What became of a receipt; `unknown`: there is no such attempt that can be read. */
type Taken = 'unknown' | 'nothing-new' | 'stored'

type Verdict = Exclude<Receipt['outcome'], { is: 'progress' }>

const toldBy = (verdict: Verdict): RecordReceipt['receipt'] => {
  switch (verdict.is) {
    case 'delivered':
    case 'complaint':
      // Who complains has got the message.
      return { is: 'delivered' }
    case 'accepted':
      return { is: 'accepted' }
    case 'retry':
      // The provider had taken it: sending it again may tell somebody twice, and is counted so.
      return { is: 'ambiguous', code: verdict.code, reason: verdict.reason }
    default:
      return { is: verdict.is, code: verdict.code, reason: verdict.reason }
  }
}

interface AboutAddress {
  readonly is: 'endpoint-invalid' | 'opted-out' | 'complaint'
  readonly code: string
  readonly reason: string
}

const concernsAddress = (verdict: Verdict): verdict is AboutAddress =>
  verdict.is === 'endpoint-invalid' || verdict.is === 'opted-out' || verdict.is === 'complaint'

/** The address that the attempt went to, as its fence recorded it. */
const addressOf = (loaded: Loaded, ref: AttemptRef): string => {
  const fence = loaded.events.find((event) => {
    const { deliveryId, attempt } = event.data as unknown as DispatchedData
    const same = deliveryId === ref.deliveryId && attempt === ref.attempt
    return event.type === 'NotificationDispatched' && same
  })
  return ((fence?.personal ?? { to: '' }) as unknown as DispatchedPersonal).to
}

export const createReceipts = (needs: {
  readonly notifications: Notifications
  readonly consequences: Consequences
  readonly references: ReturnType<typeof createReferences>
  readonly quarantine: Quarantine
  readonly removals: Removals
  readonly policies: Policies
  readonly clock: Clock
  readonly random: Random
  readonly crashPoints: CrashPoints
}): Receipts => {
  const { notifications, consequences, references, quarantine, removals } = needs
  const { policies, clock, random } = needs

  /** What the receipt means for the address stands before the outcome does. */
  const conclude = async (loaded: Loaded, ref: AttemptRef, verdict: Verdict): Promise<void> => {
    if (!concernsAddress(verdict)) return
    const notification = loaded.state!
    const delivery = notification.deliveries.find((each) => each.deliveryId === ref.deliveryId)!
    const address = addressOf(loaded, ref)
    const about = { ...ref, notification, delivery, address, code: verdict.code, said: {} }
    if (verdict.is === 'endpoint-invalid') {
      if (removals.mayRemove(delivery.credential)) await consequences.endpointInvalid(about)
    } else await consequences.refusedByPerson(about, verdict.is)
  }

  /** `undefined`: a person has to look at it; the receipt is kept, and holds up no other. */
  const readable = (notificationId: string): Promise<Loaded | undefined> =>
    notifications.load(notificationId).catch((error: unknown) => {
      if (error instanceof UnreadableStream) return undefined
      throw error
    })

  const record = async (provider: string, receipt: Receipt, ref: AttemptRef): Promise<Taken> => {
    const loaded = await readable(ref.notificationId)
    const delivery = loaded?.state?.deliveries.find((each) => each.deliveryId === ref.deliveryId)
    const known = delivery?.attempts.some((each) => each.number === ref.attempt)
    if (!loaded || !delivery || !known || delivery.provider !== provider) return 'unknown'
    const { outcome: verdict, providerMessageId } = receipt
    if (verdict.is === 'progress') return 'nothing-new'
    // Of what is only on its way there may be several for one message.
    if (verdict.is !== 'accepted')
      removals.noteReceipt(delivery.credential, verdict.is === 'endpoint-invalid')
    await conclude(loaded, ref, verdict)
    const told = toldBy(verdict)
    const { deliveryId, attempt } = ref
    const command: RecordReceipt = {
      do: 'record-receipt',
      deliveryId,
      attempt,
      now: clock.now(),
      fraction: random.fraction(),
      policy: policies[delivery.channel],
      ...(providerMessageId !== undefined && { providerMessageId }),
      receipt: told,
    }
    const actor = `provider:${provider}`
    const now = await notifications.insist(loaded, [command], actor)
    return now.revision > loaded.revision ? 'stored' : 'nothing-new'
  }

  const takeOne = async (app: string, provider: string, receipt: Receipt): Promise<boolean> => {
    const ref = receipt.ref === undefined ? undefined : references.read(receipt.ref)
    const taken = ref ? await record(provider, receipt, ref) : 'unknown'
    if (taken !== 'unknown') return taken === 'stored'
    // Not the end of anything: what comes next will say it again.
    if (receipt.outcome.is === 'progress' || receipt.outcome.is === 'accepted') return false
    const callbackId = sha256(`${provider} ${receipt.dedupeKey}`)
    return quarantine.keep(app, provider, receipt, callbackId)
  }

  return {
    apply: async (...told) => (await record(...told)) !== 'unknown',
    async take(app, provider, receipts) {
      let stored = false
      for (const receipt of receipts) {
        if (await takeOne(app, provider, receipt)) stored = true
      }
      if (stored) needs.crashPoints.reach('receipt-stored-not-answered')
    },
  }
}
