import { spawn } from 'node:child_process';

/** No answer needs more, and a verifier that writes without end must not fill the memory. */
const MAX_LINE = 1024 * 1024;
/** Starts in a row that gave no answer; then the command is not tried again. */
const MAX_FRUITLESS_STARTS = 3;
const END_MS = 5000;

/**
 * The program under test. It is started once; after a crash or a timeout it is started again, so that one case does not
 * cost the others their verdict.
 */
export class Verifier {
  /** Why nothing more is asked. */
  failure;
  #command;
  #timeoutMs;
  #running;
  #fruitless = 0;
  #settled = new Set();

  constructor(command, timeoutMs) {
    this.#command = command;
    this.#timeoutMs = timeoutMs;
  }

  /** The answer to a line, as `{ answer }`, or `{ fault, detail }` in place of one. */
  async ask(line) {
    if (this.failure !== undefined) return { fault: 'no answer', detail: 'the verifier was given up' };
    this.#running ??= start(this.#command);
    const running = this.#running;
    running.send(line);
    const event = await this.#answerTo(line.id, running);
    this.#settled.add(line.id);
    if (event.lost === undefined) {
      this.#fruitless = 0;
      return event;
    }
    running.stop();
    this.#running = undefined;
    this.#fruitless += 1;
    if (event.lost === 'not started') this.failure = `the verifier cannot be started: ${event.detail}`;
    else if (this.#fruitless === MAX_FRUITLESS_STARTS) this.failure = `the verifier was given up: ${event.detail}`;
    return { fault: event.lost === 'not started' ? 'no answer' : event.lost, detail: event.detail };
  }

  /** Closes the input of the program and waits for its end, not for long. */
  async end() {
    await this.#running?.end();
  }

  async #answerTo(id, running) {
    const until = Date.now() + this.#timeoutMs;
    for (;;) {
      const event = await running.next(until - Date.now());
      if (event.line === undefined) return event;
      const answer = parsed(event.line);
      // An answer that comes after its line was judged: a stray line stood before it.
      const late = answer !== undefined && answer.id !== id && this.#settled.has(answer.id);
      if (late && Date.now() < until) continue;
      if (answer?.id === id) return { answer };
      const shown = event.line.length > 200 ? `${event.line.slice(0, 200)}...` : event.line;
      return { fault: 'unparsable', detail: `this is no answer to ${JSON.stringify(id)}: ${shown}` };
    }
  }
}

/** A running program: its lines in their order, and in the end, how it ended. */
function start([program, ...words]) {
  const child = spawn(program, words, { stdio: ['pipe', 'pipe', 'inherit'] });
  const lines = [];
  let rest = '';
  let over;
  let wake = () => undefined;
  const ending = new Promise((resolve) => {
    const finish = (event) => {
      over ??= event;
      wake();
      resolve();
    };
    child.once('error', ({ message }) => finish({ lost: 'not started', detail: message }));
    child.once('close', (code, signal) => {
      if (rest.trim() !== '') lines.push(rest);
      finish(
        code === 0
          ? { lost: 'no answer', detail: 'the verifier ended' }
          : { lost: 'crash', detail: `the verifier ended with ${code ?? signal}` },
      );
    });
  });
  // What a program ended with says more than the write that failed because of it.
  child.stdin.on('error', () => undefined);
  child.stdout.setEncoding('utf8');
  child.stdout.on('data', (chunk) => {
    const parts = `${rest}${chunk}`.split(/\r?\n/);
    rest = parts.pop();
    lines.push(...parts.filter((text) => text.trim() !== ''));
    if (rest.length > MAX_LINE) {
      over ??= { lost: 'crash', detail: `the verifier wrote a line of more than ${MAX_LINE} characters` };
    }
    wake();
  });

  const next = async (withinMs) => {
    const timer = setTimeout(() => wake('late'), Math.max(0, withinMs));
    try {
      for (;;) {
        const line = lines.shift();
        if (line !== undefined) return { line };
        if (over !== undefined) return over;
        const event = await new Promise((resolve) => {
          wake = resolve;
        });
        if (event === 'late') return { lost: 'timeout', detail: 'no answer in time' };
      }
    } finally {
      clearTimeout(timer);
    }
  };
  const stop = () => {
    child.kill('SIGKILL');
    child.stdin.destroy();
    child.stdout.destroy();
  };
  const end = async () => {
    child.stdin.end();
    const timer = setTimeout(stop, END_MS);
    await ending;
    clearTimeout(timer);
  };
  return { send: (line) => child.stdin.write(`${JSON.stringify(line)}\n`), next, stop, end };
}

/** An answer, if the line is a JSON object with an id. */
function parsed(line) {
  try {
    const value = JSON.parse(line);
    return typeof value?.id === 'string' ? value : undefined;
  } catch {
    return undefined;
  }
}
