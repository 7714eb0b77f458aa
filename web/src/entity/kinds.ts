/** Entity is what a page of its own is about: a kind of /api/v1/entity/kinds and a value. */
export interface Entity {
  kind: string;
  value: string;
}

const kinds = new Set(
  (
    'origin principal session access_key account ip asn country user_agent instance user role policy bucket object_prefix function ' +
    'key secret image snapshot security_group trail domain resource'
  ).split(' '),
);

/** actors are the types that findings give to who stands at the start of a role chain. */
const actors = new Set([
  'root',
  'person',
  'workload',
  'automation',
  'aws_service',
  'service_linked_role',
  'external',
  'anonymous',
]);

const others: Readonly<Record<string, string>> = { address: 'ip', external_account: 'account', host: 'origin' };

/** entityOf says which entity a finding's part is; undefined where no page can be made of it. */
export function entityOf(type: string, value: string): Entity | undefined {
  if (!value) return undefined;
  if (actors.has(type) || value.startsWith('person:')) return { kind: 'origin', value };
  const kind = others[type] ?? type;
  return { kind: kinds.has(kind) ? kind : 'resource', value };
}

const columns: Readonly<Record<string, string>> = {
  origin: 'origin',
  principal: 'principal',
  session: 'session',
  access_key: 'access_key',
  account: 'account',
  src_ip: 'ip',
  resource: 'resource',
};

/** entityIn says which entity a value of a column of events is. */
export function entityIn(column: string, value: unknown): Entity | undefined {
  const kind = columns[column];
  return kind && typeof value === 'string' && value ? { kind, value } : undefined;
}

const panels: Readonly<Record<string, string>> = {
  addresses: 'ip',
  agents: 'user_agent',
  accounts: 'account',
  resources: 'resource',
  origins: 'origin',
  principals: 'principal',
  sessions: 'session',
  access_keys: 'access_key',
  networks: 'asn',
  countries: 'country',
};

/** entityOn says which entity a line of a profile's panel is; what was called, Regions, hours and tools are none. */
export function entityOn(panel: string, value: string): Entity | undefined {
  const kind = panels[panel];
  return kind && value ? { kind, value } : undefined;
}

const weekdays = ['Mon', 'Tue', 'Wed', 'Thu', 'Fri', 'Sat', 'Sun'];

/** hourOf is an hour of the week in words: 0 is "Mon 00:00". */
export function hourOf(key: string): string {
  const h = Number(key);
  if (!Number.isInteger(h) || h < 0 || h > 167) return key;
  return `${weekdays[Math.floor(h / 24)]} ${String(h % 24).padStart(2, '0')}:00`;
}
