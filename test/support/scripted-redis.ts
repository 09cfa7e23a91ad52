import type { RedisReplayClient } from 'svidkit/replay';

export interface RedisCall {
  readonly command: 'eval' | 'evalSha';
  readonly script: string;
  readonly keys: readonly string[];
  readonly args: readonly string[];
}

/** A client that gives the scripted answers in turn, the last one for ever: errors reject, promises are waited for. */
export class ScriptedRedis implements RedisReplayClient {
  readonly calls: RedisCall[] = [];
  readonly #answers: unknown[];

  constructor(...answers: unknown[]) {
    this.#answers = answers;
  }

  eval(script: string, keys: string[], args: string[]): Promise<unknown> {
    return this.#answer({ command: 'eval', script, keys, args });
  }

  evalSha(script: string, keys: string[], args: string[]): Promise<unknown> {
    return this.#answer({ command: 'evalSha', script, keys, args });
  }

  async #answer(call: RedisCall): Promise<unknown> {
    this.calls.push(call);
    const answer = this.#answers.length > 1 ? this.#answers.shift() : this.#answers[0];
    if (answer instanceof Error) throw answer;
    return answer;
  }
}
