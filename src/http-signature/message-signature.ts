import { HttpSignatureError, type HttpSignatureErrorCode } from '../errors/index.js';
import type { Fields } from '../internal/fields.js';
import { quote } from '../internal/quote.js';
import { type Component, readComponents } from './component.js';
import type { HttpMessage, ReadMessage } from './message.js';
import { readMessage } from './message.js';
import { baseOf } from './signature-base.js';
import { type Dictionary, type InnerList, type ItemParameters, readDictionary } from './structured-fields.js';

/** A signature of a message, read and not verified. */
export interface MessageSignature {
  readonly label: string;
  /** What it says to cover, in its order. */
  readonly components: readonly Component[];
  readonly parameters: ItemParameters;
  readonly signature: Uint8Array;
}

/** One that still has the text of its input. */
export interface ReceivedSignature {
  readonly label: string;
  readonly input: InnerList;
  readonly text: string;
  readonly signature: Uint8Array;
}

/**
 * Reads the signatures of a message (RFC 9421 section 4). None of them is verified.
 *
 * @throws `HttpSignatureError` `bad_structured_field`, `duplicate_member`, `unpaired_label`, `bad_component`,
 * `duplicate_component` or `unsupported_component`.
 */
export function readSignatures(message: HttpMessage): readonly MessageSignature[] {
  return receivedSignatures(readMessage(message).fields).map(({ label, input, signature }) => ({
    label,
    components: readComponents(input.items),
    parameters: input.parameters,
    signature,
  }));
}

/** The two fields have the same labels (RFC 9421 section 4): a stray one means that a field was cut. */
export function receivedSignatures(fields: Fields): readonly ReceivedSignature[] {
  const inputs = dictionaryOf(fields, 'signature-input');
  const signatures = dictionaryOf(fields, 'signature');
  for (const label of new Set([...inputs.keys(), ...signatures.keys()])) {
    if (inputs.has(label) && signatures.has(label)) continue;
    refuse('unpaired_label', `the label ${quote(label)} is in one of Signature-Input and Signature only`);
  }
  return Array.from(inputs, ([label, { value: input, text }]) => {
    const signature = signatures.get(label)?.value;
    if (input.kind !== 'inner-list') refuse('bad_structured_field', 'a member of Signature-Input is not an inner list');
    if (signature?.kind !== 'item' || signature.value.type !== 'bytes' || signature.parameters.size > 0) {
      refuse('bad_structured_field', 'a member of Signature is not just a byte sequence');
    }
    return { label, input, text, signature: signature.value.value };
  });
}

/** The signature base that a received signature speaks of; its input must stand in the message as it was signed. */
export function baseOfReceived(
  { input, text }: ReceivedSignature,
  components: readonly Component[],
  message: ReadMessage,
): Uint8Array {
  const base = baseOf(message, components, input.parameters);
  if (base.signatureParams !== text) {
    refuse('not_canonical', 'the member of Signature-Input is not written as the signature base has it');
  }
  return Buffer.from(base.text, 'latin1');
}

/** Several lines are one list (RFC 9110 section 5.3). */
function dictionaryOf(fields: Fields, name: string): Dictionary {
  return readDictionary((fields.get(name) ?? []).join(', '));
}

function refuse(code: HttpSignatureErrorCode, message: string): never {
  throw new HttpSignatureError(code, message);
}
