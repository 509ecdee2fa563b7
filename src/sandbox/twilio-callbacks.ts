import { createHmac } from 'node:crypto'
import type { ReceiptPlan } from './answers.ts'
import type { Courier } from './courier.ts'
import type { Identity } from './identity.ts'
import { planReceipts, type Receipt } from './receipts.ts'
import { isFailure, moveOn, type TwilioMessage } from './twilio-messages.ts'

const usualKinds = ['sent', 'delivered']

export interface TwilioCallbacks {
  /** A promise if the callbacks come before the answer. */
  plan(message: TwilioMessage, plan: ReceiptPlan | undefined): Promise<void> | undefined
}

interface TwilioCallbacksOptions {
  twilio: Identity['twilio']
  courier: Courier
  receiptDelayMs: number
}

/** Over the address and then every field by name, without any separator. There is no time in it. */
const signatureOf = (authToken: string, url: string, fields: Record<string, string>): string => {
  const signed = Object.keys(fields)
    .sort()
    .reduce((text, name) => text + name + fields[name], url)
  return createHmac('sha1', authToken).update(signed).digest('base64')
}

export const createTwilioCallbacks = (options: TwilioCallbacksOptions): TwilioCallbacks => {
  const { twilio, courier, receiptDelayMs } = options

  const post = async (message: TwilioMessage, receipt: Receipt): Promise<void> => {
    // What follows # are orders to Twilio itself (`#rc=5&rp=all`): neither sent nor signed.
    const [url = ''] = message.statusCallback.split('#')
    const fields: Record<string, string> = {
      AccountSid: twilio.accountSid,
      ApiVersion: '2010-04-01',
      From: message.from,
      MessageSid: message.sid,
      MessageStatus: receipt.kind,
      SmsSid: message.sid,
      SmsStatus: receipt.kind,
      To: message.to,
    }
    if (receipt.code !== undefined && isFailure(receipt.kind)) fields.ErrorCode = `${receipt.code}`
    const headers = {
      'content-type': 'application/x-www-form-urlencoded; charset=UTF-8',
      'x-twilio-signature': signatureOf(twilio.authToken, url, fields),
    }
    const body = new URLSearchParams(fields).toString()
    for (let i = 0; i < receipt.times; i++) await courier.post(url, headers, body)
  }

  const deliver = async (message: TwilioMessage, receipt: Receipt): Promise<void> => {
    moveOn(message, receipt.kind, receipt.code)
    if (message.statusCallback !== '') await post(message, receipt)
  }

  const deliverAll = async (message: TwilioMessage, receipts: readonly Receipt[]) => {
    for (const receipt of receipts) await deliver(message, receipt)
  }

  return {
    plan: (message, plan) => {
      const receipts = planReceipts(plan, usualKinds, receiptDelayMs)
      if (plan?.early) return courier.now(() => deliverAll(message, receipts))
      for (const receipt of receipts)
        courier.later(receipt.delayMs, () => deliver(message, receipt))
      return undefined
    },
  }
}
