import { isSvidkitError } from 'svidkit/errors';
import { type HttpMessage, signMessage, verifyMessage } from 'svidkit/http-signature';
import type { KeyPair } from '../support/keys.js';
import { keyPair } from '../support/keys.js';
import type { Answer, Direction, Exchange } from './exchange.js';
import { ALG_HERE, ALGORITHMS, type MessageAlgorithm, type MessageCase } from './message-cases.js';
import { type MessageTask, peerComponent, peerMessage, pemOf } from './message-tasks.js';

export type MessagePeer = 'httpsign' | 'py-http-message-signatures' | 'http-message-sig' | 'http-message-signatures';

export type AskMessages = (tasks: readonly MessageTask[]) => Promise<readonly Answer[]>;

interface Round {
  readonly each: MessageCase;
  readonly alg: MessageAlgorithm;
  readonly pair: KeyPair;
}

/** Everything that a peer signs and svidkit verifies, and the reverse. */
export async function exchangeMessages(
  peer: MessagePeer,
  ask: AskMessages,
  cases: readonly MessageCase[],
): Promise<Exchange<MessagePeer>[]> {
  const rounds = cases.flatMap((each) =>
    each.algorithms.map(
      (alg): Round => ({ each: forAlgorithm(each, alg), alg, pair: keyPair(ALGORITHMS[alg], 'messages') }),
    ),
  );
  const ours = await Promise.all(rounds.map(signedHere));
  const verified = await ask(
    ours.map(({ round, message }) => taskOf('verify-message', round, changed(round, message))),
  );
  const theirs = await ask(rounds.map((round) => taskOf('sign-message', round, round.each.message)));
  const exchange = (
    direction: Direction,
    index: number,
    { verdict, detail = '' }: Omit<Answer, 'name'>,
  ): Exchange<MessagePeer> => {
    const { each, alg } = rounds[index] as Round;
    const expected = each.change === undefined ? 'accept' : 'refuse';
    return { peer, direction, name: each.name, alg, expected, verdict, detail };
  };
  return [
    ...verified.map((answer, index) => exchange('svidkit signs', index, answer)),
    ...theirs.map((answer, index) => exchange('peer signs', index, verifiedHere(rounds[index] as Round, answer))),
  ];
}

function forAlgorithm(each: MessageCase, alg: MessageAlgorithm): MessageCase {
  if (each.parameters['alg'] !== ALG_HERE) return each;
  return { ...each, parameters: { ...each.parameters, alg } };
}

async function signedHere(round: Round): Promise<{ readonly round: Round; readonly message: HttpMessage }> {
  const { each, alg, pair } = round;
  const { components, parameters, label } = each;
  const fields = await signMessage(each.message, pair.privateKey, { components, parameters, label, alg });
  return { round, message: withFields(each.message, fields) };
}

/** What svidkit makes of what the peer signed: the components, and the parameters that were asked for and no others. */
function verifiedHere({ each, alg, pair }: Round, answer: Answer): Omit<Answer, 'name'> {
  if (answer.verdict !== 'accept') return answer;
  const fields = answer.output as readonly (readonly [string, string])[];
  const message = withFields(each.message, fields);
  const received = each.change?.(message) ?? message;
  try {
    const key = { key: pair.publicKey, alg };
    const { parameters } = verifyMessage(received, key, { components: each.components, label: each.label });
    const [asked, signed] = [Object.keys(each.parameters), [...parameters.keys()]].map((names) =>
      names.sort().join(' '),
    );
    return asked === signed
      ? { verdict: 'accept' }
      : { verdict: 'refuse', detail: `signed ${signed}, asked for ${asked}` };
  } catch (error) {
    if (!isSvidkitError(error)) throw error;
    return { verdict: 'refuse', detail: `${error.name} ${error.code}: ${error.message}. ${JSON.stringify(fields)}` };
  }
}

function changed({ each }: Round, message: HttpMessage): HttpMessage {
  return each.change?.(message) ?? message;
}

function taskOf(what: MessageTask['do'], { each, alg, pair }: Round, message: HttpMessage): MessageTask {
  const key = what === 'sign-message' ? pair.privateKey : pair.publicKey;
  return {
    ...{ name: `${each.name}, ${alg}`, do: what, alg, label: each.label, parameters: each.parameters },
    ...{ key: key.export({ format: 'jwk' }), pem: pemOf(key) },
    ...{ message: peerMessage(message), components: each.components.map(peerComponent) },
  };
}

function withFields<M extends HttpMessage>(message: M, fields: readonly (readonly [string, string])[]): M {
  return { ...message, rawHeaders: [...message.rawHeaders, ...fields.flat()] };
}
