// What a busy machine does to a program now and then, this does often and at random: turns of the event loop take long,
// and keys, files and the bytes of one connection come later than others. JITTER says how much: 1, or more.
import { promises as files } from 'node:fs';
import { connect } from 'node:http2';
import { Socket } from 'node:net';
import { type Duplex, PassThrough } from 'node:stream';

const AMOUNT = Number(process.env['JITTER'] ?? 1);
const STALL_MS = 40 * AMOUNT;
const DELAY_MS = 20 * AMOUNT;
/** How many of the calls that can be late are. */
const LATE = 0.3;

const APPLIED = Symbol.for('svidkit.jitter');

// Tests put others in their place.
const { setTimeout } = globalThis;
const now = performance.now.bind(performance);

type Method = (this: unknown, ...parameters: unknown[]) => unknown;

// vitest loads this once for each file, also where one worker has several.
if (!Reflect.has(globalThis, APPLIED)) {
  Reflect.set(globalThis, APPLIED, true);
  stallNowAndThen();
  delayResults(files, ['readFile', 'readlink', 'stat', 'readdir', 'open', 'realpath']);
  delayResults(Object.getPrototypeOf(crypto.subtle), ['sign', 'verify', 'digest', 'generateKey', 'importKey']);
  for (const stream of [Socket.prototype, http2StreamPrototype()]) delayWrites(stream);
}

function stallNowAndThen(): void {
  const end = now() + Math.random() * STALL_MS;
  while (now() < end);
  setTimeout(stallNowAndThen, 5 + Math.random() * 150).unref();
}

function delayResults(owner: object, names: readonly string[]): void {
  replace(owner, names, (method) => {
    return async function (...parameters) {
      if (Math.random() < LATE) await new Promise((resolve) => setTimeout(resolve, Math.random() * DELAY_MS));
      return method.apply(this, parameters);
    };
  });
}

/** A stream has one write under way at a time, so that its bytes keep their order. */
function delayWrites(stream: object): void {
  replace(stream, ['_write', '_writev'], (method) => {
    return function (...parameters) {
      if (Math.random() >= LATE) return method.apply(this, parameters);
      const write = (): void => {
        if (!(this as Duplex).destroyed) method.apply(this, parameters);
        else (parameters.at(-1) as (error: Error) => void)(new Error('destroyed before it was written'));
      };
      setTimeout(write, Math.random() * DELAY_MS);
      return undefined;
    };
  });
}

function replace(owner: object, names: readonly string[], make: (method: Method) => Method): void {
  for (const name of names) Reflect.set(owner, name, make(Reflect.get(owner, name)));
}

/** Of what writes, in Node's HTTP/2 streams of either side. */
function http2StreamPrototype(): object {
  const session = connect('http://localhost', { createConnection: () => new PassThrough() });
  session.on('error', () => undefined);
  const stream = session.request().on('error', () => undefined);
  session.destroy();
  return Object.getPrototypeOf(Object.getPrototypeOf(stream));
}
