import { appsProjection } from './apps/apps.ts'
import { callbacksProjection } from './callbacks/callbacks.ts'
import { messagesProjection } from './messages/messages.ts'
import { notificationsProjection } from './notifications/notifications.ts'
import type { Projection } from './projection.ts'
import { recipientsProjection } from './recipients/recipients.ts'
import { templatesProjection } from './templates/templates.ts'

/** Every read model there is. Bodies differ; the projector does not look into them. */
export const allProjections: readonly Projection[] = [
  notificationsProjection,
  recipientsProjection,
  templatesProjection,
  appsProjection,
  messagesProjection,
  callbacksProjection,
] as unknown as readonly Projection[]
