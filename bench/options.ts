import { parseArgs } from 'node:util'

export interface BenchOptions {
  readonly json: boolean
  /** On the servers of a cluster instead of a data directory. */
  readonly cluster: boolean
  /** In a cluster: only how fast relay and projector follow the log. */
  readonly onlyFollowers: boolean
  /** How much is measured; `quick` takes less than a minute, in a cluster less than two. */
  readonly size: BenchSize
  /** Events that the log holds before anything is measured. */
  readonly preload: number
  /** Rounds of Pabal and BullMQ in turn; 0: no comparison. */
  readonly compareRounds: number
  /** Where the service writes its CPU profile; absent: it is not profiled. */
  readonly profileDir?: string
  readonly keep: boolean
}

export interface BenchSize {
  readonly notifications: number
  readonly recipients: number
  readonly pacedSeconds: number
  readonly flatOutSeconds: number
  readonly idleSeconds: number
}

const full: BenchSize = {
  notifications: 50_000,
  recipients: 10_000,
  pacedSeconds: 20,
  flatOutSeconds: 10,
  idleSeconds: 10,
}
const quick: BenchSize = {
  notifications: 10_000,
  recipients: 2_000,
  pacedSeconds: 5,
  flatOutSeconds: 3,
  idleSeconds: 10,
}

/** A cluster on one machine has seven processes on its cores: fewer are enough to fill them. */
const clusterNotifications = { full: 20_000, quick: 1_500 }
/** Preloaded for the relay and the projector to follow. */
const clusterEvents = { full: 200_000, quick: 20_000 }
const clusterRecipients = { full: 2_000, quick: 300 }
const compareRoundsDefault = 3

const whole = (name: string, text: string, max: number): number => {
  const value = Number(text)
  if (!Number.isInteger(value) || value < 0 || value > max || text.trim() === '')
    throw new RangeError(`--${name} must be a whole number from 0 to ${max}, not "${text}".`)
  return value
}

export const parseBenchArgs = (args: string[]): BenchOptions => {
  const { values } = parseArgs({
    args,
    options: {
      json: { type: 'boolean', default: false },
      cluster: { type: 'boolean', default: false },
      followers: { type: 'boolean', default: false },
      quick: { type: 'boolean', default: false },
      preload: { type: 'string' },
      compare: { type: 'boolean', default: false },
      rounds: { type: 'string', default: String(compareRoundsDefault) },
      notifications: { type: 'string' },
      profile: { type: 'string' },
      keep: { type: 'boolean', default: false },
    },
  })
  const { notifications, cluster } = values
  const extent = values.quick ? 'quick' : 'full'
  const size = {
    ...(values.quick ? quick : full),
    ...(cluster && {
      notifications: clusterNotifications[extent],
      recipients: clusterRecipients[extent],
      ...(values.quick && { pacedSeconds: 3, flatOutSeconds: 2, idleSeconds: 5 }),
    }),
    ...(notifications !== undefined && {
      notifications: whole('notifications', notifications, 10_000_000),
    }),
  }
  const preload = values.preload ?? String(cluster ? clusterEvents[extent] : 0)
  return {
    json: values.json,
    cluster,
    onlyFollowers: values.followers,
    size,
    preload: whole('preload', preload, 100_000_000),
    compareRounds: values.compare ? whole('rounds', values.rounds, 99) : 0,
    keep: values.keep,
    ...(values.profile !== undefined && { profileDir: values.profile }),
  }
}
