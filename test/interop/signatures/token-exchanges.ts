import { isDeepStrictEqual } from 'node:util';
import { isSvidkitError } from 'svidkit/errors';
import { decodeWitUnverified } from 'svidkit/wit';
import { segment } from '../../support/raw-token.js';
import type { Answer, Direction, Exchange } from './exchange.js';
import type { TokenExchange } from './tokens.js';

export type TokenPeer = 'go-jose' | 'PyJWT';

/** One token to sign or to verify. As JSON it is what the peers' programs read. */
interface TokenTask {
  readonly name: string;
  readonly do: 'sign-token' | 'verify-token';
  readonly alg: string;
  /** A private JWK, or a JWK Set. */
  readonly key: object;
  readonly header?: object;
  readonly claims?: object;
  readonly token?: string;
  readonly audience?: string | undefined;
}

export type AskTokens = (tasks: readonly TokenTask[]) => Promise<readonly Answer[]>;

/** Every token as it was signed, and with a claim changed after that. */
const FORMS = [
  { name: 'as signed', expected: 'accept', form: (token: string) => token },
  { name: 'with a changed claim', expected: 'refuse', form: withChangedClaim },
] as const;

/** Everything that a peer signs and svidkit verifies, and the reverse. */
export async function exchangeTokens(
  peer: TokenPeer,
  ask: AskTokens,
  exchanges: readonly TokenExchange[],
): Promise<Exchange<TokenPeer>[]> {
  const rounds = exchanges.flatMap((own) => FORMS.map((form) => ({ own, ...form })));
  const ours = await Promise.all(rounds.map(async ({ own, form }) => form(await own.mint())));
  const verified = await ask(rounds.map(({ own, name }, index) => verifyTask(own, name, ours[index] ?? '')));
  const theirs = await ask(rounds.map(({ own, name }) => signTask(own, name)));
  const judged = await Promise.all(
    theirs.map((answer, index) => verifiedHere(rounds[index]?.own, rounds[index]?.form, answer)),
  );
  const exchange = (
    direction: Direction,
    index: number,
    { verdict, detail = '' }: Omit<Answer, 'name'>,
  ): Exchange<TokenPeer> => {
    const { own, name, expected } = rounds[index] as (typeof rounds)[number];
    return { peer, direction, name: `${own.kind} ${name}`, alg: own.alg, expected, verdict, detail };
  };
  return [
    ...verified.map((answer, index) => exchange('svidkit signs', index, understood(answer, ours[index] ?? ''))),
    ...judged.map((answer, index) => exchange('peer signs', index, answer)),
  ];
}

/** Two that accept a token must read the same in it. */
function understood(answer: Answer, token: string): Omit<Answer, 'name'> {
  if (answer.verdict !== 'accept') return answer;
  const claims: unknown = JSON.parse(JSON.stringify(decodeWitUnverified(token).claims));
  if (isDeepStrictEqual(answer.output, claims)) return answer;
  return { verdict: 'refuse', detail: `read ${JSON.stringify(answer.output)} instead of ${JSON.stringify(claims)}` };
}

async function verifiedHere(
  own: TokenExchange | undefined,
  form: ((token: string) => string) | undefined,
  answer: Answer,
): Promise<Omit<Answer, 'name'>> {
  if (answer.verdict !== 'accept' || own === undefined || form === undefined) return answer;
  try {
    await own.verify(form(String(answer.output)));
    return { verdict: 'accept' };
  } catch (error) {
    if (!isSvidkitError(error)) throw error;
    return { verdict: 'refuse', detail: `${error.name} ${error.code}: ${error.message}` };
  }
}

function verifyTask({ kind, alg, jwks, audience }: TokenExchange, name: string, token: string): TokenTask {
  return { name: `${kind} ${name}, ${alg}`, do: 'verify-token', alg, key: jwks, token, audience };
}

function signTask({ kind, alg, privateKey, header, claims }: TokenExchange, name: string): TokenTask {
  const key = privateKey.export({ format: 'jwk' });
  return { name: `${kind} ${name}, ${alg}`, do: 'sign-token', alg, key, header, claims };
}

function withChangedClaim(token: string): string {
  const [head, payload = '', signature] = token.split('.');
  const claims = JSON.parse(Buffer.from(payload, 'base64url').toString()) as { readonly exp: number };
  return `${head}.${segment({ ...claims, exp: claims.exp + 1 })}.${signature}`;
}
