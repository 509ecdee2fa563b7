import type { Program } from './program.ts'

/** A server of the cluster. */
export interface Server extends Program {
  readonly url: string
  /** Deletes all it keeps, as when its disk is gone. It must not run. */
  wipe(): void
}

/** What each server is given by whoever starts the cluster. */
export interface ServerNeeds {
  readonly port: number
  /** Its own: for its data and its log file. Exists. */
  readonly directory: string
  readonly onDeath?: (name: string) => void
}
