import type { Tracing } from '#ports/telemetry.ts'
import type { Registry } from './registry.ts'

/** The SDK that was started for this process. */
export interface RunningSdk {
  readonly tracing?: Tracing
  /** Has the numbers of a registry sent to whoever was named. */
  readonly export: (registry: Registry) => void
  /** Sends what is left; never throws. */
  readonly stop: () => Promise<void>
}

let running: RunningSdk | undefined

export const note = (sdk: RunningSdk): void => {
  running = sdk
}

/** `undefined`: nobody asked for it, and nothing of OpenTelemetry has been loaded. */
export const runningSdk = (): RunningSdk | undefined => running
