/** What the double does to the answers of the log; see test/support/eventstoredb/faults.ts. */
const kinds = ['no-reply', 'drop-after', 'lost-request', 'late-reply'] as const
const timesMax = 6
const lateMs = 3_000

/** Answers of the log that do not come, come late, or go with their connection. */
export interface Replies {
  /** Arms them; `draw` chooses, 0 to 1. */
  lose(draw: number): Promise<void>
  /** Disarms the rest; answers how many were hit. */
  stop(): Promise<number>
}

/** `controlUrl`: of the double. */
export const repliesOf = (controlUrl: string): Replies => {
  const ask = async (method: string, path: string, body?: object): Promise<Response> => {
    const answer = await fetch(`${controlUrl}${path}`, {
      method,
      ...(body && { body: JSON.stringify(body) }),
    })
    if (!answer.ok) throw new Error(`${method} ${path} of the double: ${answer.status}`)
    return answer
  }
  return {
    async lose(draw) {
      const spread = draw * kinds.length
      const kind = kinds[Math.floor(spread)]!
      const times = 1 + Math.floor((spread % 1) * timesMax)
      await ask('POST', '/faults', { kind, times, ms: lateMs, stream: 'notification-' })
    },
    async stop() {
      await ask('DELETE', '/faults')
      const counts = await (await ask('GET', '/counts')).json()
      const { struck } = counts as { struck: Readonly<Record<string, number>> }
      return Object.values(struck).reduce((sum, each) => sum + each, 0)
    },
  }
}
