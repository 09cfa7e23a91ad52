/** Just enough of edwards25519, straight from RFC 8032 section 5.1, to know the small-order points without a list. */
const P = 2n ** 255n - 19n;
const mod = (n: bigint): bigint => ((n % P) + P) % P;
const D = mod(-121665n * power(121666n, P - 2n));
const SQRT_MINUS_1 = power(2n, (P - 1n) / 4n);

export interface Point {
  readonly x: bigint;
  readonly y: bigint;
}

/** RFC 8032 section 5.1.3, except that y may be as large as 255 bits allow and x = 0 may have a sign. */
export function decodeLeniently(bytes: Uint8Array): Point | undefined {
  const number = BigInt(`0x${Buffer.from(bytes).reverse().toString('hex')}`);
  const [sign, y] = [number >> 255n, mod(number & (2n ** 255n - 1n))];
  const [u, v] = [mod(y * y - 1n), mod(D * y * y + 1n)];
  let x = mod(power(mod(u * power(v, P - 2n)), (P + 3n) / 8n));
  if (mod(v * x * x - u) !== 0n) x = mod(x * SQRT_MINUS_1);
  if (mod(v * x * x - u) !== 0n) return undefined;
  return { x: (x & 1n) === sign ? x : mod(-x), y };
}

/** RFC 8032 section 5.1.4: three doublings, which take exactly the points of small order to the neutral one. */
export function hasSmallOrder(point: Point): boolean {
  let { x, y } = point;
  for (let round = 0; round < 3; round += 1) {
    const k = mod(D * x * x * y * y);
    const inverse = (n: bigint) => power(mod(n), P - 2n);
    [x, y] = [mod(2n * x * y * inverse(1n + k)), mod((y * y + x * x) * inverse(1n - k))];
  }
  return x === 0n && y === 1n;
}

/** The 32 bytes of y, little-endian, with a sign bit. */
export function encode(y: bigint, sign: 0 | 1): Uint8Array {
  return Buffer.from((y + (BigInt(sign) << 255n)).toString(16).padStart(64, '0'), 'hex').reverse();
}

/** The y coordinates of all points of small order: 1, -1, 0, and the two of order eight, where y^2 = -x^2. */
export function smallOrderYs(): bigint[] {
  // 2x^2 = 1 + D x^4 with x = y * sqrt(-1) leaves D y^4 + 2 y^2 - 1 = 0.
  const root = squareRoot(mod(1n + D));
  const ys = [root, mod(-root)].flatMap((r) => {
    const y = squareRoot(mod((r - 1n) * power(D, P - 2n)), true);
    return y === undefined ? [] : [y, mod(-y)];
  });
  return [1n, P - 1n, 0n, ...ys];
}

function squareRoot(n: bigint): bigint;
function squareRoot(n: bigint, orNot: true): bigint | undefined;
function squareRoot(n: bigint, orNot = false): bigint | undefined {
  const root = power(n, (P + 3n) / 8n);
  const found = [root, mod(root * SQRT_MINUS_1)].find((candidate) => mod(candidate * candidate) === n);
  if (found === undefined && !orNot) throw new Error('not a square');
  return found;
}

function power(base: bigint, exponent: bigint): bigint {
  let [result, square] = [1n, mod(base)];
  for (let rest = exponent; rest > 0n; rest >>= 1n) {
    if (rest & 1n) result = mod(result * square);
    square = mod(square * square);
  }
  return result;
}

/** The field prime of RFC 8032 section 5.1. */
export const FIELD_PRIME: bigint = P;
