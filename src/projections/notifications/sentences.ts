import type {
  AcceptedData,
  DeferredData,
  DeliveredData,
  DispatchedData,
  FailedData,
  NotificationEvents,
  RequestedData,
  RoutedData,
  SuppressedData,
} from '#domain/notification/events.ts'
import type { RecordedFact } from '#domain/recorded-fact.ts'
import {
  closingReason,
  counted,
  deferralWords,
  endpointWords,
  outcomeWords,
  reasonWords,
  ruleWords,
} from './words.ts'

const named = (deliveries: readonly string[], otherwise: string): string =>
  deliveries.length === 0 ? otherwise : deliveries.join(', ')

const requested = (data: RequestedData): string => {
  const { eventId, recipient, category, purpose, priority, template } = data
  const whom =
    recipient.kind === 'user' ? `user ${recipient.userId}` : endpointWords(recipient.endpoint)
  const what = template ? `template ${template.name} version ${template.version}` : 'given content'
  const parts = [
    `"${eventId}" was requested for ${whom}: ${what}, category ${category} (${purpose})`,
    `priority ${priority}`,
    data.channels && `only over ${data.channels.join(', ')}`,
    data.noResend && 'not again once it may have been sent',
    data.sendAt !== undefined && `not before ${data.sendAt}`,
    data.expiresAt !== undefined && `not after ${data.expiresAt}`,
  ]
  return `${parts.filter(Boolean).join(', ')}.`
}

const passedOver = ({ endpoint, reason, rule, seen }: RoutedData['passedOver'][number]): string =>
  `${endpointWords(endpoint)} was passed over because ${reasonWords[reason]} (${ruleWords(rule, seen)})`

const routed = ({ deliveries, passedOver: over, locale, localeAsked }: RoutedData): string => {
  const made = deliveries.map(
    ({ deliveryId, channel, provider, endpoint }) =>
      `${deliveryId} over ${channel} by ${provider} to ${endpointWords(endpoint)}`,
  )
  const fallback = localeAsked !== undefined && `; ${localeAsked} was asked for and is not there`
  const inLocale = locale === '' ? '' : `, in locale ${locale}${fallback || ''}`
  const parts = [
    deliveries.length === 0
      ? 'There was nobody to send it to'
      : `It goes out in ${counted(deliveries.length, 'delivery', 'deliveries')}${inLocale}: ${made.join('; ')}`,
    ...over.map(passedOver),
  ]
  return `${parts.join('. ')}.`
}

const dispatched = ({ deliveryId, attempt, provider, deadline }: DispatchedData): string =>
  `Attempt ${attempt} of ${deliveryId} was begun by ${provider}; an answer was due by ${deadline}.`

const accepted = (data: AcceptedData): string => {
  const { deliveryId, attempt, providerMessageId, receiptDueAt } = data
  const under = providerMessageId === undefined ? '' : ` under ${providerMessageId}`
  return `The provider accepted attempt ${attempt} of ${deliveryId}${under}; a receipt was due by ${receiptDueAt}.`
}

const delivered = ({ deliveryId, attempt, evidence }: DeliveredData): string =>
  evidence === 'receipt'
    ? `A receipt says that attempt ${attempt} of ${deliveryId} was delivered.`
    : `The provider took attempt ${attempt} of ${deliveryId}; this channel has no receipts, so that counts as delivered.`

const sayers: Readonly<Record<FailedData['evidence'], string>> = {
  answer: 'the provider answered',
  receipt: 'a receipt said',
  resolve: 'no answer was recorded in time',
}

const failed = (data: FailedData): string => {
  const { deliveryId, attempt, outcome, code, reason, evidence, retryAt, final } = data
  const then =
    retryAt !== undefined
      ? `It was to be tried again from ${retryAt}.`
      : final
        ? 'That is final.'
        : 'It is not tried again by itself: a person has to look.'
  return `Attempt ${attempt} of ${deliveryId} ${outcomeWords[outcome]}: ${sayers[evidence]} (${code}: ${reason}) ${then}`
}

const deferred = ({ deliveries, until, reason, rule }: DeferredData): string =>
  `${named(deliveries, 'The notification')} waits until ${until} because ${deferralWords[reason]} (rule ${rule}).`

const suppressed = ({ deliveryId, attempt, reason, rule, seen }: SuppressedData): string =>
  `Attempt ${attempt} of ${deliveryId} was given up before anything was sent because ${reasonWords[reason]} (${ruleWords(rule, seen)}).`

type Concerned = NotificationEvents['NotificationCancelled']

const closed = (what: string, { deliveries, reason }: Concerned): string =>
  `${named(deliveries, 'The notification')} ${what} because ${closingReason(reason)}.`

const cancelled = ({ deliveries, reason }: Concerned): string =>
  `It was cancelled because ${closingReason(reason)}; ${
    deliveries.length === 0 ? 'no delivery was left to stop' : `${deliveries.join(', ')} stopped`
  }.`

const redriven = ({ deliveries, reason, force }: NotificationEvents['NotificationRedriven']) =>
  `${named(deliveries, 'The notification')} was opened again because ${closingReason(reason)}${
    force ? ', though it may have been sent before' : ''
  }.`

/** One sentence per event, made of nothing but what the event says. */
export const sentenceOf = (fact: Pick<RecordedFact, 'type' | 'data'>): string => {
  const data = fact.data as never
  switch (fact.type as keyof NotificationEvents) {
    case 'NotificationRequested':
      return requested(data)
    case 'NotificationRouted':
      return routed(data)
    case 'NotificationDispatched':
      return dispatched(data)
    case 'NotificationAccepted':
      return accepted(data)
    case 'NotificationDelivered':
      return delivered(data)
    case 'NotificationUnconfirmed': {
      const { deliveryId, attempt } = fact.data as NotificationEvents['NotificationUnconfirmed']
      return `The receipt of attempt ${attempt} of ${deliveryId} did not come in time; a late one still counts.`
    }
    case 'NotificationFailed':
      return failed(data)
    case 'NotificationDeferred':
      return deferred(data)
    case 'NotificationSuppressed':
      return suppressed(data)
    case 'NotificationCancelled':
      return cancelled(data)
    case 'NotificationExpired':
      return closed('was not sent any more', data)
    case 'NotificationParked':
      return closed('was put aside for a person', data)
    case 'NotificationRedriven':
      return redriven(data)
    default:
      return `${fact.type} was recorded; this version has no words for it.`
  }
}
