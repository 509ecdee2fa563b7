import type { Role } from '#src/config.ts'
import { letEnd } from './fake-clock.ts'
import type { Service, World } from './open-service.ts'
import { holders, singleton, worker } from './process-roles.ts'

/** A lease whose holder died is free after 15 seconds, and looked at every second. */
const takeoverMaxMs = 30_000

type Command = 'accept' | 'send' | 'cancel' | 'redrive' | 'changeRecipient' | 'receipt'

/** Over all of them: paused is what one of them pauses, and `get` answers with the one least well. */
const credentialsOf = (workers: readonly Service[]): Service['reactions']['credentials'] => {
  const each = () => workers.map(({ reactions }) => reactions.credentials)
  return {
    ...each()[0]!,
    isPaused: (name) => each().some((of) => of.isPaused(name)),
    get: (name) => {
      const all = each().flatMap((of) => of.get(name) ?? [])
      return all.find(({ circuit }) => circuit.state.is !== 'closed') ?? all[0]
    },
  }
}

/**
 * Two workers and two singletons of a cluster, as one service. They share stores, queue, clock, faults and
 * the crash point a test arms: the process that comes there first dies, the others go on. What is asked of
 * the service goes to the workers that live, in turn. `crash` kills all of them at once, `pause` and `stop`
 * mean all as well; `crashed` and `fatal` say that it happened to one of them. Starting takes until the roles
 * have a holder: after a crash the leases of the dead have to run out.
 */
export const together = async (
  world: World,
  open: (roles: readonly Role[]) => Promise<Service>,
): Promise<Service> => {
  const workers = [await open(worker), await open(worker)] as const
  const singletons = [await open(singleton), await open(singleton)] as const
  const all: readonly Service[] = [...workers, ...singletons]
  const [first] = workers
  const every = async (act: (each: Service) => Promise<unknown>): Promise<void> => {
    await Promise.all(all.map(act))
  }

  let turn = 0
  const next = (): Service => {
    const alive = workers.filter((each) => !each.crashed)
    turn += 1
    return alive[turn % alive.length] ?? first
  }
  const inTurn = <Name extends Command>(name: Name): Service[Name] =>
    ((...args: readonly unknown[]) =>
      (next()[name] as (...args: readonly unknown[]) => unknown)(...args)) as Service[Name]

  const rolesHeld = (): boolean =>
    singleton.every((role) => holders(role, [...world.alive]).includes(true))
  const failed = () => all.some(({ crashed, fatal }) => crashed || fatal !== undefined)
  const keeper = (): Service =>
    singletons.find(({ core }) => core.projector.progress.length > 0) ?? singletons[0]

  return {
    ...first,
    accept: inTurn('accept'),
    send: inTurn('send'),
    cancel: inTurn('cancel'),
    redrive: inTurn('redrive'),
    changeRecipient: inTurn('changeRecipient'),
    receipt: inTurn('receipt'),
    get recipients() {
      return next().recipients
    },
    get templates() {
      return next().templates
    },
    get core() {
      return { ...first.core, projector: keeper().core.projector }
    },
    reactions: {
      ...first.reactions,
      credentials: credentialsOf(workers),
      receipts: {
        ...first.reactions.receipts,
        take: (...args) => next().reactions.receipts.take(...args),
      },
    },
    /** What is changed of it is changed for all. */
    queue: new Proxy(first.queue, {
      set: (_, name, value) => all.every(({ queue }) => Reflect.set(queue, name, value)),
    }),
    get lines() {
      return all.flatMap(({ lines }) => lines)
    },
    get fatal() {
      return all.find(({ fatal }) => fatal !== undefined)?.fatal
    },
    get crashed() {
      return all.some(({ crashed }) => crashed)
    },
    async start() {
      for (const each of all) await each.start()
      if (rolesHeld() || failed()) return
      await first.until(() => rolesHeld() || failed(), takeoverMaxMs)
    },
    pause() {
      for (const each of all) each.pause()
    },
    goOn: () => every((each) => each.goOn()),
    crash: () => every((each) => each.crash()),
    end: () => every((each) => each.end()),
    stop: () =>
      letEnd(
        world.clock,
        every((each) => each.end()),
      ),
    [Symbol.asyncDispose]: () => every((each) => each.crash()),
  }
}
