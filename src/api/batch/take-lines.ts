import { parseJsonText } from '../json-text.ts'
import { problemOf } from '../problems.ts'
import type { AnswerQueue } from './answer-queue.ts'
import type { Line } from './line-splitter.ts'

/** Hands lines to those who decide them, and what comes of it to the answers. */
export interface LineTaker {
  /** `refused`: why no line is taken now. Whether the line went further than its own text. */
  take(line: Line, refused: unknown): boolean
  fail(line: number, error: unknown): void
}

export const createLineTaker = (
  answers: AnswerQueue,
  decide: (value: unknown) => Promise<object>,
  onError: (error: unknown) => void,
): LineTaker => {
  const failAt = (place: number, line: number, error: unknown): void => {
    const { problem } = problemOf(error)
    onError(error)
    answers.answer(place, `${JSON.stringify({ line, status: problem.status, problem })}\n`)
  }

  /** Throws what is wrong with the line before anybody is asked. */
  const jsonOf = ({ text, problem }: Line, refused: unknown): unknown => {
    if (refused || text === undefined) throw refused ?? problem
    return parseJsonText(text)
  }

  return {
    take(line, refused) {
      const { number } = line
      const place = answers.open()
      let decided: Promise<object>
      try {
        decided = decide(jsonOf(line, refused))
      } catch (error) {
        failAt(place, number, error)
        return false
      }
      decided.then(
        (answer) => answers.answer(place, `{"line":${number},${JSON.stringify(answer).slice(1)}\n`),
        (error: unknown) => failAt(place, number, error),
      )
      return true
    },
    fail: (line, error) => failAt(answers.open(), line, error),
  }
}
