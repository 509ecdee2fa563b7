import { randomUUID } from 'node:crypto'
import {
  type EventStoreDbOptions,
  openEventStoreDb,
} from '#adapters/eventstoredb/event-store-db.ts'
import type { Timing } from '#adapters/eventstoredb/timing.ts'
import { createSystemClock } from '#adapters/system/system-clock.ts'
import type { DisposableEventStore } from '#ports/event-store.ts'
import type { Log, LogFields } from '#ports/log.ts'

/** A driver's deadlines run on the real clock: short ones, so that what is late is late soon. */
export const shortTiming: Partial<Timing> = {
  tryMs: 1_000,
  callMs: 6_000,
  retryMs: 50,
  retryMaxMs: 200,
  renewMs: 0,
  resubscribeMs: 5,
  resubscribeMaxMs: 50,
  quietMs: 200,
  graceMs: 200,
  closeMs: 500,
}

export interface RecordedLine {
  readonly level: keyof Log
  readonly message: string
  readonly fields: LogFields | undefined
}

export const recordingLog = (): Log & { readonly lines: readonly RecordedLine[] } => {
  const lines: RecordedLine[] = []
  const at = (level: keyof Log) => (message: string, fields?: LogFields) => {
    lines.push({ level, message, fields })
  }
  return { lines, debug: at('debug'), info: at('info'), warn: at('warn'), error: at('error') }
}

export const openStore = (
  url: string,
  options: Partial<EventStoreDbOptions> = {},
): Promise<DisposableEventStore> =>
  openEventStoreDb({
    url,
    append: 'classic',
    clock: createSystemClock(),
    random: { uuid: () => randomUUID(), fraction: () => Math.random(), secret: () => randomUUID() },
    log: recordingLog(),
    timing: shortTiming,
    ...options,
  })
