import { scopes as allScopes, type Scope } from '#domain/app/app.ts'
import { Refusal } from '#domain/recorded-fact.ts'
import { createOperations } from '#handlers/operate.ts'
import type { Find } from '#ports/document-store.ts'
import { allProjections } from '#projections/all.ts'
import { type AppDocument, appsProjection } from '#projections/apps/apps.ts'
import { notificationsProjection } from '#projections/notifications/notifications.ts'
import type { Projection } from '#projections/projection.ts'
import type { Base } from './base.ts'
import { createCatchUp } from './catch-up.ts'

type Arguments = Readonly<Record<string, unknown>>
/** What a person may order from the command line, beside or instead of a running service. */
export type OperatorOrders = Readonly<Record<string, (args: Arguments) => Promise<object>>>

const actor = 'cli'
const pageMax = 200
const apps = appsProjection as unknown as Projection
const notifications = notificationsProjection as unknown as Projection

const textOf = (args: Arguments, name: string): string => {
  const value = args[name]
  if (typeof value === 'string' && value !== '') return value
  throw new Refusal('app/invalid', `${name} is missing.`)
}

/** Parked for that, and stays so until a newer version can read it. */
const isUnreadable = (error: unknown): boolean =>
  error instanceof Refusal && error.code === 'notification/unreadable'

const projectionOf = (name: string): Projection => {
  const found = allProjections.find((each) => each.name === name)
  if (found) return found
  const names = allProjections.map((each) => each.name).join(', ')
  throw new Refusal('app/invalid', `There is no read model ${name}; there are ${names}.`)
}

export const createOperatorOrders = (needs: {
  readonly core: Base
  /** This process is a service and keeps the read models, or knows who does. */
  readonly running?: boolean
}): OperatorOrders => {
  const { core, running = false } = needs
  const { documents, readModels } = core
  const operations = createOperations(core.commandNotifications)

  const catchUp = createCatchUp(core)

  const fresh = async (projection: Projection) => {
    if (!running) await catchUp(projection)
    return readModels.active(projection)
  }

  const listApps = async (): Promise<readonly AppDocument[]> => {
    const found = await documents.scan(await fresh(apps), { limit: 1_000 })
    return found.map((each) => each.body as AppDocument)
  }

  /** All of them; what is redriven meanwhile does not shift the pages. */
  const parkedOf = async (app: string): Promise<readonly string[]> => {
    const collection = await fresh(notifications)
    const ids: string[] = []
    for (let after: Find['after']; ; ) {
      const found = await documents.find(collection, {
        where: { app, status: 'parked' },
        order: { field: 'requestedAt', direction: 'ascending' },
        limit: pageMax,
        ...(after && { after }),
      })
      ids.push(...found.map((each) => each.id))
      const last = found.at(-1)
      if (!last || found.length < pageMax) return ids
      after = { value: last.body.requestedAt as number, id: last.id }
    }
  }

  return {
    async 'keys.issue'(args) {
      const wanted = (args.scopes ?? []) as readonly string[]
      const unknown = wanted.find((each) => !(allScopes as readonly string[]).includes(each))
      if (unknown !== undefined) {
        throw new Refusal(
          'app/invalid',
          `There is no scope ${unknown}; there are ${allScopes.join(', ')}.`,
        )
      }
      return core.apps.issueKey(textOf(args, 'app'), wanted as readonly Scope[], actor)
    },
    async 'keys.list'() {
      const keys = (await listApps()).flatMap(({ app, keys: all }) =>
        all.map(({ keyId, scopes, issuedAt, revokedAt }) => ({
          app,
          keyId,
          scopes,
          issuedAt,
          revokedAt,
        })),
      )
      return { keys }
    },
    async 'keys.revoke'(args) {
      const keyId = textOf(args, 'keyId')
      return { revoked: await core.apps.revokeKey(keyId.split('.')[0]!, keyId, actor) }
    },
    async 'parked.list'(args) {
      const names =
        args.app === undefined ? (await listApps()).map((each) => each.app) : [textOf(args, 'app')]
      const parked: object[] = []
      for (const app of names) {
        for (const id of await parkedOf(app)) parked.push({ app, id })
      }
      return { parked }
    },
    async 'parked.redrive'(args) {
      const app = textOf(args, 'app')
      const ids = args.all === true ? await parkedOf(app) : [textOf(args, 'id')]
      const redriven: string[] = []
      const unreadable: string[] = []
      for (const id of ids) {
        try {
          const answer = await operations.redrive(app, id, args.force === true, actor)
          if (answer.redriven) redriven.push(id)
        } catch (error) {
          if (args.all !== true || !isUnreadable(error)) throw error
          unreadable.push(id)
        }
      }
      return { redriven, unreadable }
    },
    async 'projections.list'() {
      const projections: object[] = []
      await core.board.look()
      for (const projection of allProjections) {
        const generations = await readModels.generations(projection)
        const progress = core.board.progress.filter((each) => each.projection === projection.name)
        projections.push({
          name: projection.name,
          version: projection.version,
          ...generations,
          progress,
        })
      }
      return { projections, head: await core.events.head() }
    },
    async 'projections.rebuild'(args) {
      const projection = projectionOf(textOf(args, 'name'))
      const { building } = await readModels.change(projection, (now) => ({
        ...now,
        building: now.building ?? Math.max(now.active, ...(now.retired ?? [])) + 1,
      }))
      return {
        name: projection.name,
        building,
        startsWithService: !running && core.exclusive === true,
      }
    },
    async backup(args) {
      return core.backup(textOf(args, 'directory'))
    },
  }
}
