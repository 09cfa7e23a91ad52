import { type ChildProcess, fork } from 'node:child_process';
import type { RequestAuthenticatorOptions } from 'svidkit/http';
import type { RedisReplayStoreOptions } from 'svidkit/replay';
import { superviseUntilExit } from '../../spire/support/processes.js';
import { issueSenders, type Senders } from '../../support/proof-senders.js';

/** Its number in the run, its sender, and the token. */
export type Proof = readonly [number: number, sender: number, token: string];

/** What one process presented. */
export interface Report {
  /** `accepted` or the code of the refusal for each presentation, once there was a verdict. */
  readonly outcomes: [number: number, outcome: string][];
  /** Answers without a verdict by code, after each of which the proof was presented again. */
  readonly refusals: Record<string, number>;
}

export interface PresentersOptions {
  readonly url: string;
  readonly store: Omit<RedisReplayStoreOptions, 'client' | 'clock'>;
  readonly verifying?: Pick<RequestAuthenticatorOptions, 'proofLeewaySeconds' | 'proofMaxLifetimeSeconds'>;
}

export interface PresenterSetup extends PresentersOptions {
  readonly senders: Senders;
}

export type Order =
  | { readonly mint: { readonly numbers: readonly number[]; readonly lifetimeSeconds: number } }
  | { readonly present: readonly Proof[] };

export type Answer =
  | { readonly ready: true }
  | { readonly minted: Proof[] }
  | { readonly report: Report }
  /** How many presentations of an order have their verdict by now. */
  | { readonly done: number };

const PROCESSES = 4;
const SENDERS = ['planner', 'buyer', 'clerk', 'courier'];

/** Four processes that share one server, each with an authenticator and a store of its own. */
export class Presenters implements AsyncDisposable {
  readonly #children: readonly ChildProcess[];
  readonly #ended: readonly Promise<void>[];

  private constructor() {
    const program = new URL('./presenter.ts', import.meta.url);
    this.#children = Array.from({ length: PROCESSES }, () => fork(program, { execArgv: ['--import', 'tsx'] }));
    this.#ended = this.#children.map(superviseUntilExit);
  }

  static async start(options: PresentersOptions): Promise<Presenters> {
    const presenters = new Presenters();
    const setup: PresenterSetup = { ...options, senders: await issueSenders(SENDERS) };
    await Promise.all(presenters.#children.map((_, index) => presenters.#ask(index, setup)));
    return presenters;
  }

  /** Proofs of these numbers, minted by all of the processes. */
  async mint(numbers: readonly number[], lifetimeSeconds: number): Promise<Proof[]> {
    const shares = this.#children.map((_, index) => numbers.filter((_number, at) => at % PROCESSES === index));
    const answers = await Promise.all(
      shares.map((share, index) => this.#ask(index, { mint: { numbers: share, lifetimeSeconds } })),
    );
    return answers.flatMap((answer) => ('minted' in answer ? answer.minted : [])).sort(([a], [b]) => a - b);
  }

  /** Lets each process present its hand. `onDone` is called with the number of verdicts of all together. */
  async present(hands: readonly (readonly Proof[])[], onDone: (done: number) => void): Promise<Report[]> {
    const done = hands.map(() => 0);
    const answers = await Promise.all(
      hands.map((hand, index) =>
        this.#ask(index, { present: hand }, (count) => {
          done[index] = count;
          onDone(done.reduce((sum, part) => sum + part, 0));
        }),
      ),
    );
    return answers.flatMap((answer) => ('report' in answer ? [answer.report] : []));
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const child of this.#children) if (child.connected) child.disconnect();
    await Promise.all(this.#ended);
  }

  /** Sends one message and gives the answer that ends it. */
  #ask(index: number, message: Order | PresenterSetup, onDone: (done: number) => void = () => undefined) {
    const child = this.#children[index] as ChildProcess;
    return new Promise<Answer>((resolve, reject) => {
      const settle = (): void => {
        child.off('message', onMessage);
        child.off('exit', onExit);
      };
      const onMessage = (answer: Answer): void => {
        if ('done' in answer) {
          onDone(answer.done);
          return;
        }
        settle();
        resolve(answer);
      };
      const onExit = (code: number | null): void => {
        settle();
        reject(new Error(`a presenting process ended with ${code}`));
      };
      child.on('message', onMessage).once('exit', onExit);
      child.send(message);
    });
  }
}
