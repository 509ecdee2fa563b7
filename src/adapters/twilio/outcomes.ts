import { type Row, wireRows } from '../wire/outcome-table.ts'
import type { ReceiptRow } from '../wire/receipt-outcome.ts'

type Failing = 'retry' | 'permanent' | 'endpoint-invalid' | 'opted-out'

const byCode = <Is extends string>(code: string, is: Is, reason: string): Row<Is> => ({
  when: { code },
  is,
  reason,
})

const credentials = 'Twilio does not accept our account and token.'
const sender = 'Twilio does not let us send from this number or service.'
const notAPhone = 'This number cannot receive SMS.'
const filtered = 'The carrier or Twilio does not let this message through.'

/** Twilio's error codes that say the same in an answer and in a receipt. */
const errorRows: readonly Row<Failing>[] = [
  byCode('21211', 'endpoint-invalid', notAPhone),
  byCode('21614', 'endpoint-invalid', notAPhone),
  byCode('21635', 'endpoint-invalid', notAPhone),
  byCode('30005', 'endpoint-invalid', 'The number does not exist, or no longer.'),
  byCode('30006', 'endpoint-invalid', 'A landline, or a carrier that cannot be reached.'),
  byCode('21610', 'opted-out', 'The recipient has answered STOP.'),
  byCode('30004', 'permanent', 'The recipient blocks messages.'),
  byCode('30007', 'permanent', filtered),
  byCode('30036', 'permanent', 'The validity period ended before the message could be delivered.'),
  byCode('21602', 'permanent', 'The message has no text.'),
  byCode('21617', 'permanent', 'The text is over 1,600 characters.'),
  byCode('21611', 'retry', 'The queue of this sender is full.'),
  byCode('30001', 'retry', 'The queue of this sender is full.'),
  byCode('30003', 'retry', 'The handset cannot be reached now.'),
  byCode('30008', 'retry', 'The carrier gave no reason.'),
]

export const twilioRows: readonly Row[] = [
  {
    when: { status: 201, code: 'unparsable' },
    is: 'ambiguous',
    reason: 'Twilio said 201 and not what it took.',
  },
  { when: { status: 201 }, is: 'accepted', reason: 'Twilio has queued it.' },

  byCode('20003', 'config', credentials),
  byCode('20404', 'config', 'Twilio does not know our account.'),
  byCode('21408', 'config', 'Our account may not send to this country.'),
  byCode('21606', 'config', sender),
  byCode('21603', 'config', sender),
  byCode('21609', 'config', 'Twilio cannot call back our public address.'),
  ...errorRows,

  { when: { status: 429 }, is: 'retry', reason: 'Twilio takes no more now.' },
  {
    when: { status: 500 },
    is: 'ambiguous',
    reason: 'An error inside Twilio: the message may have been taken.',
  },
  {
    when: { status: 503 },
    is: 'ambiguous',
    reason: 'Twilio was not available: the message may have been taken.',
  },
  ...wireRows,
]

const accepted = (status: string): ReceiptRow => ({
  when: { status },
  is: 'accepted',
  reason: 'Twilio has it, and it is on its way.',
})

/** `state`: MessageStatus says that it failed; then `code` is the ErrorCode. */
export const twilioReceiptRows: readonly ReceiptRow[] = [
  { when: { status: 'delivered' }, is: 'delivered', reason: 'Delivered.' },
  { when: { status: 'read' }, is: 'delivered', reason: 'Read.' },
  accepted('accepted'),
  accepted('scheduled'),
  accepted('queued'),
  accepted('sending'),
  accepted('sent'),
  { when: { status: 'canceled' }, is: 'permanent', reason: 'Cancelled at Twilio.' },
  ...errorRows.map((row) => ({ ...row, when: { ...row.when, state: 'failed' } })),
  {
    // Certainly not delivered, and nobody knows why: another try is worth more than silence.
    when: { state: 'failed' },
    is: 'retry',
    reason: 'Not delivered, for a reason that no row of the table knows.',
  },
]
