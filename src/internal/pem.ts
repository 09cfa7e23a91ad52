import { ReadError } from './read-error.js';

export type PemRule = 'bad_pem';

/** One block: the label between BEGIN and `-----`, and the bytes inside. */
export interface PemBlock {
  readonly label: string;
  readonly der: Uint8Array<ArrayBuffer>;
}

/** Over a thousand certificates. */
const MAX_CHARACTERS = 4 * 1024 * 1024;
const BOUNDARY = /^-----(BEGIN|END) ([A-Z0-9][A-Z0-9 .]{0,62}[A-Z0-9])-----$/;
const BASE64_LINE = /^[A-Za-z0-9+/]*={0,2}$/;

/**
 * Reads the blocks of a PEM text (RFC 7468), in order. Text outside the blocks is skipped, as in files that carry a
 * comment above each certificate; inside a block there is canonical base64 and nothing else, so encapsulated headers
 * and encrypted keys of the old style are refused. A text that holds something but no block is refused; an empty one
 * has no blocks.
 *
 * @throws `ReadError` `bad_pem`.
 */
export function decodePem(text: string): PemBlock[] {
  if (text.length > MAX_CHARACTERS) throw bad(`a PEM text has at most ${MAX_CHARACTERS} characters`);
  const blocks: PemBlock[] = [];
  let open: { readonly label: string; base64: string } | undefined;
  for (const line of linesOf(text)) {
    const trimmed = line.trimEnd();
    if (!trimmed.startsWith('-----')) {
      if (open !== undefined) open.base64 += readLine(trimmed);
      continue;
    }
    const boundary = BOUNDARY.exec(trimmed);
    if (boundary === null) throw bad('a PEM boundary line is malformed');
    const [, side, label = ''] = boundary;
    if (side === 'BEGIN') {
      if (open !== undefined) throw bad('a PEM block begins before the one above it has ended');
      open = { label, base64: '' };
    } else {
      if (open?.label !== label) throw bad('a PEM block ends that has not begun under that label');
      blocks.push({ label, der: decodeBase64(open.base64) });
      open = undefined;
    }
  }
  if (open !== undefined) throw bad('the last PEM block has no end');
  if (blocks.length === 0 && text.trim() !== '') throw bad('the text holds no PEM block');
  return blocks;
}

/** Writes one block with lines of 64 characters and a line feed after the last (RFC 7468 section 2). */
export function encodePem(label: string, der: Uint8Array): string {
  const base64 = Buffer.from(der.buffer, der.byteOffset, der.byteLength).toString('base64');
  const lines = base64.match(/.{1,64}/g) ?? [];
  return [`-----BEGIN ${label}-----`, ...lines, `-----END ${label}-----`, ''].join('\n');
}

/** One after the other, because a list of millions of empty lines would take more memory than the text. */
function* linesOf(text: string): Generator<string> {
  let start = 0;
  while (start <= text.length) {
    const found = text.indexOf('\n', start);
    const end = found < 0 ? text.length : found;
    const line = text.slice(start, text[end - 1] === '\r' && end > start ? end - 1 : end);
    if (line.includes('\r')) yield* line.split('\r');
    else yield line;
    start = end + 1;
  }
}

function readLine(line: string): string {
  if (!BASE64_LINE.test(line)) throw bad('a PEM block holds a line that is not base64');
  return line;
}

function decodeBase64(base64: string): Uint8Array<ArrayBuffer> {
  const decoded = Buffer.from(base64, 'base64');
  if (decoded.length === 0) throw bad('a PEM block is empty');
  if (decoded.toString('base64') !== base64) throw bad('a PEM block is not canonical base64');
  return new Uint8Array(decoded);
}

function bad(message: string): ReadError<PemRule> {
  return new ReadError('bad_pem', message);
}
