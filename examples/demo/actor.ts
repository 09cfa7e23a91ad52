/** The few lines by which the processes of the demo talk: named steps over Node's IPC channel, one answer for each. */
import { type ChildProcess, fork } from 'node:child_process';

/** Everything that steps are told and tell; each step uses a few of these. */
export interface Answer {
  readonly id?: string | undefined;
  readonly notBefore?: string | undefined;
  readonly expiresAt?: string | undefined;
  readonly witExpiresAt?: string | undefined;
  readonly noWit?: string | undefined;
  readonly origin?: string | undefined;
  readonly strictOrigin?: string | undefined;
  readonly socket?: string | undefined;
  readonly status?: number | undefined;
  readonly caller?: string | undefined;
  readonly draft?: string | undefined;
  readonly rule?: string | undefined;
  readonly error?: string | undefined;
  readonly withWit?: boolean | undefined;
  readonly seconds?: number | undefined;
  readonly requests?: number | undefined;
  readonly failed?: number | undefined;
  readonly lastFailure?: string | undefined;
  readonly certificates?: number | undefined;
}

type Steps = Readonly<Record<string, (input: Answer) => Promise<Answer>>>;
type Message = { readonly number: number; readonly step: string; readonly input: Answer };
type Reply = { readonly number: number; readonly answer?: Answer; readonly error?: string };

/** In a child: answers the steps that the parent asks for, until the parent hangs up. */
export function serveSteps(steps: Steps): void {
  process.on('message', async ({ number, step, input }: Message) => {
    try {
      const run = steps[step];
      if (run === undefined) throw new Error(`there is no step ${step}`);
      process.send?.({ number, answer: await run(input) } satisfies Reply);
    } catch (error) {
      process.send?.({ number, error: describe(error) } satisfies Reply);
    }
  });
  process.on('disconnect', () => process.exit(0));
}

/** In the parent: a child process whose steps can be awaited. */
export class Actor {
  readonly #child: ChildProcess;
  #number = 0;

  constructor(file: string, env: NodeJS.ProcessEnv) {
    const path = new URL(file, import.meta.url);
    this.#child = fork(path, { execArgv: ['--import', 'tsx'], env: { ...process.env, ...env } });
    this.#child.setMaxListeners(0);
  }

  ask(step: string, input: Answer = {}): Promise<Answer> {
    const number = this.#number++;
    return new Promise((resolve, reject) => {
      const gone = (): void => reject(new Error(`the process ended during the step ${step}`));
      const heard = (reply: Reply): void => {
        if (reply.number !== number) return;
        this.#child.off('message', heard).off('exit', gone);
        if (reply.error === undefined) resolve(reply.answer ?? {});
        else reject(new Error(reply.error));
      };
      this.#child.on('message', heard).once('exit', gone);
      this.#child.send({ number, step, input } satisfies Message, (error) => error && gone());
    });
  }

  stop(): void {
    this.#child.kill();
  }
}

/** The rules that an error went through, and the sentence of the one underneath. */
export function describe(error: unknown): string {
  const codes: string[] = [];
  let sentence = String(error);
  for (let cause = error; cause instanceof Error; cause = cause.cause) {
    const { code } = cause as { code?: string };
    if (code !== undefined && !codes.includes(code)) codes.push(code);
    sentence = cause.message;
  }
  return codes.length > 0 ? `${codes.join(' <- ')}: ${sentence}` : sentence;
}
