import {
  create,
  type DescMessage,
  fromBinary,
  type MessageInitShape,
  type MessageShape,
  toBinary,
} from '@bufbuild/protobuf';
import { quote } from '../internal/quote.js';
import { KubernetesObjectReferenceSchema, WorkloadPIDReferenceSchema } from './gen/brokerapi_pb.js';

/**
 * Which workload is meant (SPIFFE_Broker_API section 3.1): a process of this machine, an object of the Kubernetes cluster
 * that the endpoint serves, or whatever else the endpoint understands.
 */
export type WorkloadReference = ProcessReference | KubernetesReference | OtherReference;

/** A process, by its number. Sent to endpoints of this machine only. */
export interface ProcessReference {
  /**
   * As the endpoint sees it, from 1 to 2,147,483,647: not the one inside of a container, and not that of a sandbox such
   * as Kubernetes' `pause`.
   */
  readonly pid: number;
  readonly kubernetes?: never;
  readonly typeUrl?: never;
}

/** An object of the Kubernetes cluster. */
export interface KubernetesReference {
  readonly kubernetes: KubernetesObject;
  readonly pid?: never;
  readonly typeUrl?: never;
}

/** An object by its name, its UID, or both; then the endpoint checks that they belong together. */
export type KubernetesObject = { readonly type: KubernetesObjectType } & (
  | { readonly key: KubernetesObjectKey; readonly uid?: string | undefined }
  | { readonly key?: undefined; readonly uid: string }
);

/** What kind of object it is. */
export interface KubernetesObjectType {
  /** The plural name of the resource, such as `pods`. */
  readonly plural: string;
  /** The API group, such as `apps`; `core` for the resources that have none. */
  readonly group: string;
}

/** The name of an object. */
export interface KubernetesObjectKey {
  /** Left out for objects that are in no namespace, and for them only. */
  readonly namespace?: string | undefined;
  readonly name: string;
}

/** A reference of a type that the endpoint's documentation defines (SPIFFE_Broker_API section 3.1.4). */
export interface OtherReference {
  /** The full name of the message behind a slash, such as `type.googleapis.com/example.ContainerReference`. */
  readonly typeUrl: string;
  /** The message, serialised. Copied. */
  readonly value: Uint8Array;
  readonly pid?: never;
  readonly kubernetes?: never;
}

/** A reference as it is sent, which nobody can change any more. */
export interface ReadReference {
  /** For messages and events. */
  readonly label: string;
  /** The process, where the reference is to one of this machine. */
  readonly pid: number | undefined;
  /** The message to send. A fresh one each time. */
  message(): { reference: { typeUrl: string; value: Uint8Array } };
}

/** @throws `TypeError` for what is no reference. */
export function readReference(reference: WorkloadReference): ReadReference {
  const { pid, kubernetes, typeUrl } = reference;
  if ([pid, kubernetes, typeUrl].filter((part) => part !== undefined).length !== 1) {
    throw new TypeError('a reference has either pid, kubernetes, or typeUrl and value');
  }
  if (pid !== undefined) return readProcess(pid);
  if (kubernetes !== undefined) return readKubernetes(kubernetes);
  return readOther(reference as OtherReference);
}

const MAX_PID = 2 ** 31 - 1;
const UUID = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/i;
const TYPE_URL = /^[^\s/][^\s]*\/([A-Za-z_][\w.]*)$/;
const PREFIX = 'type.googleapis.com/';

function readProcess(pid: number): ReadReference {
  checkPid(pid);
  return packed(WorkloadPIDReferenceSchema, { pid }, `process ${pid}`, pid);
}

function checkPid(pid: number): void {
  if (!Number.isInteger(pid) || pid < 1 || pid > MAX_PID) {
    throw new TypeError(`pid must be a whole number from 1 to ${MAX_PID}`);
  }
}

function readKubernetes({ type, key, uid }: KubernetesObject): ReadReference {
  const { plural, group } = type ?? {};
  checkText('kubernetes.type.plural', plural);
  checkText('kubernetes.type.group', group, 'core for a resource without one');
  if (key === undefined && uid === undefined) throw new TypeError('kubernetes must have a key or a uid');
  const { namespace, name } = key ?? {};
  if (key !== undefined) checkText('kubernetes.key.name', name);
  if (namespace !== undefined) checkText('kubernetes.key.namespace', namespace, 'left out where there is none');
  if (uid !== undefined && !UUID.test(uid)) throw new TypeError('kubernetes.uid must be a UUID');
  const message = {
    type: { plural, group },
    ...(key === undefined ? {} : { key: { namespace: namespace ?? '', name: key.name } }),
    uid: uid ?? '',
  };
  const where = key === undefined ? '' : ` ${namespace === undefined ? '' : `${namespace}/`}${key.name}`;
  const which = uid === undefined ? '' : ` uid ${uid}`;
  return packed(KubernetesObjectReferenceSchema, message, `${plural}.${group}${where}${which}`);
}

function checkText(name: string, value: unknown, hint = 'not empty'): void {
  if (typeof value !== 'string' || value === '') throw new TypeError(`${name} must be a string, ${hint}`);
}

function readOther({ typeUrl, value }: OtherReference): ReadReference {
  const typeName = typeof typeUrl === 'string' ? TYPE_URL.exec(typeUrl)?.[1] : undefined;
  if (typeName === undefined) throw new TypeError('typeUrl must end in a slash and the full name of a message');
  if (!(value instanceof Uint8Array)) throw new TypeError('value must be the serialised message, a Uint8Array');
  if (typeName !== WorkloadPIDReferenceSchema.typeName) return sent(typeUrl, value, quote(typeUrl), undefined);
  // However it is spelled, a process is local.
  let pid: number;
  try {
    ({ pid } = fromBinary(WorkloadPIDReferenceSchema, value));
  } catch (cause) {
    throw new TypeError('value must be a serialised WorkloadPIDReference', { cause });
  }
  checkPid(pid);
  return sent(typeUrl, value, `process ${pid}`, pid);
}

function packed<D extends DescMessage>(
  schema: D,
  message: MessageInitShape<D>,
  label: string,
  pid?: number,
): ReadReference {
  const full: MessageShape<D> = create(schema, message);
  return sent(`${PREFIX}${schema.typeName}`, toBinary(schema, full), label, pid);
}

function sent(typeUrl: string, value: Uint8Array, label: string, pid: number | undefined): ReadReference {
  const bytes = Uint8Array.from(value);
  return { label, pid, message: () => ({ reference: { typeUrl, value: bytes } }) };
}
