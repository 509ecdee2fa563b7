import type { Role } from '#src/config.ts'
import { createWorld, openService, type Service, type ServiceOptions } from './open-service.ts'

/** Several processes on the same stores, queue and providers, each with its own faults. */
export const openCluster = async <Name extends string>(
  processes: Readonly<Record<Name, readonly Role[]>>,
  options: Omit<ServiceOptions, 'world' | 'roles'> = {},
) => {
  const world = createWorld({ cluster: true })
  const opened = {} as Record<Name, Service>
  for (const [name, roles] of Object.entries(processes) as [Name, readonly Role[]][]) {
    opened[name] = await openService({ ...options, world, roles })
  }
  const all = () => Object.values<Service>(opened)
  return {
    world,
    processes: opened,
    /** Another process, or the next one of a name. */
    async start(name: Name, roles: readonly Role[], more: Partial<ServiceOptions> = {}) {
      opened[name] = await openService({ ...options, ...more, world, roles })
      return opened[name]
    },
    async [Symbol.asyncDispose]() {
      for (const each of all()) await each.crash()
    },
  }
}
