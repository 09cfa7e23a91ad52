import { X509SvidError } from '../errors/index.js';
import { type Certificate, fieldsOf } from '../internal/certificate.js';
import type { NameConstraints } from '../internal/certificate-extensions.js';
import type { GeneralName } from '../internal/general-name.js';
import { isSelfIssued, nameOf } from './authority-rules.js';

type Subtrees = 'permitted' | 'excluded';

const HOST = /^[a-z0-9_-]+(?:\.[a-z0-9_-]+)*$/;
const HOST_OR_DOMAIN = /^\.?[a-z0-9_-]+(?:\.[a-z0-9_-]+)*$/;
const IPV4 = /^\d+(?:\.\d+){3}$/;
const URI_AUTHORITY = /^[a-z][a-z0-9+.-]*:\/\/(?:[^/?#@]*@)?([^/?#@:]+)(?::\d*)?(?:[/?#]|$)/i;

/**
 * Name constraints along a path from the leaf to an authority (RFC 5280 sections 4.2.1.10 and 6.1.3 (b) and (c)): those
 * of each CA bind every certificate below it, self-issued intermediates excepted, and those of the authority itself
 * count too. A name or a constraint that cannot be judged refuses the path.
 */
export function checkNameConstraints(path: readonly Certificate[]): void {
  path.forEach((authority, height) => {
    const { nameConstraints } = fieldsOf(authority);
    if (height === 0 || nameConstraints === undefined) return;
    path.slice(0, height).forEach((certificate, index) => {
      if (index > 0 && isSelfIssued(certificate)) return;
      if (namesIn(certificate).every((name) => isAllowed(name, nameConstraints))) return;
      throw new X509SvidError(
        'name_not_permitted',
        `${nameOf(certificate)} holds a name outside the name constraints of ${nameOf(authority)}`,
      );
    });
  });
}

/** The alternative names, the subject, and the mail addresses that older certificates keep in the subject. */
function namesIn(certificate: Certificate): readonly GeneralName[] {
  const { subject, subjectAltName } = fieldsOf(certificate);
  const fromSubject: readonly GeneralName[] = subject.isEmpty ? [] : [{ kind: 'directory', tag: 4, name: subject }];
  const mails = subject.emailAddresses().map((text): GeneralName => ({ kind: 'email', tag: 1, text }));
  return [...subjectAltName, ...fromSubject, ...mails];
}

function isAllowed(name: GeneralName, { permitted, excluded }: NameConstraints): boolean {
  const included = permitted.filter((base) => base.tag === name.tag);
  return (
    (included.length === 0 || included.some((base) => isWithin(name, base, 'permitted') === true)) &&
    excluded.every((base) => base.tag !== name.tag || isWithin(name, base, 'excluded') === false)
  );
}

/** Whether a name lies in a subtree of its own kind; undefined where that cannot be told. */
function isWithin(name: GeneralName, base: GeneralName, subtrees: Subtrees): boolean | undefined {
  if (name.kind === 'directory' && base.kind === 'directory') return name.name.isWithin(base.name);
  if (name.kind === 'ip' && base.kind === 'ip') return isInNetwork(name.bytes, base.bytes);
  if (name.kind === 'uri' && base.kind === 'uri') return isHostWithin(readUriHost(name.text), base.text.toLowerCase());
  if (name.kind === 'email' && base.kind === 'email') return isMailWithin(name.text, base.text);
  if (name.kind === 'dns' && base.kind === 'dns') {
    return isDnsWithin(name.text.toLowerCase(), base.text.toLowerCase(), subtrees);
  }
  return undefined;
}

/** For URIs and mail: a host stands for itself, and with a leading period for everything below it. */
function isHostWithin(host: string | undefined, base: string): boolean | undefined {
  if (host === undefined || (base !== '' && !HOST_OR_DOMAIN.test(base))) return undefined;
  if (base === '') return true;
  return base.startsWith('.') ? host.endsWith(base) : host === base;
}

/** RFC 5280 section 4.2.1.10: a URI without an authority, or with an IP address in it, cannot satisfy a constraint. */
function readUriHost(uri: string): string | undefined {
  const host = URI_AUTHORITY.exec(uri)?.[1]?.toLowerCase();
  return host !== undefined && HOST.test(host) && !IPV4.test(host) ? host : undefined;
}

function isMailWithin(mail: string, base: string): boolean | undefined {
  const [local, host, ...rest] = mail.split('@');
  const lowerHost = host?.toLowerCase() ?? '';
  if (!local || rest.length > 0 || !HOST.test(lowerHost)) return undefined;
  if (!base.includes('@')) return isHostWithin(lowerHost, base.toLowerCase());
  const [baseLocal, baseHost = '', ...more] = base.split('@');
  if (!baseLocal || more.length > 0 || !HOST.test(baseHost.toLowerCase())) return undefined;
  return local === baseLocal && lowerHost === baseHost.toLowerCase();
}

/**
 * For DNS names a base stands for itself and everything below it. A wildcard is permitted when all names that it
 * covers are, and excluded when one of them is.
 */
function isDnsWithin(dns: string, base: string, subtrees: Subtrees): boolean | undefined {
  const parent = dns.startsWith('*.') ? dns.slice(2) : undefined;
  if (!HOST.test(parent ?? dns) || (base !== '' && !HOST_OR_DOMAIN.test(base))) return undefined;
  if (base === '') return true;
  const isBelow = base.startsWith('.') ? dns.endsWith(base) : dns === base || dns.endsWith(`.${base}`);
  if (isBelow || parent === undefined || subtrees === 'permitted') return isBelow;
  return base.endsWith(`.${parent}`) && !base.slice(0, -parent.length - 1).includes('.');
}

function isInNetwork(address: Uint8Array, network: Uint8Array): boolean {
  const size = network.length / 2;
  if (address.length !== size) return false;
  return address.every((octet, index) => ((octet ^ (network[index] ?? 0)) & (network[size + index] ?? 0)) === 0);
}
