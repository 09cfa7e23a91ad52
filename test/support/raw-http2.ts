import { connect, type Socket } from 'node:net';
import { closeOf } from './connections.js';

/** RFC 9113 section 6: the types of frames that are used here. */
export const FRAME = { DATA: 0, HEADERS: 1, RST_STREAM: 3, SETTINGS: 4 } as const;
const [END_STREAM, END_HEADERS, ACK] = [0x1, 0x4, 0x1];

/**
 * Sends one request over HTTP/2, with fields exactly as written and in this order, which Node's own client does not do,
 * and gives the status of the answer. Without TLS, unless a socket of another kind is given.
 */
export async function sendRawHttp2(
  port: number,
  fields: ReadonlyArray<readonly [name: string, value: string]>,
  socket: Socket = connect(port, '127.0.0.1'),
): Promise<number> {
  socket.write('PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n');
  socket.write(frame(FRAME.SETTINGS, 0, 0, Buffer.alloc(0)));
  socket.write(frame(FRAME.HEADERS, END_HEADERS | END_STREAM, 1, Buffer.concat(fields.flatMap(literalField))));
  let received = Buffer.alloc(0);
  let status = 0;
  socket.on('data', (chunk: Buffer) => {
    received = Buffer.concat([received, chunk]);
    for (; received.length >= 9; ) {
      const length = received.readUIntBE(0, 3);
      if (received.length < 9 + length) return;
      const [type, flags] = [received.readUInt8(3), received.readUInt8(4)];
      if (type === FRAME.SETTINGS && flags !== ACK) socket.write(frame(FRAME.SETTINGS, ACK, 0, Buffer.alloc(0)));
      if (type === FRAME.HEADERS) status = statusIn(received.subarray(9, 9 + length));
      if ((type === FRAME.HEADERS || type === FRAME.DATA) && (flags & END_STREAM) !== 0) socket.end();
      received = received.subarray(9 + length);
    }
  });
  socket.on('error', () => undefined);
  await closeOf(socket);
  return status;
}

/** RFC 9113 section 4.1. */
export function frame(type: number, flags: number, stream: number, payload: Buffer): Buffer {
  const head = Buffer.alloc(9);
  head.writeUIntBE(payload.length, 0, 3);
  head.writeUInt8(type, 3);
  head.writeUInt8(flags, 4);
  head.writeUInt32BE(stream, 5);
  return Buffer.concat([head, payload]);
}

/** RFC 7541 section 6.2.2: a literal field without indexing, with a new name, nothing in Huffman code. */
function literalField([name, value]: readonly [string, string]): Buffer[] {
  return [Buffer.from([0]), text(name), text(value)];
}

function text(value: string): Buffer {
  const bytes = Buffer.from(value, 'latin1');
  if (bytes.length < 127) return Buffer.concat([Buffer.from([bytes.length]), bytes]);
  const length = [127];
  let rest = bytes.length - 127;
  for (; rest >= 128; rest >>= 7) length.push((rest & 127) | 128);
  return Buffer.concat([Buffer.from([...length, rest]), bytes]);
}

/** RFC 7541 appendix A, entries 8 to 14. */
const INDEXED = [200, 204, 206, 304, 400, 404, 500];
/** RFC 7541 appendix B, the digits. */
const DIGITS = ['00000', '00001', '00010', '011001', '011010', '011011', '011100', '011101', '011110', '011111'];

/** `:status` is the first field of every response that Node sends. */
function statusIn(block: Buffer): number {
  let at = 0;
  while (((block[at] ?? 0) & 0xe0) === 0x20) at += 1;
  const first = block[at] ?? 0;
  if (first >= 0x88 && first <= 0x8e) return INDEXED[first - 0x88] ?? 0;
  const length = (block[at + 1] ?? 0) & 0x7f;
  const value = block.subarray(at + 2, at + 2 + length);
  if (((block[at + 1] ?? 0) & 0x80) === 0) return Number(value.toString('latin1'));
  let bits = Array.from(value, (byte) => byte.toString(2).padStart(8, '0')).join('');
  let digits = '';
  while (digits.length < 3) {
    const digit = DIGITS.findIndex((code) => bits.startsWith(code));
    if (digit < 0) return 0;
    digits += digit;
    bits = bits.slice(DIGITS[digit]?.length);
  }
  return Number(digits);
}
