import type { Random } from './random.js';

const OCTETS = [
  0x00, 0x01, 0x02, 0x03, 0x05, 0x06, 0x0c, 0x17, 0x18, 0x30, 0x31, 0x7f, 0x80, 0x81, 0x84, 0xa0, 0xa3, 0xff,
];

/** One to four changes anywhere, with pieces of `other` among them. */
function mutateBytes(random: Random, input: Uint8Array, other: Uint8Array): Uint8Array {
  let bytes = Buffer.from(input);
  for (let left = 1 + random.index(4); left > 0; left -= 1) {
    const at = random.index(bytes.length);
    const end = at + random.index(Math.min(bytes.length - at, random.length()) + 1);
    const [before, removed, after] = [bytes.subarray(0, at), bytes.subarray(at, end), bytes.subarray(end)];
    const from = random.index(other.length);
    const inserted = random.pick([
      () => Buffer.alloc(0),
      () => Buffer.from([random.pick(OCTETS)]),
      () => Buffer.from([(bytes[at] ?? 0) ^ (1 << random.index(8))]),
      () => Buffer.from([((bytes[at] ?? 0) + random.pick([1, 255])) & 255]),
      () => Buffer.from(random.bytes(random.length())),
      () => Buffer.concat([removed, removed]),
      () => Buffer.from(other.subarray(from, from + random.length() * 4)),
    ])();
    bytes = Buffer.concat([before, inserted, after]);
  }
  return new Uint8Array(random.chance(0.03) ? bytes.subarray(0, random.index(bytes.length)) : bytes);
}

/** One to four changes anywhere, with pieces of `other` and of the reader's vocabulary among them. */
export function mutateText(random: Random, input: string, other: string, words: readonly string[]): string {
  let text = input;
  for (let left = 1 + random.index(4); left > 0; left -= 1) {
    const at = random.index(text.length + 1);
    const end = at + random.index(Math.min(text.length - at, random.length()) + 1);
    const from = random.index(other.length);
    const inserted = random.pick([
      () => '',
      () => random.pick(words),
      () => String.fromCharCode(random.index(random.pick([128, 256, 65_536]))),
      () => text.slice(at, end).repeat(2),
      () => text.slice(at, end).toUpperCase(),
      () => other.slice(from, from + random.length() * 4),
    ])();
    text = text.slice(0, at) + inserted + text.slice(end);
  }
  return text;
}

/** A DER element: its identifier octet with either content octets or elements. */
export interface Tree {
  readonly tag: number;
  readonly content: Uint8Array | readonly Tree[];
}

/** The elements in the bytes as far as they can be made out; what cannot is content. */
export function parseTrees(bytes: Uint8Array): readonly Tree[] | undefined {
  const trees: Tree[] = [];
  for (let at = 0; at < bytes.length; ) {
    const [tag = 0, first = 0x80] = bytes.subarray(at, at + 2);
    const count = first < 0x80 ? 0 : first & 0x7f;
    if ((tag & 0x1f) === 0x1f || first === 0x80 || count > 4) return undefined;
    const length =
      first < 0x80 ? first : bytes.subarray(at + 2, at + 2 + count).reduce((sum, octet) => sum * 256 + octet, 0);
    const start = at + 2 + count;
    if (start + length > bytes.length) return undefined;
    const content = bytes.subarray(start, start + length);
    const inside = (tag & 0x20) !== 0 || tag === 0x04 ? parseTrees(content) : undefined;
    trees.push({ tag, content: inside !== undefined && inside.length > 0 ? inside : content });
    at = start + length;
  }
  return trees;
}

/** The one DER of the elements, with right lengths. */
export function encodeTrees(trees: readonly Tree[]): Uint8Array<ArrayBuffer> {
  return new Uint8Array(
    Buffer.concat(
      trees.map(({ tag, content }) => {
        const inside = content instanceof Uint8Array ? content : encodeTrees(content);
        return Buffer.concat([Buffer.from([tag, ...lengthOctets(inside.length)]), inside]);
      }),
    ),
  );
}

/** Leaves out, repeats, exchanges and rewrites whole elements, so that the lengths around them stay right. */
export function mutateDer(random: Random, input: Uint8Array, other: Uint8Array): Uint8Array {
  const trees = parseTrees(input);
  if (trees === undefined || random.chance(0.3)) return mutateBytes(random, input, other);
  const pieces = flatten(parseTrees(other) ?? []);
  let changed = trees;
  for (let left = 1 + random.index(3); left > 0; left -= 1) changed = mutateOne(random, changed, pieces);
  return encodeTrees(changed);
}

function mutateOne(random: Random, trees: readonly Tree[], pieces: readonly Tree[]): readonly Tree[] {
  const at = random.index(trees.length);
  const tree = trees[at];
  if (tree === undefined) return pieces.length === 0 ? trees : [random.pick(pieces)];
  const { tag, content } = tree;
  if (!(content instanceof Uint8Array) && random.chance(0.75)) {
    return trees.with(at, { tag, content: mutateOne(random, content, pieces) });
  }
  const replaced = random.pick([
    () => [],
    () => [tree, tree],
    () => [{ tag: random.pick(OCTETS), content }],
    () => [random.pick(pieces.length === 0 ? [tree] : pieces)],
    () => [tree, random.pick(pieces.length === 0 ? [tree] : pieces)],
    () => [
      { tag, content: mutateBytes(random, content instanceof Uint8Array ? content : encodeTrees(content), OTHER) },
    ],
    () => [{ tag, content: random.bytes(random.length()) }],
    () => [{ tag: 0x30, content: [tree] }],
  ])();
  return [...trees.slice(0, at), ...replaced, ...trees.slice(at + 1)];
}

const OTHER = Uint8Array.from(OCTETS);

function flatten(trees: readonly Tree[]): Tree[] {
  return trees.flatMap((tree) => [tree, ...(tree.content instanceof Uint8Array ? [] : flatten(tree.content))]);
}

function lengthOctets(length: number): number[] {
  if (length < 0x80) return [length];
  const octets: number[] = [];
  for (let rest = length; rest > 0; rest = Math.floor(rest / 256)) octets.unshift(rest % 256);
  return [0x80 | octets.length, ...octets];
}
