import { createHash } from 'node:crypto';
import { ReplayError } from '../errors/index.js';
import { abortable, openScope } from '../internal/abort.js';

/**
 * The two commands that the store needs of a Redis or Valkey client. Any client fits:
 *
 * ```ts
 * // redis (node-redis): createClient(), createCluster()
 * const client: RedisReplayClient = {
 *   eval: (script, keys, args) => redis.eval(script, { keys, arguments: args }),
 *   evalSha: (sha1, keys, args) => redis.evalSha(sha1, { keys, arguments: args }),
 * };
 *
 * // ioredis: new Redis(), new Cluster()
 * const client: RedisReplayClient = {
 *   eval: (script, keys, args) => redis.eval(script, keys.length, ...keys, ...args),
 *   evalSha: (sha1, keys, args) => redis.evalsha(sha1, keys.length, ...keys, ...args),
 * };
 * ```
 *
 * All keys of one call have the same hash tag. The answer is one string (or a `Buffer` of it); an error reply rejects
 * with the server's text in `message`. The client must speak to the primary, never to a replica.
 */
export interface RedisReplayClient {
  /** `EVAL`. */
  eval(script: string, keys: string[], args: string[]): Promise<unknown>;
  /** `EVALSHA`; rejects with `NOSCRIPT` where the server does not know the script. */
  evalSha(sha1: string, keys: string[], args: string[]): Promise<unknown>;
}

/** A Lua script with the name that servers keep it under. */
export interface RedisScript {
  readonly text: string;
  readonly sha1: string;
}

export interface RunScriptOptions {
  readonly signal?: AbortSignal | undefined;
  readonly timeoutMs: number;
}

export function redisScript(text: string): RedisScript {
  return { text, sha1: createHash('sha1').update(text).digest('hex') };
}

/**
 * Runs a script: one round trip, or two where the server does not know it yet. A call that is given up may still take
 * effect, which makes a proof used that was never accepted, and nothing worse.
 *
 * @throws `ReplayError` `store_failed` or `store_timeout`; the signal's reason when it was aborted.
 */
export async function runScript(
  client: RedisReplayClient,
  script: RedisScript,
  keys: readonly string[],
  args: readonly string[],
  { signal, timeoutMs }: RunScriptOptions,
): Promise<string> {
  signal?.throwIfAborted();
  const onTimeout = (): Error => new ReplayError('store_timeout', `no answer from the server within ${timeoutMs} ms`);
  const scope = openScope({ signal, timeoutMs, onTimeout });
  try {
    return textOf(await abortable(call(client, script, keys, args), scope.signal));
  } catch (cause) {
    if (scope.signal.aborted) throw scope.signal.reason;
    throw new ReplayError('store_failed', 'the client of the replay store failed', { cause });
  } finally {
    scope[Symbol.dispose]();
  }
}

async function call(
  client: RedisReplayClient,
  script: RedisScript,
  keys: readonly string[],
  args: readonly string[],
): Promise<unknown> {
  try {
    return await client.evalSha(script.sha1, [...keys], [...args]);
  } catch (error) {
    if (!(error instanceof Error && /no_?script/i.test(error.message))) throw error;
    return await client.eval(script.text, [...keys], [...args]);
  }
}

/** The empty text, which no script answers, for whatever is not one string. */
function textOf(answer: unknown): string {
  if (answer instanceof Uint8Array) return Buffer.from(answer).toString('latin1');
  return typeof answer === 'string' ? answer : '';
}
