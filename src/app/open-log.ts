import { existsSync } from 'node:fs'
import { lockDataDirectory } from '#adapters/sqlite/data-directory.ts'
import { openSqliteEventStore } from '#adapters/sqlite/sqlite-event-store.ts'
import type { Clock } from '#ports/clock.ts'
import { StartRefused } from '#ports/errors.ts'
import type { EventStore } from '#ports/event-store.ts'
import type { Log } from '#ports/log.ts'
import type { Random } from '#ports/random.ts'
import { pathsOf } from './embedded.ts'

export interface OpenLog extends AsyncDisposable {
  readonly events: EventStore
  /** The address, fit to be printed: without credentials. */
  readonly shown: string
  /** Nobody else can write to it while we have it open. */
  readonly exclusive: boolean
  /** Of an embedded log. */
  readonly dataDir?: string
}

export interface OpenLogNeeds {
  readonly clock: Clock
  readonly random: Random
  readonly log: Log
}

const server = /^(?:esdb|kurrentdb)(?:\+discover)?:\/\//
const otherScheme = /^[a-z][a-z0-9+.-]*:\/\//i

/** Without user, password and options: these may hold secrets. */
export const shownAddress = (address: string): string =>
  otherScheme.test(address)
    ? address.replace(/^([^:]+:\/\/)(?:[^/?#]*@)?([^?#]*).*$/s, '$1$2')
    : address

const openDataDirectory = async (
  dataDir: string,
  mode: 'read-only' | 'write',
  { clock, log }: OpenLogNeeds,
): Promise<OpenLog> => {
  await using opening = new AsyncDisposableStack()
  if (mode === 'write') opening.use(await lockDataDirectory(dataDir))
  const onWarn = (message: string) => log.warn(message)
  const path = pathsOf(dataDir).events
  const events = opening.use(await openSqliteEventStore({ path, mode, clock, onWarn }))
  const opened = opening.move()
  return {
    events,
    shown: dataDir,
    exclusive: mode === 'write',
    dataDir,
    [Symbol.asyncDispose]: () => opened.disposeAsync(),
  }
}

/** The driver is loaded only when a server is named. */
const openServer = async (url: string, needs: OpenLogNeeds): Promise<OpenLog> => {
  const { openEventStoreDb } = await import('#adapters/eventstoredb/event-store-db.ts')
  const events = await openEventStoreDb({ url, append: 'classic', ...needs })
  return {
    events,
    shown: shownAddress(url),
    exclusive: false,
    [Symbol.asyncDispose]: () => events[Symbol.asyncDispose](),
  }
}

/**
 * Opens a log by its address: a data directory, or `esdb://…` and its kin. A data directory opened to be
 * written is locked and, where it is not there, made; one that is only read may be in use.
 */
export const openLog = async (
  address: string,
  mode: 'read-only' | 'write',
  needs: OpenLogNeeds,
): Promise<OpenLog> => {
  if (server.test(address)) return openServer(address, needs)
  if (!otherScheme.test(address)) return openDataDirectory(address, mode, needs)
  throw new StartRefused(
    'log/address',
    `${shownAddress(address)} is no address of a log: name a data directory, or esdb://… of a server.`,
  )
}

/** Whether a data directory has a log already. */
export const hasLog = (dataDir: string): boolean => existsSync(pathsOf(dataDir).events)
