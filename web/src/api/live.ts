import { useEffect, useSyncExternalStore } from 'react';
import type { Schemas } from './client';

export type Update = Schemas['Update'];

/** State of the stream that tells of findings as they change. */
interface Live {
  connected: boolean;
  /** changed holds what others changed since one last looked, the newest of each finding. */
  changed: ReadonlyMap<string, Update>;
  lookers: readonly string[];
}

let live: Live = { connected: true, changed: new Map(), lookers: [] };
const listeners = new Set<() => void>();
const own = new Map<string, number>(); // uids that this page changed, and until when their echo is no news
const echo = 10_000; // milliseconds

function set(next: Partial<Live>) {
  live = { ...live, ...next };
  for (const l of listeners) l();
}

function subscribe(listener: () => void) {
  listeners.add(listener);
  return () => listeners.delete(listener);
}

/** mine says that this page itself changed findings: what the stream then tells of them is no news. */
export function mine(uids: readonly string[] | null) {
  for (const uid of uids ?? []) own.set(uid, Date.now() + echo);
  seen((u) => !uids?.includes(u.uid));
}

/** seen forgets the news that a page has shown; keep says what stays news. */
export function seen(keep: (u: Update) => boolean = () => false) {
  const rest = new Map([...live.changed].filter(([, u]) => keep(u)));
  if (rest.size !== live.changed.size) set({ changed: rest });
}

export function useLive(): Live {
  return useSyncExternalStore(subscribe, () => live);
}

/** useStream listens while one is signed in; incident is the one that is looked at, which others then see. */
export function useStream(incident?: string) {
  useEffect(() => {
    const stream = new EventSource(`/api/v1/live${incident ? `?incident=${encodeURIComponent(incident)}` : ''}`);
    stream.onopen = () => set({ connected: true });
    stream.onerror = () => set({ connected: false });
    stream.addEventListener('message', heard);
    stream.addEventListener('finding', heard);
    stream.addEventListener('lookers', (e) => set({ lookers: (JSON.parse(e.data) as { names: string[] }).names }));
    return () => {
      stream.close();
      set({ lookers: [] });
    };
  }, [incident]);
}

function heard(e: MessageEvent<string>) {
  const u = JSON.parse(e.data) as Update;
  if (!u.uid || (own.get(u.uid) ?? 0) > Date.now()) return;
  set({ changed: new Map(live.changed).set(u.uid, u) });
}
