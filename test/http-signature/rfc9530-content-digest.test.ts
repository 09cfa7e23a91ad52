import { createHash } from 'node:crypto';
import { Readable } from 'node:stream';
import { gzipSync } from 'node:zlib';
import fc from 'fast-check';
import {
  createContentDigest,
  type MessageBody,
  type VerifyContentDigestOptions,
  verifyContentDigest,
} from 'svidkit/http-signature';
import { describe, expect, it } from 'vitest';
import { pieces } from '../support/http-signatures.js';
import { rejectionOf } from '../support/rejections.js';

const HELLO = Buffer.from('{"hello": "world"}\n');

async function readAll(body: AsyncIterable<Uint8Array>): Promise<Buffer> {
  const chunks: Uint8Array[] = [];
  for await (const chunk of body) chunks.push(chunk);
  return Buffer.concat(chunks);
}

/** Verifies to the very end, whichever form the body takes. */
async function outcome(field: string, body: MessageBody, options: VerifyContentDigestOptions = {}): Promise<string> {
  const read = async (): Promise<void> => {
    const verified = await verifyContentDigest(field, body, options);
    if (verified.state === 'verifying') await readAll(verified);
  };
  return rejectionOf(read());
}

describe('Content-Digest, RFC 9530', () => {
  it('is written as in the examples of appendix B', () => {
    expect(createContentDigest(HELLO)).toBe('sha-256=:RK/0qy18MlBSVnWgjwz6lZEWjP/lF5HF9bvEF8FabDg=:');
    expect(createContentDigest(new Uint8Array())).toBe('sha-256=:47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=:');
  });

  it('may have both algorithms, and no other', () => {
    const value = createHash('sha512').update(HELLO).digest('base64');
    expect(createContentDigest(HELLO, ['sha-512'])).toBe(`sha-512=:${value}:`);
    expect(createContentDigest(HELLO, ['sha-256', 'sha-512'])).toBe(
      `${createContentDigest(HELLO)}, ${createContentDigest(HELLO, ['sha-512'])}`,
    );
    for (const algorithms of [[], ['md5'], ['sha256'], ['toString']]) {
      expect(() => createContentDigest(HELLO, algorithms as unknown as ['sha-256'])).toThrow(TypeError);
    }
    expect(() => createContentDigest('text' as unknown as Uint8Array)).toThrow(TypeError);
  });

  it.each([
    ['accepted', createContentDigest(HELLO)],
    ['accepted', createContentDigest(HELLO, ['sha-512', 'sha-256'])],
    ['accepted', `${createContentDigest(HELLO)};p=1`],
    ['accepted', `new="x", ${createContentDigest(HELLO)}`],
    ['digest_mismatch', createContentDigest(Buffer.from('{"hello": "world"}'))],
    ['digest_mismatch', `${createContentDigest(HELLO)}, sha-512=:AAAA:`],
    ['digest_mismatch', `sha-256=:AAAA:, ${createContentDigest(HELLO, ['sha-512'])}`],
    ['digest_mismatch', 'sha-256=::'],
    ['unsupported_digest', ''],
    ['unsupported_digest', 'sha-384=:AAAA:'],
    ['weak_digest', 'md5=:AAAA:'],
    ['weak_digest', 'sha=:AAAA:'],
    ['weak_digest', `crc32c=:AAAA:, ${createContentDigest(HELLO)}`],
    ['bad_structured_field', 'sha-256=44'],
    ['bad_structured_field', 'sha-256'],
    ['bad_structured_field', 'sha-256=(:AAAA:)'],
    ['bad_structured_field', 'SHA-256=:AAAA:'],
    ['bad_structured_field', 'sha-256=RK/0qy18MlBSVnWgjwz6lZEWjP/lF5HF9bvEF8FabDg='],
    ['duplicate_member', `sha-256=:AAAA:, ${createContentDigest(HELLO)}`],
  ])('threat 40: %s: %s', async (code, field) => {
    expect(await outcome(field, HELLO)).toBe(code);
    expect(await outcome(field, pieces([HELLO.subarray(0, 5), HELLO.subarray(5)]))).toBe(code);
    expect(await outcome(field, pieces([HELLO.subarray(0, 5), HELLO.subarray(5)]), { maxBufferedBytes: 0 })).toBe(code);
  });

  it('threat 40: is of the bytes as they are sent, not of what is decoded from them', async () => {
    const coded = gzipSync(HELLO);
    expect(await outcome(createContentDigest(coded), coded)).toBe('accepted');
    expect(await outcome(createContentDigest(coded), HELLO)).toBe('digest_mismatch');
    expect(await outcome(createContentDigest(HELLO), coded)).toBe('digest_mismatch');
  });

  it('takes whatever gives bytes', async () => {
    expect(await outcome(createContentDigest(HELLO), Readable.from([HELLO]))).toBe('accepted');
    expect(await outcome(createContentDigest(HELLO), new Blob([HELLO]).stream())).toBe('accepted');
    const strings = Readable.from(['text']) as unknown as MessageBody;
    await expect(outcome(createContentDigest(HELLO), strings)).rejects.toThrow(TypeError);
  });
});

describe('a body in pieces', () => {
  it('threat 40: is given whole and verified up to the bound, and in pieces beyond it, however it is cut', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.uint8Array({ maxLength: 20 }), { maxLength: 8 }),
        fc.nat(60),
        fc.boolean(),
        async (chunks, maxBufferedBytes, changed) => {
          const whole = Buffer.concat(chunks);
          const field = createContentDigest(changed ? Buffer.concat([whole, Buffer.of(0)]) : whole);
          const source = pieces(chunks);
          const run = verifyContentDigest(field, source, { maxBufferedBytes });
          const short = whole.length <= maxBufferedBytes;
          if (short && changed) {
            expect(await rejectionOf(run)).toBe('digest_mismatch');
            return;
          }
          const verified = await run;
          expect(verified.state).toBe(short ? 'verified' : 'verifying');
          if (verified.state === 'verified') expect(Buffer.from(verified.bytes)).toEqual(whole);
          else if (changed) expect(await rejectionOf(readAll(verified))).toBe('digest_mismatch');
          else expect(await readAll(verified)).toEqual(whole);
          expect(source.state()).toBe('read');
        },
      ),
    );
  });

  it('holds back the last piece until the digest has matched', async () => {
    const source = pieces(['aaaa', 'bbbb', 'cccc', 'dddd']);
    const field = createContentDigest(Buffer.from('aaaabbbbccccdddX'));
    const body = await verifyContentDigest(field, source, { maxBufferedBytes: 7 });
    if (body.state !== 'verifying') throw new Error('more was held back than allowed');
    const seen: string[] = [];
    const read = async (): Promise<void> => {
      for await (const chunk of body) seen.push(Buffer.from(chunk).toString());
    };
    expect(await rejectionOf(read())).toBe('digest_mismatch');
    expect(seen).toEqual(['aaaa', 'bbbb', 'cccc']);
  });

  it('ends its source when nobody reads on, or it fails', async () => {
    const source = pieces(['aaaa', 'bbbb', 'cccc']);
    const body = await verifyContentDigest(createContentDigest(Buffer.from('x')), source, { maxBufferedBytes: 1 });
    if (body.state !== 'verifying') throw new Error('more was held back than allowed');
    for await (const chunk of body) {
      expect(Buffer.from(chunk).toString()).toBe('aaaa');
      break;
    }
    expect(source.state()).toBe('given up');
    expect(() => body[Symbol.asyncIterator]()).toThrow(TypeError);

    const cause = new Error('connection reset');
    const broken = (async function* () {
      yield Buffer.from('aaaa');
      throw cause;
    })();
    const field = createContentDigest(Buffer.from('aaaa'));
    await expect(verifyContentDigest(field, broken)).rejects.toBe(cause);
  });

  it('does not wait for a generator that is stuck, before and after the bound', async () => {
    for (const maxBufferedBytes of [100, 1]) {
      const abort = new AbortController();
      const stuck = (async function* () {
        yield Buffer.from('aaaa');
        queueMicrotask(() => abort.abort(new Error('enough')));
        yield await new Promise<never>(() => {});
      })();
      const options = { maxBufferedBytes, signal: abort.signal };
      await expect(outcome(createContentDigest(HELLO), stuck, options)).rejects.toThrow('enough');
    }
  });

  it('stops waiting when it is told to, before and after the bound', async () => {
    for (const maxBufferedBytes of [100, 1]) {
      const abort = new AbortController();
      let given = 0;
      let ended = 0;
      const source: AsyncIterable<Uint8Array> = {
        [Symbol.asyncIterator]: () => ({
          next: () => {
            given += 1;
            if (given === 1) return Promise.resolve({ done: false, value: Buffer.from('aaaa') });
            abort.abort(new Error('enough'));
            return new Promise<never>(() => {});
          },
          return: async () => {
            ended += 1;
            return { done: true, value: undefined };
          },
        }),
      };
      const options = { maxBufferedBytes, signal: abort.signal };
      await expect(outcome(createContentDigest(HELLO), source, options)).rejects.toThrow('enough');
      expect(ended).toBe(1);
    }
  });

  it('needs a bound that is a number', async () => {
    await expect(outcome(createContentDigest(HELLO), HELLO, { maxBufferedBytes: Number.NaN })).rejects.toThrow(
      TypeError,
    );
    await expect(outcome(undefined as unknown as string, HELLO)).rejects.toThrow(TypeError);
  });
});
