import type { JsonObjectOf, JsonOf, JsonRule } from './json.js';
import { ReadError } from './read-error.js';

const NUMBER = /-?(?:0|[1-9][0-9]*)(?:\.[0-9]+)?(?:[eE][+-]?[0-9]+)?/y;
/** Everything but `"`, `\` and control characters, which then meets what is expected: an end or an escape. */
const PLAIN = /[ !#-[\]-\uFFFF]*/y;
const HEX4 = /[0-9A-Fa-f]{4}/y;
const LONE_SURROGATE = /[\uD800-\uDFFF]/u;
const LITERALS: ReadonlyMap<string, readonly [text: string, value: boolean | null]> = new Map([
  ['t', ['true', true]],
  ['f', ['false', false]],
  ['n', ['null', null]],
]);
const ESCAPES: ReadonlyMap<string, string> = new Map([
  ['"', '"'],
  ['\\', '\\'],
  ['/', '/'],
  ['b', '\b'],
  ['f', '\f'],
  ['n', '\n'],
  ['r', '\r'],
  ['t', '\t'],
]);

/** One pass over one text; recursion is bounded by `maxDepth`. */
export class JsonParser<N> {
  readonly #text: string;
  readonly #maxDepth: number;
  readonly #number: (text: string) => N;
  #membersLeft: number;
  #at = 0;

  constructor(text: string, maxDepth: number, maxMembers: number, number: (text: string) => N) {
    this.#text = text;
    this.#maxDepth = maxDepth;
    this.#membersLeft = maxMembers;
    this.#number = number;
  }

  parse(): JsonOf<N> {
    this.#space();
    const value = this.#value(0);
    this.#space();
    if (this.#at !== this.#text.length) throw this.#malformed();
    return value;
  }

  #value(depth: number): JsonOf<N> {
    const first = this.#text.charAt(this.#at);
    if (first === '{') return this.#object(depth + 1);
    if (first === '[') return this.#array(depth + 1);
    if (first === '"') return this.#string();
    const literal = LITERALS.get(first);
    if (literal === undefined) return this.#number(this.#match(NUMBER) || this.#fail());
    const [text, value] = literal;
    if (!this.#text.startsWith(text, this.#at)) throw this.#malformed();
    this.#at += text.length;
    return value;
  }

  #object(depth: number): JsonObjectOf<N> {
    this.#checkDepth(depth);
    const object: Record<string, JsonOf<N>> = Object.create(null);
    this.#list('}', () => {
      const name = this.#string();
      if (name === '__proto__') {
        throw new ReadError<JsonRule>('forbidden_member', 'JSON text holds a member called __proto__');
      }
      if (Object.hasOwn(object, name)) {
        throw new ReadError<JsonRule>('duplicate_member', 'JSON text names a member of one object twice');
      }
      this.#space();
      this.#expect(':');
      this.#space();
      object[name] = this.#value(depth);
    });
    return Object.freeze(object);
  }

  #array(depth: number): readonly JsonOf<N>[] {
    this.#checkDepth(depth);
    const array: JsonOf<N>[] = [];
    this.#list(']', () => array.push(this.#value(depth)));
    return Object.freeze(array);
  }

  #list(end: '}' | ']', readOne: () => void): void {
    this.#at += 1;
    this.#space();
    if (this.#take(end)) return;
    do {
      if (--this.#membersLeft < 0) {
        throw new ReadError<JsonRule>('too_many_members', 'JSON text holds too many members');
      }
      this.#space();
      readOne();
      this.#space();
    } while (this.#take(','));
    this.#expect(end);
  }

  #string(): string {
    this.#expect('"');
    let value = this.#match(PLAIN);
    if (this.#take('"')) return value;
    while (!this.#take('"')) {
      this.#expect('\\');
      value += this.#escape() + this.#match(PLAIN);
    }
    if (LONE_SURROGATE.test(value)) throw new ReadError<JsonRule>('bad_text', 'JSON text holds a lone surrogate');
    return value;
  }

  #escape(): string {
    if (this.#take('u')) {
      const unit = Number.parseInt(this.#match(HEX4) || this.#fail(), 16);
      if (unit === 0) throw new ReadError<JsonRule>('bad_text', 'JSON text holds NUL');
      return String.fromCharCode(unit);
    }
    const escaped = ESCAPES.get(this.#text.charAt(this.#at));
    if (escaped === undefined) throw this.#malformed();
    this.#at += 1;
    return escaped;
  }

  #match(pattern: RegExp): string {
    const start = this.#at;
    pattern.lastIndex = start;
    if (!pattern.test(this.#text)) return '';
    this.#at = pattern.lastIndex;
    return this.#text.slice(start, this.#at);
  }

  /** RFC 8259 section 2: space, tab, line feed and carriage return. */
  #space(): void {
    for (;;) {
      const code = this.#text.charCodeAt(this.#at);
      if (code !== 0x20 && code !== 0x09 && code !== 0x0a && code !== 0x0d) return;
      this.#at += 1;
    }
  }

  #take(character: string): boolean {
    if (this.#text.charAt(this.#at) !== character) return false;
    this.#at += 1;
    return true;
  }

  #expect(character: string): void {
    if (!this.#take(character)) throw this.#malformed();
  }

  #checkDepth(depth: number): void {
    if (depth > this.#maxDepth) {
      throw new ReadError<JsonRule>('too_deep', `JSON text is nested deeper than ${this.#maxDepth}`);
    }
  }

  #fail(): never {
    throw this.#malformed();
  }

  #malformed(): ReadError<JsonRule> {
    return new ReadError<JsonRule>('bad_json', `JSON text is malformed at character ${this.#at}`);
  }
}
