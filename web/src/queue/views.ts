import type { Kind } from './change';

/** Narrowed is how a queue is narrowed; it is the query string. */
export interface Narrowed {
  status?: string;
  min_severity?: string;
  assignee?: string;
  verdict?: string;
  q?: string;
  rule?: string;
  incident?: string;
  sort?: string;
  suppressed?: string; // 'yes': what accepted filters take, in the place of all others
}

/** View is a queue narrowed in a way that has a name. */
export interface View {
  name: string;
  narrowed: Narrowed;
}

/** given are the views that everybody has. All but the last leave out what is closed. */
export function given(me: string | undefined): View[] {
  return [
    { name: 'Open', narrowed: {} },
    { name: 'High and critical', narrowed: { min_severity: 'high' } },
    ...(me ? [{ name: 'Mine', narrowed: { assignee: me } }] : []),
    { name: 'New', narrowed: { status: 'new' } },
    { name: 'Closed', narrowed: { status: 'closed', sort: 'newest' } },
  ];
}

const fields = [
  'status',
  'min_severity',
  'assignee',
  'verdict',
  'q',
  'rule',
  'incident',
  'sort',
  'suppressed',
] as const;

/** narrowing keeps of a query string what narrows. */
export function narrowing(search: Narrowed): Narrowed {
  return Object.fromEntries(fields.filter((f) => search[f]).map((f) => [f, search[f]]));
}

export function same(a: Narrowed, b: Narrowed): boolean {
  return fields.every((f) => (a[f] ?? '') === (b[f] ?? ''));
}

function place(kind: Kind): string {
  return `tocsin.views.${kind}`;
}

/** saved are the views that this browser keeps. What somebody broke there is nobody's view. */
export function saved(kind: Kind, store: Pick<Storage, 'getItem'> = localStorage): View[] {
  try {
    const list: unknown = JSON.parse(store.getItem(place(kind)) ?? '[]');
    if (!Array.isArray(list)) return [];
    return list
      .filter((v): v is View => typeof v?.name === 'string' && typeof v?.narrowed === 'object' && v.narrowed !== null)
      .map((v) => ({ name: v.name, narrowed: narrowing(v.narrowed) }));
  } catch {
    return [];
  }
}

export function save(kind: Kind, views: readonly View[], store: Pick<Storage, 'setItem'> = localStorage) {
  store.setItem(place(kind), JSON.stringify(views));
}
