import { type Row, unsendableRow, wireRows } from '../wire/outcome-table.ts'
import type { ReceiptRow } from '../wire/receipt-outcome.ts'

const credentials = 'SendGrid does not accept our key, or not our sender.'
const inside = 'An error inside SendGrid: the mail may have been taken.'

const ambiguous = (status: number): Row => ({ when: { status }, is: 'ambiguous', reason: inside })

export const sendgridRows: readonly Row[] = [
  {
    when: { status: 202, code: 'unparsable' },
    is: 'ambiguous',
    reason: 'SendGrid said 202 and not under which id.',
  },
  { when: { status: 202 }, is: 'accepted', reason: 'SendGrid has queued it.' },
  { when: { status: 429 }, is: 'retry', reason: 'SendGrid takes no more in this window.' },
  { when: { status: 400 }, is: 'permanent', reason: 'SendGrid does not accept this mail.' },
  { when: { status: 413 }, is: 'permanent', reason: 'The mail is too large.' },
  { when: { status: 401 }, is: 'config', reason: credentials },
  { when: { status: 403 }, is: 'config', reason: credentials },
  ambiguous(500),
  ambiguous(502),
  ambiguous(503),
  ambiguous(504),
  unsendableRow,
  ...wireRows,
]

const accepted = (event: string): ReceiptRow => ({
  when: { event },
  is: 'accepted',
  reason: 'SendGrid has it.',
})

const noSuchMailbox = 'The mailbox does not exist.'
const blocked = 'The receiving server does not take this mail.'

/**
 * `kind` is the event's `type` (`bounce`: the address, `blocked`: this mail), `class` its `bounce_classification`,
 * and of `dropped` the `reason`: SendGrid has not sent it, for what happened to this address before.
 */
export const sendgridReceiptRows: readonly ReceiptRow[] = [
  { when: { event: 'delivered' }, is: 'delivered', reason: 'The receiving server has taken it.' },
  accepted('processed'),
  accepted('deferred'),
  accepted('open'),
  accepted('click'),
  { when: { event: 'group_resubscribe' }, is: 'progress', reason: 'Nothing about this mail.' },
  { when: { event: 'unsubscribe' }, is: 'opted-out', reason: 'The recipient has unsubscribed.' },
  {
    when: { event: 'group_unsubscribe' },
    is: 'opted-out',
    reason: 'The recipient has unsubscribed from this group.',
  },
  { when: { event: 'spamreport' }, is: 'complaint', reason: 'The recipient calls it spam.' },

  {
    when: { event: 'bounce', kind: 'blocked', class: 'Technical' },
    is: 'retry',
    code: 'blocked',
    reason: 'The receiving server had a technical problem.',
  },
  {
    when: { event: 'bounce', kind: 'blocked', class: 'Technical Failure' },
    is: 'retry',
    code: 'blocked',
    reason: 'The receiving server had a technical problem.',
  },
  {
    when: { event: 'bounce', kind: 'blocked', class: 'Frequency or Volume Too High' },
    is: 'retry',
    code: 'blocked',
    reason: 'The receiving server takes no more now.',
  },
  {
    when: { event: 'bounce', kind: 'blocked' },
    is: 'permanent',
    code: 'blocked',
    reason: blocked,
  },
  {
    when: { event: 'bounce', class: 'Mailbox Unavailable' },
    is: 'permanent',
    reason: 'The mailbox is full or closed.',
  },
  { when: { event: 'bounce', class: 'Content' }, is: 'permanent', reason: blocked },
  { when: { event: 'bounce', class: 'Reputation' }, is: 'permanent', reason: blocked },
  { when: { event: 'bounce' }, is: 'endpoint-invalid', reason: noSuchMailbox },

  {
    when: { event: 'dropped', reason: 'Bounced Address' },
    is: 'endpoint-invalid',
    code: 'dropped-bounced',
    reason: 'Mail to this address has bounced before.',
  },
  {
    when: { event: 'dropped', reason: 'Invalid' },
    is: 'endpoint-invalid',
    code: 'dropped-invalid',
    reason: noSuchMailbox,
  },
  {
    when: { event: 'dropped', reason: 'Unsubscribed Address' },
    is: 'opted-out',
    code: 'dropped-unsubscribed',
    reason: 'The recipient had unsubscribed.',
  },
  {
    // Never sent: unlike a report of spam, it does not say that anything arrived.
    when: { event: 'dropped', reason: 'Spam Reporting Address' },
    is: 'opted-out',
    code: 'dropped-spamreport',
    reason: 'The recipient had called our mail spam.',
  },
  {
    when: { event: 'dropped', reason: 'Recipient List over Package Quota' },
    is: 'retry',
    code: 'dropped-quota',
    reason: 'The quota of our account is used up.',
  },
  { when: { event: 'dropped' }, is: 'permanent', reason: 'SendGrid has not sent it.' },
]
