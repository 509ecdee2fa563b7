import type { FaultMix } from '#sandbox/chooser.ts'
import type { LedgerEntry, LedgerSummary } from '#sandbox/ledger.ts'
import { linesOf } from './api-client.ts'
import { DemoFailure } from './failure.ts'

/** The sandbox, spoken to beside the service: its ledger is the witness for both sides. */
export const createSandboxClient = (sandboxUrl: string, signal: AbortSignal) => {
  const ask = async (path: string, body?: unknown): Promise<Response> => {
    const posted = body === undefined ? {} : { method: 'POST', body: JSON.stringify(body) }
    const answer = await fetch(new URL(path, sandboxUrl), { ...posted, signal })
    if (answer.ok) return answer
    throw new DemoFailure(`The sandbox answered ${path} with ${answer.status}; see its log.`)
  }
  return {
    /** This share of what it is sent goes wrong, in ways of these weights. */
    setFaults: async (rate: number, mix: FaultMix) => void (await ask('/faults', { rate, mix })),
    summary: async () => (await (await ask('/ledger/summary')).json()) as LedgerSummary,
    async entries(): Promise<readonly LedgerEntry[]> {
      const entries: LedgerEntry[] = []
      for await (const line of linesOf((await ask('/ledger')).body!)) entries.push(JSON.parse(line))
      return entries
    },
    /** Resolves when the providers have no receipt left to send. */
    idle: async () => void (await (await ask('/idle')).text()),
  }
}

export type SandboxClient = ReturnType<typeof createSandboxClient>
