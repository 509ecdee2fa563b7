import { within } from '../within.ts'

const idleWithinMs = 60_000

/** Faults that every provider gets over within seconds: a 429 or 503 without a time costs FCM a minute. */
const faultMix = { '429': 0, '503': 0 }

/** What one request told the sandbox; see `src/sandbox/ledger.ts`. */
export interface Told {
  /** `<notificationId>.<deliveryId>`. */
  readonly correlation: string
  /** `<notificationId>.<deliveryId>.<attempt>`. */
  readonly attemptRef: string
  readonly taken: boolean
}

/** The simulated providers: they outlive every fault of a campaign, and their ledger is what is believed. */
export interface Sandbox {
  /** `rate`: share of all requests that go wrong, 0 to 1. */
  faults(rate: number): Promise<void>
  ledger(): Promise<readonly Told[]>
  /** Resolves when every receipt has been taken or given up. */
  idle(): Promise<void>
}

export const sandboxAt = (controlUrl: string): Sandbox => ({
  async faults(rate) {
    const body = JSON.stringify({ rate, mix: faultMix })
    await fetch(`${controlUrl}/faults`, { method: 'POST', body })
  },
  async ledger() {
    const lines = (await (await fetch(`${controlUrl}/ledger`)).text()).split('\n')
    return lines.filter((each) => each !== '').map((each) => JSON.parse(each) as Told)
  },
  async idle() {
    await within(idleWithinMs, 'The receipts did not end', fetch(`${controlUrl}/idle`))
  },
})
