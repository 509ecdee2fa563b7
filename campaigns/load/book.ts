import type { Submission } from './requests.ts'

/** What the service said of a request: the same for ever. */
export interface Answer {
  readonly id: string
  readonly eventId: string
  readonly status: string
}

/** The producers' own record: what they asked for, and what they hold a 202 for. */
export interface Book {
  /** In the order of asking. */
  readonly answered: readonly Submission[]
  /** Nobody said anything before the connection broke: these are asked again. */
  takeUnanswered(max: number): readonly Submission[]
  readonly unansweredCount: number
  note(submission: Submission, answer: Answer): void
  /** The request has ended; without an answer it is asked again. */
  asked(submission: Submission): void
  /** Another answer than the first one, or a refusal of what was right: never to happen. */
  readonly wrongAnswers: readonly string[]
  refused(submission: Submission, answer: string): void
}

const same = (a: Answer, b: Answer): boolean =>
  a.id === b.id && a.eventId === b.eventId && a.status === b.status

export const createBook = (): Book => {
  const answered: Submission[] = []
  const answers = new Map<string, Answer>()
  const open = new Map<string, Submission>()
  const refused = new Set<string>()
  const wrongAnswers: string[] = []
  return {
    answered,
    wrongAnswers,
    get unansweredCount() {
      return open.size
    },
    takeUnanswered(max) {
      const taken = [...open.values()].slice(0, max)
      for (const { eventId } of taken) open.delete(eventId)
      return taken
    },
    note(submission, answer) {
      const { eventId, id } = submission
      const first = answers.get(eventId)
      if (answer.id !== id || answer.eventId !== eventId || (first && !same(first, answer))) {
        wrongAnswers.push(`${eventId}: ${JSON.stringify(answer)} after ${JSON.stringify(first)}`)
      }
      if (first) return
      answers.set(eventId, answer)
      answered.push(submission)
    },
    asked(submission) {
      const { eventId } = submission
      if (!answers.has(eventId) && !refused.has(eventId)) open.set(eventId, submission)
    },
    refused(submission, answer) {
      refused.add(submission.eventId)
      wrongAnswers.push(`${submission.eventId}: ${answer}`)
    },
  }
}
