import type { ApiClient } from './api-client.ts'
import { createLogFollower, type LogFollower } from './follow-log.ts'
import type { Processes } from './processes.ts'
import type { Surroundings } from './run.ts'
import type { SandboxClient } from './sandbox-client.ts'
import { type Held, send } from './sending.ts'
import { count } from './table.ts'
import type { Recorded } from './tally.ts'
import type { World } from './world.ts'

interface Needs extends Surroundings {
  readonly world: World
  readonly processes: Processes
  readonly api: ApiClient
  readonly sandbox: SandboxClient
  readonly secondsNow: () => number
}

const lookEveryMs = 1_000
/** Lost work is found after 30 s; when nothing at all is recorded for longer, nothing will be. */
const quietMaxMs = 60_000
const idleMaxMs = 10_000

/** Kills the service each time so much more has been accepted; half-way, if once. */
const createKiller = ({ settings, world, processes, screen, stopping, secondsNow }: Needs) => {
  const alerts = world.concerns.length
  let next = 1
  return (held: number): void => {
    if (next > settings.kills || held < (alerts * next) / (settings.kills + 1)) return
    next += 1
    screen.say(`${secondsNow()} s  SIGKILL to the service: ${count(held)} alerts hold a 202.`)
    processes.restart().then(
      () => screen.say(`${secondsNow()} s  The service is back, on the same data and port.`),
      (error: unknown) => stopping.abort(error),
    )
  }
}

const showProgress = async (needs: Needs, held: number, follower: LogFollower): Promise<void> => {
  const { world, sandbox, screen, secondsNow } = needs
  const { requests } = await sandbox.summary()
  const parts = [
    `${count(held)} of ${count(world.concerns.length)} alerts accepted`,
    `${count(requests)} sent`,
    `${count(follower.open)} open`,
    `${secondsNow()} s`,
  ]
  screen.progress(parts.join(' · '))
}

/** Reads the log until everything accepted has come to its end there, or nothing moves any more. */
const drain = async (needs: Needs, held: Held, follower: LogFollower): Promise<void> => {
  const { clock, stopping, sandbox, screen, secondsNow } = needs
  const { signal } = stopping
  const isDone = () =>
    follower.open === 0 && [...held.accepted.values()].every((id) => follower.notifications.has(id))
  let movedAt = clock.monotonic()
  let seen = 0
  while (!isDone() && clock.monotonic() - movedAt < quietMaxMs) {
    await clock.sleep(lookEveryMs, signal)
    await follower.poll()
    if (follower.events !== seen) movedAt = clock.monotonic()
    seen = follower.events
    await showProgress(needs, held.accepted.size, follower)
  }
  const settled = new AbortController()
  await Promise.race([sandbox.idle(), clock.sleep(idleMaxMs, settled.signal)])
  settled.abort()
  await follower.poll()
  screen.say(`${secondsNow()} s  ${count(follower.open)} alerts are open; the providers are idle.`)
}

/** Hands all alerts over, through kill and restart, and waits for what becomes of them. */
export const sendAndWatch = async (
  needs: Needs,
): Promise<{ readonly held: Held; readonly recorded: Recorded }> => {
  const { world, processes, api, clock, stopping, screen, secondsNow } = needs
  const { signal } = stopping
  const follower = createLogFollower(api, signal)
  const killer = createKiller(needs)
  let held = 0
  let sent = false
  const watch = async (): Promise<void> => {
    while (!sent && !signal.aborted) {
      await follower.poll()
      await showProgress(needs, held, follower)
      await clock.sleep(lookEveryMs, signal)
    }
  }
  const watching = watch()
  // What it throws is thrown below; until then nobody listens.
  watching.catch(() => {})
  let all: Held
  try {
    all = await send({
      ...{ api, clock, signal, submissions: world.submissions, up: processes.up },
      onAccepted: (count) => {
        held = count
        killer(count)
      },
    })
  } finally {
    sent = true
  }
  await watching
  await processes.up()
  const { replayed, interrupted } = all
  screen.say(
    `${secondsNow()} s  ${count(held)} alerts hold a 202; ${count(replayed)} were answered again, ` +
      `${count(interrupted)} batches broke off and were sent again.`,
  )
  await drain(needs, all, follower)
  return { held: all, recorded: follower }
}
